use leptos::prelude::*;

use super::{Icon, Symbol};
use crate::contexts::{Theme, current_theme};

/// Goes round the three themes: as the system says, light, dark.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let theme = RwSignal::new(current_theme());
    let choose_next = move |_| {
        theme.update(|theme| *theme = theme.next());
        theme.get_untracked().choose();
    };
    let label = move || format!("Theme: {}. Switch to {}.", theme.get().name(), theme.get().next().name());
    let icon = move || {
        let symbol = match theme.get() {
            Theme::System => Symbol::Screen,
            Theme::Light => Symbol::Sun,
            Theme::Dark => Symbol::Moon,
        };
        view! { <Icon symbol/> }
    };
    view! {
        <button
            type="button"
            class="icon-button needs-script"
            data-testid="theme-switch"
            data-choice=move || theme.get().name()
            aria-label=label
            title=label
            on:click=choose_next
        >
            {icon}
        </button>
    }
}
