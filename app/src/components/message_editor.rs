use leptos::prelude::*;
use leptos::{ev, html};

use super::composer::{Excess, excess, is_composing, sends, show};
use crate::browser;
use crate::contexts::{OpenConversation, use_standing};
use crate::transcript::Turn;
use crate::types::{MessageId, Prompt};

const EXCESS_ID: &str = "editor-excess";

/// A message of the person's, to be sent in other words. Keys do what they do in the composer, and Escape gives it up.
/// Its text is set by script, for the same reason as there.
#[component]
pub fn MessageEditor(
    /// Of the row: the button that opened the editor gets the focus back.
    key: u32,
    id: MessageId,
    turn: Signal<Turn>,
    conversation: OpenConversation,
) -> impl IntoView {
    let field = NodeRef::<html::Textarea>::new();
    let kept = conversation.kept_edit(id);
    let text = RwSignal::new(kept.unwrap_or_else(|| turn.with_untracked(|turn| turn.content.clone())));
    // As in the composer, whose hint says what Enter does here, too.
    let has_touch_only = RwSignal::new(false);
    Effect::new(move |_| has_touch_only.set(browser::has_touch_only()));
    let standing = use_standing();
    let excess = Memo::new(move |_| text.with(|text| excess(text)));
    let is_too_long = Memo::new(move |_| excess.get().is_some());
    let cannot_send = Memo::new(move |_| {
        let is_refused = text.with(|text| Prompt::parse(text).is_err()) || standing.is_closed();
        is_refused || !conversation.is_idle() || conversation.is_waiting()
    });
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            // A moment later: only then does the field stand in the page.
            request_animation_frame(move || {
                show(&field, &text.try_get_untracked().unwrap_or_default());
                _ = field.focus();
            });
        }
    });
    let on_input = move |written: String| {
        if let Some(field) = field.get_untracked() {
            show(&field, &written);
        }
        conversation.keep_edit(id, &written);
        conversation.forget_refused_edit();
        text.set(written);
    };
    let send = move || {
        if !cannot_send.get_untracked() {
            conversation.edit(id, &text.get_untracked());
        }
    };
    let cancel = move || {
        conversation.cancel_edit();
        browser::focus_later(&format!("edit-{key}"));
    };
    let on_key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        _ if is_composing(&event) => {}
        "Enter" if sends(&event, has_touch_only.get_untracked()) => {
            event.prevent_default();
            send();
        }
        "Escape" => {
            event.stop_propagation();
            cancel();
        }
        _ => {}
    };
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        send();
        // The button is disabled from now on. When the message is refused, it can be written on at once.
        browser::focus("editor-input");
    };
    view! {
        <form class="composer" on:submit=on_submit aria-label="Edit your message" data-testid="message-editor">
            <textarea
                id="editor-input"
                class="composer-input"
                rows="1"
                aria-label="Your message"
                aria-describedby=move || is_too_long.get().then_some(EXCESS_ID)
                aria-invalid=move || is_too_long.get().to_string()
                readonly=move || !conversation.is_idle()
                enterkeyhint=move || if has_touch_only.get() { "enter" } else { "send" }
                autocomplete="off"
                data-testid="editor-input"
                node_ref=field
                on:input=move |event| on_input(event_target_value(&event))
                on:keydown=on_key
            ></textarea>
            {move || is_too_long.get().then(|| view! { <Excess id=EXCESS_ID excess/> })}
            <div class="editor-foot">
                <button type="button" class="button button-small" data-testid="cancel-edit" on:click=move |_| cancel()>
                    "Cancel"
                </button>
                <button type="submit" class="button button-small button-primary" data-testid="send-edit" disabled=cannot_send>
                    "Save & send"
                </button>
            </div>
        </form>
    }
}
