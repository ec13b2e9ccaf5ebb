use leptos::prelude::*;
use leptos::web_sys;
use leptos::{ev, html};
use wasm_bindgen::JsCast;

use super::{JumpToLatest, MessageItem};
use crate::browser;
use crate::contexts::OpenConversation;
use crate::scroll_follow::ScrollFollow;

/// The turns, scrolled to the newest for as long as the reader stays at the end.
#[component]
pub fn MessageList(conversation: OpenConversation) -> impl IntoView {
    let frame = NodeRef::<html::Div>::new();
    let list = NodeRef::<html::Ol>::new();
    let follow = RwSignal::new(ScrollFollow::default());
    let to_end = move || {
        if let Some(frame) = frame.get_untracked() {
            frame.set_scroll_top(frame.scroll_height());
        }
    };
    let jump = move || {
        follow.set(ScrollFollow::default());
        to_end();
    };
    let look = move || {
        // The page may be gone by the time of a frame.
        if let (Some(frame), Some(known)) = (frame.try_get_untracked().flatten(), follow.try_get_untracked())
        {
            let (top, height, visible) = (frame.scroll_top(), frame.scroll_height(), frame.client_height());
            follow.set(known.scrolled(top, height, visible));
        }
    };
    Effect::new(move |_| {
        if let Some(list) = list.get() {
            // Also called once at the beginning, which opens a thread at its end.
            browser::on_resize(&list, move || {
                if follow.get_untracked().is_following {
                    to_end();
                }
            });
        }
    });
    Effect::new(move |_| {
        if conversation.sent_count.get() > 0 {
            jump();
        }
    });
    Effect::new(move |_| {
        if conversation.caught_up_count.get() > 0 {
            follow.update(|follow| *follow = follow.stay());
            // All of it may be in sight.
            request_animation_frame(look);
        }
    });
    let is_away = Memo::new(move |_| !follow.get().is_following);
    view! {
        <div class="transcript" node_ref=frame on:scroll=move |_| look() tabindex="0" role="region" aria-label="Messages">
            <ol class="messages" node_ref=list on:click=copy_code>
                <For each=move || conversation.transcript.rows() key=|row| row.key let:row>
                    <MessageItem row conversation/>
                </For>
            </ol>
        </div>
        <div class="jump-place"><JumpToLatest is_away=is_away.into() on_jump=Callback::new(move |()| jump())/></div>
    }
}

/// One listener for all code blocks: their buttons are part of the rendered markdown.
fn copy_code(event: ev::MouseEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some(button) = target.and_then(|target| target.closest(".code-copy").ok().flatten()) else { return };
    let block = button.closest(".code").ok().flatten();
    let code = block
        .and_then(|block| block.query_selector("code").ok().flatten())
        .and_then(|code| code.text_content());
    if let Some(code) = code {
        browser::copy_text(&code);
        button.set_text_content(Some("Copied"));
        set_timeout(move || button.set_text_content(Some("Copy")), std::time::Duration::from_secs(2));
    }
}
