use std::time::Duration;

use leptos::prelude::*;

use super::{ErrorNote, Icon, Symbol};
use crate::browser;
use crate::contexts::OpenConversation;
use crate::transcript::{Turn, TurnState};
use crate::types::{MessageId, ReplyState, Role};
use crate::wording::state_note;

/// Below a turn: how it ended, what it cost, why it failed, and what can be done with it.
#[component]
pub fn MessageActions(key: u32, turn: Signal<Turn>, conversation: OpenConversation) -> impl IntoView {
    let error = Memo::new(move |_| turn.with(|turn| turn.error.clone()));
    let offer = Memo::new(move |_| {
        let is_free = conversation.transcript.is_last(key) && conversation.is_idle();
        is_free.then(|| turn.with(|turn| Offer::for_turn(turn, conversation.is_lost()))).flatten()
    });
    let facts = Memo::new(move |_| turn.with(facts));
    let can_copy = Memo::new(move |_| {
        turn.with(|turn| !turn.content.is_empty() && turn.state != TurnState::Reply(ReplyState::Streaming))
    });
    let copy = move || can_copy.get().then(|| view! { <CopyButton turn/> });
    let offer = move || offer.get().map(|offer| view! { <OfferButton offer conversation/> });
    view! {
        {move || error.get().map(|error| view! { <ErrorNote error/> })}
        <div class="message-foot">
            {move || facts.get().into_iter().map(|fact| view! { <span class="fact">{fact}</span> }).collect_view()}
            {offer}
            {copy}
        </div>
    }
}

fn facts(turn: &Turn) -> Vec<String> {
    let note = match turn.state {
        TurnState::Reply(state) => state_note(state).map(str::to_owned),
        TurnState::Sending => Some("Sending".to_owned()),
        TurnState::Sent | TurnState::Lost => None,
    };
    note.into_iter().chain(turn.charged.map(|charged| format!("Cost {charged}"))).collect()
}

/// What can be done about the last turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    FollowAgain,
    TryAgain(MessageId),
    AnotherAnswer(MessageId),
}

impl Offer {
    fn for_turn(turn: &Turn, is_lost: bool) -> Option<Self> {
        let question = match turn.role {
            Role::User => turn.message_id,
            Role::Assistant => turn.parent_id,
        };
        match (turn.state, &turn.error) {
            (TurnState::Lost, Some(error)) => (is_lost && error.is_retryable()).then_some(Self::FollowAgain),
            (_, Some(error)) if !error.is_retryable() => None,
            (_, Some(_)) => question.map(Self::TryAgain),
            // Its answer was never saved.
            (TurnState::Sent, None) => question.map(Self::TryAgain),
            (TurnState::Reply(ReplyState::Failed | ReplyState::Interrupted), None) => {
                question.map(Self::TryAgain)
            }
            (TurnState::Reply(ReplyState::Streaming) | TurnState::Sending | TurnState::Lost, None) => None,
            (TurnState::Reply(_), None) => question.map(Self::AnotherAnswer),
        }
    }
}

#[component]
fn OfferButton(offer: Offer, conversation: OpenConversation) -> impl IntoView {
    let act = move |_| match offer {
        Offer::FollowAgain => conversation.follow_again(),
        Offer::TryAgain(message_id) | Offer::AnotherAnswer(message_id) => {
            conversation.answer_again(message_id)
        }
    };
    match offer {
        Offer::AnotherAnswer(_) => view! {
            <button type="button" class="foot-button needs-script" data-testid="another-answer" on:click=act>
                <Icon symbol=Symbol::Again/>
                "Another answer"
            </button>
        }
        .into_any(),
        Offer::FollowAgain | Offer::TryAgain(_) => view! {
            <button type="button" class="button button-small needs-script" data-testid="retry-reply" on:click=act>
                <Icon symbol=Symbol::Again/>
                "Try again"
            </button>
        }
        .into_any(),
    }
}

#[component]
fn CopyButton(turn: Signal<Turn>) -> impl IntoView {
    let is_copied = RwSignal::new(false);
    let copy = move |_| {
        turn.with_untracked(|turn| browser::copy_text(&turn.content));
        is_copied.set(true);
        set_timeout(move || _ = is_copied.try_set(false), Duration::from_secs(2));
    };
    view! {
        <button type="button" class="foot-button needs-script" data-testid="copy-message" on:click=copy>
            <Icon symbol=Symbol::Copy/>
            {move || if is_copied.get() { "Copied" } else { "Copy" }}
        </button>
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::Offer;
    use crate::transcript::{Turn, TurnState};
    use crate::types::{MessageId, ReplyState, Role};
    use crate::{ApiError, ModelFailure};

    fn answer(state: TurnState, error: Option<ApiError>) -> Turn {
        let id = |number| Some(MessageId(Uuid::from_u128(number)));
        let content = String::new();
        Turn {
            message_id: id(2),
            parent_id: id(1),
            role: Role::Assistant,
            content,
            state,
            charged: None,
            error,
        }
    }

    #[test]
    fn a_failed_answer_is_tried_again_by_its_question() {
        let question = MessageId(Uuid::from_u128(1));
        let failed = answer(TurnState::Reply(ReplyState::Failed), None);
        assert_eq!(Offer::for_turn(&failed, false), Some(Offer::TryAgain(question)));
        let finished = answer(TurnState::Reply(ReplyState::Finished), None);
        assert_eq!(Offer::for_turn(&finished, false), Some(Offer::AnotherAnswer(question)));
    }

    #[test]
    fn what_cannot_succeed_is_not_offered() {
        let refused = answer(TurnState::Reply(ReplyState::Failed), Some(ApiError::NotFound));
        assert_eq!(Offer::for_turn(&refused, false), None);
    }

    #[test]
    fn a_lost_answer_is_followed_not_asked_for_again() {
        let lost = answer(TurnState::Lost, Some(ApiError::Connection));
        assert_eq!(Offer::for_turn(&lost, true), Some(Offer::FollowAgain));
        let model = Some(ApiError::Model { failure: ModelFailure::Interrupted });
        assert!(matches!(
            Offer::for_turn(&answer(TurnState::Reply(ReplyState::Interrupted), model), false),
            Some(Offer::TryAgain(_))
        ));
    }
}
