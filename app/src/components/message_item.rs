use leptos::prelude::*;

use super::{MessageActions, MessageEditor, Reasoning};
use crate::contexts::OpenConversation;
use crate::markdown::Markdown;
use crate::transcript::{Row, Turn};
use crate::types::Role;

/// One turn of the conversation.
#[component]
pub fn MessageItem(row: Row, conversation: OpenConversation) -> impl IntoView {
    let turn: Signal<Turn> = row.turn.clone().into();
    let role = turn.with_untracked(|turn| turn.role);
    // What is above a turn stays there for as long as the turn does.
    let is_continued = untrack(|| conversation.transcript.place(row.key).continued.is_some());
    let key = row.key;
    let (heading, content) = match role {
        Role::User => ("You", view! { <UserTurn key turn conversation/> }.into_any()),
        Role::Assistant => (
            "Answer",
            view! { <AssistantMessage key turn/> <MessageActions key turn conversation/> }.into_any(),
        ),
    };
    let hint =
        is_continued.then(|| view! { <p class="continued-hint" data-testid="continued">"Continued"</p> });
    let is_last_forgotten = Memo::new(move |_| {
        let last = conversation.last_forgotten();
        last.is_some() && turn.with(|turn| turn.message_id == last)
    });
    view! {
        <li class="turn" class:turn-continued=is_continued>
            <h2 class="visually-hidden">{heading}</h2>
            {hint}
            {content}
            {move || is_last_forgotten.get().then(|| view! { <MemoryBegins/> })}
        </li>
    }
}

/// A long conversation does not fit into the model any more.
#[component]
fn MemoryBegins() -> impl IntoView {
    view! {
        <p class="memory-begins" data-testid="memory-begins">
            "The model no longer sees what is above: your next message is answered without it."
        </p>
    }
}

/// What the person wrote, or the editor with it.
#[component]
fn UserTurn(key: u32, turn: Signal<Turn>, conversation: OpenConversation) -> impl IntoView {
    let edited = Memo::new(move |_| {
        let editing = conversation.editing.get();
        editing.filter(|id| turn.with(|turn| turn.message_id == Some(*id)))
    });
    move || match edited.get() {
        Some(id) => view! { <MessageEditor key id turn conversation/> }.into_any(),
        None => view! { <UserMessage turn/> <MessageActions key turn conversation/> }.into_any(),
    }
}

#[component]
fn UserMessage(turn: Signal<Turn>) -> impl IntoView {
    let state = move || turn.with(|turn| turn.state.name());
    let content = Memo::new(move |_| turn.with(|turn| turn.content.clone()));
    view! {
        <article class="message message-user" data-testid="message-user" data-state=state>
            <p class="message-text">{content}</p>
        </article>
    }
}

#[component]
fn AssistantMessage(key: u32, turn: Signal<Turn>) -> impl IntoView {
    let state = Memo::new(move |_| turn.with(|turn| turn.state));
    let content = Memo::new(move |_| turn.with(|turn| turn.content.clone()));
    let is_streaming = Memo::new(move |_| turn.with(Turn::is_streaming));
    let is_waiting = Memo::new(move |_| {
        turn.with(|turn| turn.is_streaming() && turn.content.is_empty() && turn.reasoning.is_empty())
    });
    let waiting = move || is_waiting.get().then(|| view! { <Waiting/> });
    view! {
        <article
            class="message message-assistant"
            data-testid="message-assistant"
            data-state=move || state.get().name()
            aria-busy=move || is_streaming.get().to_string()
        >
            {waiting}
            <Reasoning key turn/>
            <Markdown source=content/>
        </article>
    }
}

/// A swinging plumb line, until the first words arrive.
#[component]
fn Waiting() -> impl IntoView {
    view! {
        <p class="waiting">
            <svg class="waiting-art" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
                <path class="logo-bar" d="M5 2.75h14"></path>
                <g class="waiting-line">
                    <path class="logo-string" d="M12 2.75v9"></path>
                    <path class="logo-bob" d="M9 11.75h6l-.7 3.4L12 20l-2.3-4.85z"></path>
                </g>
            </svg>
            <span>"Waiting for the first words"</span>
        </p>
    }
}
