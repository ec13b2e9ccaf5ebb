use chrono::DateTime;
use leptos::prelude::*;
use uuid::Uuid;

use super::{Place, Transcript, Turn, TurnState};
use crate::types::{Message, MessageId, ReplyState, Role};
use crate::{ApiError, ModelFailure};

fn id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

fn message(id: u128, role: Role, content: &str, state: Option<ReplyState>) -> Message {
    let created_at = DateTime::from_timestamp(0, 0).expect("a time");
    let (id, content, reasoning) = (self::id(id), content.to_owned(), String::new());
    Message {
        id,
        parent_id: None,
        role,
        content,
        created_at,
        state,
        charged: None,
        model: None,
        reasoning,
        rating: None,
    }
}

fn question() -> Message {
    message(1, Role::User, "why?", None)
}

fn answer(id: u128, content: &str) -> Message {
    message(id, Role::Assistant, content, Some(ReplyState::Finished))
}

fn interrupted(id: u128, content: &str) -> Message {
    message(id, Role::Assistant, content, Some(ReplyState::Interrupted))
}

fn shown(transcript: Transcript) -> Vec<(u32, String, &'static str)> {
    let show = |turn: Turn| (turn.content, turn.state.name());
    let rows = transcript.rows().into_iter();
    rows.map(|row| (row.key, show(row.turn.get_untracked())))
        .map(|(key, (text, state))| (key, text, state))
        .collect()
}

#[test]
fn a_sent_message_becomes_real_in_its_place_and_is_answered() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![], false);
        transcript.send("why?".to_owned());
        assert_eq!(shown(transcript), [(0, "why?".to_owned(), "sending")]);
        transcript.start(question());
        transcript.append("be");
        transcript.append("cause");
        assert_eq!(
            shown(transcript),
            [(0, "why?".to_owned(), "sent"), (1, "because".to_owned(), "streaming")]
        );
        transcript.end(answer(2, "because."), None);
        assert_eq!(shown(transcript)[1], (1, "because.".to_owned(), "finished"));
    });
}

#[test]
fn a_refused_message_is_taken_back() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question(), answer(2, "because")], false);
        transcript.send("and?".to_owned());
        transcript.take_back();
        assert_eq!(shown(transcript).len(), 2);
    });
}

#[test]
fn another_answer_replaces_the_failed_one() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question()], false);
        transcript.start(question());
        transcript.end(answer(2, ""), Some(ApiError::Model { failure: ModelFailure::Unavailable }));
        transcript.start(question());
        assert_eq!(shown(transcript), [(0, "why?".to_owned(), "sent"), (2, String::new(), "streaming")]);
    });
}

#[test]
fn a_lost_answer_goes_on_where_it_was() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question()], false);
        transcript.start(question());
        transcript.append("be");
        transcript.lose(ApiError::Connection);
        assert_eq!(shown(transcript)[1].2, TurnState::Lost.name());
        transcript.resume();
        transcript.append("cause");
        assert_eq!(shown(transcript)[1], (1, "because".to_owned(), "streaming"));
    });
}

#[test]
fn an_answer_lost_before_its_first_event_gets_a_place_of_its_own() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question(), interrupted(2, "be")], true);
        transcript.lose(ApiError::Connection);
        transcript.lose(ApiError::Connection);
        let states: Vec<_> = shown(transcript).into_iter().map(|(_, _, state)| state).collect();
        assert_eq!(states, ["sent", "interrupted", "lost"]);
    });
}

#[test]
fn a_continuation_stands_below_the_answer_it_goes_on_with() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question()], false);
        transcript.start(question());
        transcript.end(interrupted(2, "be"), Some(ApiError::Model { failure: ModelFailure::Interrupted }));
        transcript.start(interrupted(2, "be"));
        transcript.append("cause");
        let expected = [(0, "why?", "sent"), (1, "be", "interrupted"), (2, "cause", "streaming")]
            .map(|(key, text, state)| (key, text.to_owned(), state));
        assert_eq!(shown(transcript), expected);
        let above = transcript.rows()[1].turn.get_untracked();
        assert_eq!(above.error, None, "what went wrong is being made good");
    });
}

#[test]
fn another_continuation_replaces_the_failed_one() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question(), interrupted(2, "be"), answer(3, "")], false);
        transcript.start(interrupted(2, "be"));
        assert_eq!(shown(transcript).iter().map(|(key, ..)| *key).collect::<Vec<_>>(), [0, 1, 3]);
    });
}

#[test]
fn a_place_names_the_question_and_what_is_continued() {
    Owner::new().with(|| {
        let messages = vec![question(), interrupted(2, "be"), interrupted(3, "ca"), answer(4, "use")];
        let transcript = Transcript::new(messages, false);
        let question = Some(id(1));
        let place = |is_last, continued| Place { is_last, question, continued };
        let places: Vec<_> = (0..4).map(|key| transcript.place(key)).collect();
        assert_eq!(
            places,
            [place(false, None), place(false, None), place(false, Some(id(2))), place(true, Some(id(3)))]
        );
        assert_eq!(transcript.place(9), Place::default());
    });
}

#[test]
fn thoughts_stay_apart_from_the_answer() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question()], false);
        transcript.start(question());
        transcript.think("Hm.\n");
        transcript.think("Why indeed?");
        transcript.append("because");
        let turn = transcript.rows()[1].turn.get_untracked();
        assert_eq!((turn.reasoning.as_str(), turn.content.as_str()), ("Hm.\nWhy indeed?", "because"));
        let saved = Message { reasoning: "Why?".to_owned(), ..answer(2, "because.") };
        transcript.end(saved, None);
        assert_eq!(transcript.rows()[1].turn.get_untracked().reasoning, "Why?");
    });
}

#[test]
fn only_what_ended_early_with_words_can_be_continued() {
    let can = |content: &str, state| {
        Turn::from(message(2, Role::Assistant, content, Some(state))).can_be_continued()
    };
    for state in [ReplyState::Interrupted, ReplyState::Stopped, ReplyState::Limited] {
        assert!(can("be", state) && !can("", state), "{state:?}");
    }
    for state in [ReplyState::Finished, ReplyState::Failed, ReplyState::Streaming] {
        assert!(!can("be", state), "{state:?}");
    }
}
