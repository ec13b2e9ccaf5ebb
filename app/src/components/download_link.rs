use leptos::prelude::*;

use crate::contexts::use_session;

/// To what the page shows, as a file. On a visit there is none, and the banner says why. Belongs inside
/// [`SignedInOnly`](super::SignedInOnly).
#[component]
pub fn DownloadLink(
    #[prop(into)] path: Signal<String>,
    label: &'static str,
    #[prop(optional)] test_id: Option<&'static str>,
) -> impl IntoView {
    let is_there = !use_session().is_visit();
    is_there.then(|| view! {
        <a class="button button-small" href=path rel="external" download="" data-testid=test_id>{label}</a>
    })
}
