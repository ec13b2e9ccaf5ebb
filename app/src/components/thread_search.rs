use leptos::prelude::*;
use leptos::{ev, html};

use super::{Icon, Symbol};
use crate::browser;
use crate::contexts::{ThreadSearch, use_threads};
use crate::wording::found_sentence;

/// Looks for conversations by their titles and messages, as one types. What is found takes the place of the list.
#[component]
pub fn ThreadSearchField() -> impl IntoView {
    let search = use_threads().search;
    let field = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        // What was typed before the page came alive counts, too.
        let typed = field.get().map(|field| field.value()).unwrap_or_default();
        if !typed.is_empty() {
            search.look_for(typed);
        }
    });
    let clear = move || {
        if let Some(field) = field.get_untracked() {
            field.set_value("");
        }
        search.look_for(String::new());
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" && search.has_words() {
            // The next one is for the drawer, which it closes.
            event.stop_propagation();
            clear();
        }
    };
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        // The keyboard on the screen covers what was found.
        if let Some(field) = field.get_untracked().filter(|_| browser::has_touch_only()) {
            _ = field.blur();
        }
    };
    view! {
        <form class="thread-search needs-script" role="search" aria-label="Conversations" on:submit=on_submit>
            <Icon symbol=Symbol::Search/>
            <input
                type="search"
                aria-label="Search the conversations"
                placeholder="Search"
                autocomplete="off"
                enterkeyhint="search"
                data-testid="thread-search"
                node_ref=field
                on:input=move |event| search.look_for(event_target_value(&event))
                on:keydown=on_key
            />
        </form>
        <SearchStatus search/>
    }
}

/// How much was found, for everybody, and read out when it has changed. That a search failed is said where its threads would
/// be.
#[component]
fn SearchStatus(search: ThreadSearch) -> impl IntoView {
    let sentence = move || {
        let count = search.found()?.ok()?.len();
        Some(found_sentence(count, search.is_in_messages()))
    };
    view! { <p class="drawer-note" role="status" data-testid="thread-search-status">{sentence}</p> }
}
