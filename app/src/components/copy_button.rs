use std::time::Duration;

use leptos::prelude::*;

use super::{Icon, Symbol};
use crate::browser;

/// Copies a text, and says so for a moment.
#[component]
pub fn CopyButton(
    /// Asked for when the button is pressed.
    text: Callback<(), String>,
    class: &'static str,
    test_id: &'static str,
) -> impl IntoView {
    let is_copied = RwSignal::new(false);
    let copy = move |_| {
        browser::copy_text(&text.run(()));
        is_copied.set(true);
        set_timeout(move || _ = is_copied.try_set(false), Duration::from_secs(2));
    };
    view! {
        <button type="button" class=format!("{class} needs-script") data-testid=test_id on:click=copy>
            <Icon symbol=Symbol::Copy/>
            {move || if is_copied.get() { "Copied" } else { "Copy" }}
        </button>
    }
}
