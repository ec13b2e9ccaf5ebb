use leptos::prelude::*;

use super::{CopyButton, ErrorNote, Icon, MessageOffers, RatingButtons, Symbol, VersionSwitch};
use crate::contexts::{Models, OpenConversation, use_standing};
use crate::links::message_receipt_path;
use crate::transcript::{Turn, TurnState};
use crate::types::{MessageId, Nanos, Rating, Role};
use crate::wording::{ALL_THOUGHT, state_note};

/// Below a turn: why nothing comes or came, or how it ended, who wrote it, what it cost, and what can be done with it.
#[component]
pub fn MessageActions(key: u32, turn: Signal<Turn>, conversation: OpenConversation) -> impl IntoView {
    let error = Memo::new(move |_| turn.with(|turn| turn.error.clone()));
    let facts = Memo::new(move |_| turn.with(|turn| facts(turn, conversation.models)));
    let can_copy = Memo::new(move |_| turn.with(|turn| !turn.content.is_empty() && !turn.is_streaming()));
    let charge = Memo::new(move |_| turn.with(|turn| turn.message_id.zip(turn.charged)));
    let charge = move || charge.get().map(|(message_id, charged)| view! { <ChargeLink message_id charged/> });
    let rated = Memo::new(move |_| turn.with(rated));
    let rating = move || rated.get().map(|(id, rating)| view! { <RatingButtons id rating/> });
    let text = Callback::new(move |()| turn.with_untracked(|turn| turn.content.clone()));
    let copy = move || {
        can_copy.get().then(|| view! { <CopyButton text class="foot-button" test_id="copy-message"/> })
    };
    view! {
        <PauseNote turn conversation/>
        <BlankNote turn/>
        {move || error.get().map(|error| view! { <ErrorNote error/> })}
        <div class="message-foot">
            <VersionSwitch turn conversation/>
            {move || facts.get().into_iter().map(|fact| view! { <span class="fact">{fact}</span> }).collect_view()}
            {charge}
            <MessageOffers key turn conversation/>
            <EditButton key turn conversation/>
            {copy}
            {rating}
        </div>
    }
}

/// Why nothing new is shown, while the answer is being written.
#[component]
fn PauseNote(turn: Signal<Turn>, conversation: OpenConversation) -> impl IntoView {
    let pause = Memo::new(move |_| conversation.pause.get().filter(|_| turn.with(Turn::is_streaming)));
    move || {
        pause.get().map(|pause| view! { <p class="note" data-testid="reply-pause">{pause.sentence()}</p> })
    }
}

/// Why there is no answer, though nothing failed.
#[component]
fn BlankNote(turn: Signal<Turn>) -> impl IntoView {
    let is_blank = Memo::new(move |_| turn.with(Turn::is_all_thought));
    move || is_blank.get().then(|| view! { <p class="note" data-testid="reply-blank">{ALL_THOUGHT}</p> })
}

fn facts(turn: &Turn, models: Models) -> Vec<String> {
    let note = match turn.state {
        TurnState::Reply(state) => state_note(state).map(str::to_owned),
        TurnState::Sending => Some("Sending".to_owned()),
        TurnState::Sent | TurnState::Lost => None,
    };
    let model = turn.model.as_deref().and_then(|key| models.name_to_tell(key));
    note.into_iter().chain(model).collect()
}

/// An answer that can be thought something of, and what the reader thought of it so far.
fn rated(turn: &Turn) -> Option<(MessageId, Option<Rating>)> {
    let is_answer = turn.role == Role::Assistant && !turn.content.is_empty() && !turn.is_streaming();
    turn.message_id.filter(|_| is_answer).map(|id| (id, turn.rating))
}

/// What the answer cost, leading to its receipt.
#[component]
fn ChargeLink(message_id: MessageId, charged: Nanos) -> impl IntoView {
    let text = if charged == Nanos::ZERO { "Not charged".to_owned() } else { format!("Cost {charged}") };
    view! {
        <a class="foot-link" href=message_receipt_path(message_id) rel="external" data-testid="receipt-link">
            {text} <span class="visually-hidden">", receipt"</span>
        </a>
    }
}

/// Opens the person's message in the editor: one at a time, and not while a reply is being written.
#[component]
fn EditButton(key: u32, turn: Signal<Turn>, conversation: OpenConversation) -> impl IntoView {
    let standing = use_standing();
    let own = Memo::new(move |_| turn.with(|turn| turn.message_id.filter(|_| turn.role == Role::User)));
    let is_possible = Memo::new(move |_| conversation.can_switch() && !standing.is_closed());
    move || {
        own.get().filter(|_| is_possible.get()).map(|id| {
            view! {
                <button
                    type="button"
                    class="foot-button needs-script"
                    id=format!("edit-{key}")
                    data-testid="edit-message"
                    on:click=move |_| conversation.editing.set(Some(id))
                >
                    <Icon symbol=Symbol::Pencil/>
                    "Edit"
                </button>
            }
        })
    }
}
