use leptos::prelude::*;

use super::MessageActions;
use crate::contexts::OpenConversation;
use crate::markdown::Markdown;
use crate::transcript::{Row, Turn, TurnState};
use crate::types::{ReplyState, Role};

/// One turn of the conversation.
#[component]
pub fn MessageItem(row: Row, conversation: OpenConversation) -> impl IntoView {
    let turn: Signal<Turn> = row.turn.clone().into();
    let role = turn.with_untracked(|turn| turn.role);
    let (heading, content) = match role {
        Role::User => ("You", view! { <UserMessage turn/> }.into_any()),
        Role::Assistant => ("Answer", view! { <AssistantMessage turn/> }.into_any()),
    };
    view! {
        <li class="turn">
            <h2 class="visually-hidden">{heading}</h2>
            {content}
            <MessageActions key=row.key turn conversation/>
        </li>
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
fn AssistantMessage(turn: Signal<Turn>) -> impl IntoView {
    let state = Memo::new(move |_| turn.with(|turn| turn.state));
    let content = Memo::new(move |_| turn.with(|turn| turn.content.clone()));
    let is_waiting = Memo::new(move |_| {
        turn.with(|turn| turn.content.is_empty() && turn.state == TurnState::Reply(ReplyState::Streaming))
    });
    let waiting = move || is_waiting.get().then(|| view! { <Waiting/> });
    view! {
        <article
            class="message message-assistant"
            data-testid="message-assistant"
            data-state=move || state.get().name()
            aria-busy=move || (state.get() == TurnState::Reply(ReplyState::Streaming)).to_string()
        >
            {waiting}
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
