use leptos::prelude::*;

use super::{Icon, Symbol};
use crate::transcript::Turn;

/// What the model thought before it answered, folded away. Not `<details>`: its toggling inside a `Suspense` makes
/// Firefox panic.
#[component]
pub fn Reasoning(key: u32, turn: Signal<Turn>) -> impl IntoView {
    let has_any = Memo::new(move |_| turn.with(|turn| !turn.reasoning.is_empty()));
    move || has_any.get().then(|| view! { <Disclosure key turn/> })
}

#[component]
fn Disclosure(key: u32, turn: Signal<Turn>) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let is_thinking = Memo::new(move |_| turn.with(|turn| turn.is_streaming() && turn.content.is_empty()));
    let text = Memo::new(move |_| turn.with(|turn| turn.reasoning.trim().to_owned()));
    let label = move || if is_thinking.get() { "Thinking…" } else { "Thought for a moment" };
    let id = format!("reasoning-{key}");
    view! {
        <div class="reasoning" data-testid="reasoning">
            <button
                type="button"
                class="reasoning-toggle"
                aria-expanded=move || is_open.get().to_string()
                aria-controls=id.clone()
                on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)
            >
                <Icon symbol=Symbol::Right/>
                <span>{label}</span>
            </button>
            <div class="reasoning-text" id=id hidden=move || !is_open.get()>{text}</div>
        </div>
    }
}
