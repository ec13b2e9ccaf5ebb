use leptos::prelude::*;

use super::{ActionError, ButtonForm, Icon, LocalDay, Symbol, after_success};
use crate::api::WithdrawErasure;
use crate::browser;
use crate::contexts::use_session;
use crate::links::ACCOUNT_PATH;

/// Above every page while the account waits to be erased: when that is, and the way back.
#[component]
pub fn ErasureBanner() -> impl IntoView {
    let session = use_session();
    let withdraw = ServerAction::<WithdrawErasure>::new();
    after_success(withdraw, || browser::load(ACCOUNT_PATH));
    view! {
        <Suspense fallback=|| ()>
            {move || Suspend::new(async move {
                let user = session.user.await.ok().flatten()?;
                let erase_at = user.erase_at?;
                // An operator who only looks changes nothing.
                let way_back = user.viewing.is_none().then(|| view! {
                    <ButtonForm action=withdraw label="Keep my account" class="button button-primary button-small" test_id="keep-account"/>
                    <ActionError action=withdraw/>
                });
                Some(view! {
                    <section class="banner" data-state="frozen" aria-label="The deletion of your account" data-testid="erasure-banner">
                        <Icon symbol=Symbol::Warning/>
                        <p><b>"Your account will be erased on " <LocalDay at=erase_at/> "."</b> " Until then everything works as before."</p>
                        {way_back}
                    </section>
                })
            })}
        </Suspense>
    }
}
