use leptos::prelude::*;

#[component]
pub fn App() -> impl IntoView {
    view! { <p>"x"</p> }
}

#[cfg(feature = "ssr")]
pub fn shell(_options: LeptosOptions) -> impl IntoView {
    view! { <App/> }
}
