use leptos::prelude::*;

/// The two pages about usage, as tabs; `current` is the path of the open one.
#[component]
pub fn UsageTabs(current: &'static str) -> impl IntoView {
    let tab = move |path: &'static str, name: &'static str| {
        view! { <li><a href=path aria-current=(path == current).then_some("page")>{name}</a></li> }
    };
    view! {
        <nav class="tabs" aria-label="Usage">
            <ul>{tab("/usage", "Overview")} {tab("/usage/statement", "Statement")}</ul>
        </nav>
    }
}
