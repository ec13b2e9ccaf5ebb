use leptos::prelude::*;

use crate::components::SignedInOnly;
use crate::contexts::use_session;
use crate::pages::NotFoundPage;

/// Shows its children to an operator. Nobody else learns that there is something: visitors are led to the sign-in page,
/// as by every page, and whoever is signed in is told that there is nothing.
#[component]
pub fn OperatorsOnly(children: ChildrenFn) -> impl IntoView {
    let session = use_session();
    let children = StoredValue::new(children);
    view! {
        <SignedInOnly>
            {move || Suspend::new(async move {
                match session.user.await {
                    Ok(Some(user)) if user.is_operator => children.with_value(|children| children()).into_any(),
                    _ => view! { <NotFoundPage/> }.into_any(),
                }
            })}
        </SignedInOnly>
    }
}
