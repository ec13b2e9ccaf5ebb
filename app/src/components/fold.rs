use leptos::prelude::*;

use super::{Icon, Symbol};

/// Something that is folded away until it is asked for; without JavaScript it is open. Not `<details>`: its toggling
/// inside a `Suspense` makes Firefox panic.
#[component]
pub fn Fold(#[prop(into)] id: String, #[prop(into)] label: String, children: Children) -> impl IntoView {
    let is_open = RwSignal::new(false);
    view! {
        <button
            type="button"
            class="fold-toggle needs-script"
            aria-expanded=move || is_open.get().to_string()
            aria-controls=id.clone()
            on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)
        >
            <Icon symbol=Symbol::Right/>
            <span>{label}</span>
        </button>
        <div class="fold" id=id data-open=move || is_open.get().to_string()>{children()}</div>
    }
}
