use leptos::prelude::*;

/// A plumb line: a weight on a string, which shows what is truly vertical.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
            <path class="logo-bar" d="M5 2.75h14"></path>
            <path class="logo-string" d="M12 2.75v8"></path>
            <path class="logo-bob" d="M8 10.75h8l-.9 4.4L12 21.5l-3.1-6.35z"></path>
        </svg>
    }
}
