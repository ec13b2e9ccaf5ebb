use leptos::prelude::*;
use leptos::{ev, html, web_sys};
use wasm_bindgen::JsCast;

use super::{Icon, Symbol, ThreadList, ThreadSearchField};
use crate::browser;
use crate::contexts::use_session;
use crate::types::ThreadId;

/// The conversations: a column beside the chat, on phones a drawer over it.
#[component]
pub fn ThreadDrawer(is_open: RwSignal<bool>, current: Signal<Option<ThreadId>>) -> impl IntoView {
    let is_visit = use_session().is_visit();
    let close = move || {
        if is_open.get_untracked() {
            is_open.set(false);
            browser::focus("open-threads");
        }
    };
    Effect::new(move |was_open: Option<bool>| {
        let is_open = is_open.get();
        if is_open && was_open == Some(false) {
            browser::focus("close-threads");
        }
        is_open
    });
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            close();
        }
    };
    // Over the page it must not leave the focus on what it covers.
    let drawer = NodeRef::<html::Nav>::new();
    let on_leave = move |event: ev::FocusEvent| {
        let to = event.related_target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        if to.is_some() && !drawer.get_untracked().is_some_and(|drawer| drawer.contains(to.as_ref())) {
            is_open.set(false);
        }
    };
    view! {
        <div class="drawer-shade" data-open=move || is_open.get().to_string() on:click=move |_| close()></div>
        <nav node_ref=drawer class="drawer" id="threads" aria-label="Conversations" data-open=move || is_open.get().to_string() on:keydown=on_key on:focusout=on_leave>
            <div class="drawer-head">
                <a class="button button-wide" href="/chat" data-testid="new-chat" on:click=move |_| start_new(is_open)>
                    <Icon symbol=Symbol::Plus/>
                    "New chat"
                </a>
                <button type="button" class="icon-button drawer-close" id="close-threads" aria-label="Close the list"
                    on:click=move |_| close()>
                    <Icon symbol=Symbol::Close/>
                </button>
            </div>
            {(!is_visit).then(|| view! { <ThreadSearchField/> })}
            <ThreadList current on_choose=Callback::new(move |()| is_open.set(false))/>
        </nav>
    }
}

/// On a new conversation already, the link leads nowhere: it brings the reader to the composer.
fn start_new(is_open: RwSignal<bool>) {
    is_open.set(false);
    browser::focus("composer-input");
}

/// Opens the drawer; shown on phones only.
#[component]
pub fn DrawerButton(is_open: RwSignal<bool>) -> impl IntoView {
    view! {
        <button
            type="button"
            class="icon-button drawer-button needs-script"
            id="open-threads"
            aria-label="Conversations"
            aria-controls="threads"
            aria-expanded=move || is_open.get().to_string()
            on:click=move |_| is_open.set(true)
        >
            <Icon symbol=Symbol::Menu/>
        </button>
    }
}
