use leptos::prelude::*;

use super::{Icon, Symbol};

/// Leads back to the end, when the reader has scrolled away from it.
#[component]
pub fn JumpToLatest(is_away: Signal<bool>, on_jump: Callback<()>) -> impl IntoView {
    move || {
        is_away.get().then(|| view! {
            <button type="button" class="jump" data-testid="jump-to-latest" on:click=move |_| on_jump.run(())>
                <Icon symbol=Symbol::Down/>
                "Latest"
            </button>
        })
    }
}
