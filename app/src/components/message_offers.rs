use leptos::prelude::*;

use super::{Icon, Symbol};
use crate::contexts::{OpenConversation, use_standing};
use crate::transcript::{Place, Turn, TurnState};
use crate::types::{MessageId, ReplyState};

/// What can be done about the last turn.
#[component]
pub fn MessageOffers(key: u32, turn: Signal<Turn>, conversation: OpenConversation) -> impl IntoView {
    let standing = use_standing();
    let offers = Memo::new(move |_| {
        let place = conversation.transcript.place(key);
        if !place.is_last || !conversation.is_idle() || standing.is_closed() {
            return Vec::new();
        }
        turn.with(|turn| Offer::for_turn(turn, place, conversation.is_lost()))
    });
    let button = move |offer| view! { <OfferButton offer conversation/> };
    move || offers.get().into_iter().map(button).collect_view()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    FollowAgain,
    Continue(MessageId),
    TryAgain(Attempt),
    AnotherAnswer(MessageId),
}

/// What did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Answering(MessageId),
    Continuing(MessageId),
}

impl Offer {
    fn for_turn(turn: &Turn, place: Place, is_lost: bool) -> Vec<Self> {
        if turn.state == TurnState::Lost {
            let can_go_on = is_lost && turn.error.as_ref().is_some_and(|error| error.is_retryable());
            return can_go_on.then_some(Self::FollowAgain).into_iter().collect();
        }
        if turn.error.as_ref().is_some_and(|error| !error.is_retryable()) {
            return Vec::new();
        }
        let rest = turn.message_id.filter(|_| turn.can_be_continued()).map(Self::Continue);
        let attempt = match place.continued {
            Some(id) => Some(Attempt::Continuing(id)),
            None => place.question.map(Attempt::Answering),
        };
        let is_empty = turn.content.is_empty();
        let anew = match turn.state {
            TurnState::Reply(ReplyState::Streaming) | TurnState::Sending | TurnState::Lost => None,
            // Of a question: its answer was never saved.
            TurnState::Sent | TurnState::Reply(ReplyState::Failed | ReplyState::Interrupted) => {
                attempt.map(Self::TryAgain)
            }
            TurnState::Reply(_) if turn.error.is_some() || (is_empty && place.continued.is_some()) => {
                attempt.map(Self::TryAgain)
            }
            TurnState::Reply(_) => place.question.map(Self::AnotherAnswer),
        };
        rest.into_iter().chain(anew).collect()
    }

    fn accept(self, conversation: OpenConversation) {
        match self {
            Self::FollowAgain => conversation.follow_again(),
            Self::Continue(id) | Self::TryAgain(Attempt::Continuing(id)) => conversation.continue_answer(id),
            Self::AnotherAnswer(id) | Self::TryAgain(Attempt::Answering(id)) => conversation.answer_again(id),
        }
    }
}

#[component]
fn OfferButton(offer: Offer, conversation: OpenConversation) -> impl IntoView {
    let (words, test_id, symbol) = match offer {
        Offer::Continue(_) => ("Continue", "continue-reply", Symbol::Forward),
        Offer::FollowAgain | Offer::TryAgain(_) => ("Try again", "retry-reply", Symbol::Again),
        Offer::AnotherAnswer(_) => ("Another answer", "another-answer", Symbol::Again),
    };
    let class = match offer {
        Offer::AnotherAnswer(_) => "foot-button needs-script",
        _ => "button button-small needs-script",
    };
    view! {
        <button type="button" class=class data-testid=test_id on:click=move |_| offer.accept(conversation)>
            <Icon symbol/>
            {words}
        </button>
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Attempt, Offer};
    use crate::transcript::{Place, Turn, TurnState};
    use crate::types::{Message, MessageId, ReplyState, Role};
    use crate::{ApiError, ModelFailure};

    const IS_LOST: bool = true;

    fn id(number: u128) -> MessageId {
        MessageId(Uuid::from_u128(number))
    }

    fn place() -> Place {
        Place { is_last: true, question: Some(id(1)), continued: None }
    }

    fn answer(content: &str, state: ReplyState) -> Turn {
        let created_at = chrono::DateTime::from_timestamp(0, 0).expect("a time");
        let answer = Message::new(id(2), Some(id(1)), Role::Assistant, content, created_at);
        Turn::from(Message { state: Some(state), ..answer })
    }

    fn offers(content: &str, state: ReplyState) -> Vec<Offer> {
        Offer::for_turn(&answer(content, state), place(), false)
    }

    #[test]
    fn each_way_an_answer_ended_has_its_way_on() {
        let again = Offer::TryAgain(Attempt::Answering(id(1)));
        let another = Offer::AnotherAnswer(id(1));
        assert_eq!(offers("", ReplyState::Failed), [again]);
        assert_eq!(offers("", ReplyState::Interrupted), [again]);
        assert_eq!(offers("be", ReplyState::Interrupted), [Offer::Continue(id(2)), again]);
        assert_eq!(offers("be", ReplyState::Stopped), [Offer::Continue(id(2)), another]);
        assert_eq!(offers("be", ReplyState::Limited), [Offer::Continue(id(2)), another]);
        assert_eq!(offers("because", ReplyState::Finished), [another]);
        assert_eq!(offers("be", ReplyState::Streaming), []);
    }

    #[test]
    fn a_continuation_that_failed_is_tried_again_and_keeps_what_it_goes_on_with() {
        let place = Place { continued: Some(id(7)), ..place() };
        let again = Offer::TryAgain(Attempt::Continuing(id(7)));
        let offers = |content, state| Offer::for_turn(&answer(content, state), place, false);
        assert_eq!(offers("", ReplyState::Failed), [again]);
        assert_eq!(offers("", ReplyState::Stopped), [again]);
        assert_eq!(offers("ca", ReplyState::Interrupted), [Offer::Continue(id(2)), again]);
        assert_eq!(offers("cause", ReplyState::Finished), [Offer::AnotherAnswer(id(1))]);
    }

    #[test]
    fn a_question_without_an_answer_can_be_asked_again() {
        let asked = Turn { role: Role::User, state: TurnState::Sent, ..answer("why?", ReplyState::Finished) };
        assert_eq!(Offer::for_turn(&asked, place(), false), [Offer::TryAgain(Attempt::Answering(id(1)))]);
    }

    #[test]
    fn what_cannot_succeed_is_not_offered() {
        let refused = Turn { error: Some(ApiError::NotFound), ..answer("be", ReplyState::Interrupted) };
        assert_eq!(Offer::for_turn(&refused, place(), false), []);
    }

    #[test]
    fn a_lost_answer_is_followed_not_asked_for_again() {
        let lost = Turn {
            state: TurnState::Lost,
            error: Some(ApiError::Connection),
            ..answer("be", ReplyState::Streaming)
        };
        assert_eq!(Offer::for_turn(&lost, place(), IS_LOST), [Offer::FollowAgain]);
        assert_eq!(Offer::for_turn(&lost, place(), !IS_LOST), []);
        let failure = ModelFailure::Interrupted;
        let interrupted =
            Turn { error: Some(ApiError::model(failure)), ..answer("be", ReplyState::Interrupted) };
        assert_eq!(Offer::for_turn(&interrupted, place(), false).first(), Some(&Offer::Continue(id(2))));
    }
}
