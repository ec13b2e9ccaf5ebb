use leptos::prelude::*;
use leptos::{ev, html, web_sys};
use wasm_bindgen::JsCast;

use super::{Icon, Symbol};
use crate::browser;
use crate::contexts::Models;
use crate::types::Model;
use crate::wording::{PRICE_UNIT, price_sentence};

const BUTTON: &str = "model-picker";

/// Which model answers. With a single one there is nothing to pick, so it is only named.
#[component]
pub fn ModelPicker(models: Models) -> impl IntoView {
    match models.list().as_slice() {
        [] => ().into_any(),
        [only] => view! {
            <p class="model-name" data-testid="model-picker">
                <span class="visually-hidden">"Model: "</span>
                {only.name.clone()}
            </p>
        }
        .into_any(),
        _ => view! { <Picker models/> }.into_any(),
    }
}

#[component]
fn Picker(models: Models) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let names: Vec<_> = models.list().into_iter().map(|model| model.name).collect();
    let name = move || {
        let current = models.current().and_then(|index| names.get(index).cloned());
        current.unwrap_or_else(|| "No model in your plan".to_owned())
    };
    let frame = NodeRef::<html::Div>::new();
    let on_leave = move |event: ev::FocusEvent| {
        let to = event.related_target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let frame = frame.try_get_untracked().flatten();
        if !frame.is_some_and(|frame| frame.contains(to.as_ref())) {
            _ = is_open.try_set(false);
        }
    };
    let close = Callback::new(move |()| {
        browser::focus(BUTTON);
        is_open.set(false);
    });
    let toggle = move |_| if is_open.get_untracked() { close.run(()) } else { is_open.set(true) };
    let on_key = move |event: ev::KeyboardEvent| {
        if matches!(event.key().as_str(), "ArrowDown" | "ArrowUp") {
            event.prevent_default();
            is_open.set(true);
        }
    };
    view! {
        <div class="model-picker" node_ref=frame on:focusout=on_leave>
            <button
                type="button"
                id=BUTTON
                class="model-button"
                data-testid="model-picker"
                aria-haspopup="listbox"
                aria-expanded=move || is_open.get().to_string()
                aria-controls="model-list"
                // Keeps the focus in the open list, which would otherwise close before the click and open again.
                on:mousedown=|event| event.prevent_default()
                on:click=toggle
                on:keydown=on_key
            >
                <span class="visually-hidden">"Model: "</span>
                <span class="model-button-name">{name}</span>
                <Icon symbol=Symbol::Unfold/>
            </button>
            {move || is_open.get().then(|| view! { <ModelList models close/> })}
        </div>
    }
}

/// The open list. It has the focus itself, and says which of its options is the active one.
#[component]
fn ModelList(models: Models, close: Callback<()>) -> impl IntoView {
    let list = models.list();
    let count = list.len();
    let active = RwSignal::new(untrack(|| models.current()).unwrap_or_default());
    let element = NodeRef::<html::Ul>::new();
    Effect::new(move |_| {
        if let Some(element) = element.get() {
            _ = element.focus();
        }
    });
    Effect::new(move |_| {
        let active = u32::try_from(active.get()).unwrap_or_default();
        let Some(element) = element.get() else { return };
        let option = element.children().item(active);
        if let Some(option) = option.and_then(|option| option.dyn_into::<web_sys::HtmlElement>().ok()) {
            browser::show_child(&element, &option);
        }
    });
    let choose = move |index| {
        if models.choose(index) {
            close.run(());
        }
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let key = event.key();
        match key.as_str() {
            "Enter" | " " => choose(active.get_untracked()),
            "Escape" => close.run(()),
            key => match moved(active.get_untracked(), count, key) {
                Some(index) => active.set(index),
                None => return,
            },
        }
        event.prevent_default();
    };
    let option = move |(index, model)| {
        let is_active = Signal::derive(move || active.get() == index);
        let is_current = Signal::derive(move || models.current() == Some(index));
        let on_choose = Callback::new(move |()| {
            active.set(index);
            choose(index);
        });
        view! { <ModelOption index model is_active is_current on_choose/> }
    };
    view! {
        <div class="model-menu">
            <ul
                node_ref=element
                id="model-list"
                class="model-list"
                role="listbox"
                tabindex="0"
                aria-label="Model"
                aria-describedby="model-price-unit"
                aria-activedescendant=move || option_id(active.get())
                on:keydown=on_key
            >
                {list.into_iter().enumerate().map(option).collect_view()}
            </ul>
            <p class="model-unit" id="model-price-unit">{PRICE_UNIT}</p>
        </div>
    }
}

#[component]
fn ModelOption(
    index: usize,
    model: Model,
    is_active: Signal<bool>,
    is_current: Signal<bool>,
    on_choose: Callback<()>,
) -> impl IntoView {
    let missing = (!model.is_included).then(|| view! { <span class="badge">"Not in your plan"</span> });
    view! {
        <li
            id=option_id(index)
            class="model-option"
            role="option"
            data-testid="model-option"
            data-model=model.key
            data-active=move || is_active.get().to_string()
            aria-selected=move || is_current.get().to_string()
            aria-disabled=(!model.is_included).to_string()
            on:click=move |_| on_choose.run(())
        >
            <span class="model-option-head">
                <span class="model-option-name">{model.name}</span>
                {missing}
            </span>
            <span class="model-option-line">{model.description}</span>
            <span class="model-option-line">{price_sentence(&model.prices)}</span>
        </li>
    }
}

fn option_id(index: usize) -> String {
    format!("model-option-{index}")
}

/// Where a key leads in a list of `count` options; None for keys that lead nowhere.
fn moved(active: usize, count: usize, key: &str) -> Option<usize> {
    let last = count.checked_sub(1)?;
    match key {
        "ArrowDown" => Some((active + 1).min(last)),
        "ArrowUp" => Some(active.saturating_sub(1)),
        "Home" => Some(0),
        "End" => Some(last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::moved;

    #[test]
    fn the_arrows_stay_inside_the_list() {
        let moves = ["ArrowDown", "ArrowUp", "Home", "End", "x"].map(|key| moved(1, 3, key));
        assert_eq!(moves, [Some(2), Some(0), Some(0), Some(2), None]);
        assert_eq!([moved(2, 3, "ArrowDown"), moved(0, 3, "ArrowUp")], [Some(2), Some(0)]);
        assert_eq!(moved(0, 0, "End"), None);
    }
}
