use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{ActionError, Icon, LocalTime, SubmitButton, Symbol, after_success};
use crate::api::EndVisit;
use crate::browser;
use crate::contexts::use_session;
use crate::links::{PEOPLE_PATH, person_path};

/// Above every page, and always in sight, while an operator looks at the product as somebody else: as whom, until when,
/// and the way back.
#[component]
pub fn VisitBanner() -> impl IntoView {
    let session = use_session();
    let end = ServerAction::<EndVisit>::new();
    after_success(end, move || {
        let user = session.user.get_untracked().and_then(Result::ok).flatten();
        let person = user.and_then(|user| user.viewing).map(|viewing| viewing.person);
        browser::load(&person.map_or_else(|| PEOPLE_PATH.to_owned(), person_path));
    });
    view! {
        <Suspense fallback=|| ()>
            {move || Suspend::new(async move {
                let user = session.user.await.ok().flatten()?;
                let viewing = user.viewing?;
                Some(view! {
                    <section class="banner visit-banner" aria-label="Your visit" data-testid="visit-banner">
                        <Icon symbol=Symbol::Person/>
                        <p>
                            "You see the product as " <b>{user.display_name}</b> " until " <LocalTime at=viewing.until/>
                            ". Nothing can be changed. What people write is hidden, so it cannot be searched either, and there are no files."
                        </p>
                        <ActionForm action=end>
                            <SubmitButton label="End" is_pending=end.pending() class="button button-primary button-small" test_id=Some("end-visit")/>
                        </ActionForm>
                        <ActionError action=end/>
                    </section>
                })
            })}
        </Suspense>
    }
}
