use chrono::DateTime;
use leptos::prelude::*;
use uuid::Uuid;

use super::{Place, Transcript, Turn, TurnState, Version};
use crate::types::{Message, MessageId, ReplyState, Role};
use crate::{ApiError, ModelFailure};

fn id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

fn message(id: u128, role: Role, content: &str, state: Option<ReplyState>) -> Message {
    let created_at = DateTime::from_timestamp(0, 0).expect("a time");
    Message { state, ..Message::new(self::id(id), None, role, content, created_at) }
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
fn what_follows_what_is_shown_is_added_and_nothing_else_changes() {
    Owner::new().with(|| {
        let path =
            || vec![question(), answer(2, "because"), message(3, Role::User, "and?", None), answer(4, "so")];
        let transcript = Transcript::new(path()[..2].to_vec(), false);
        let first = transcript.rows()[0].turn.clone();
        assert_eq!(transcript.extend(path(), false), Some(2));
        assert_eq!(shown(transcript).iter().map(|(key, ..)| *key).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(first.get_untracked().content, "why?");
        assert_eq!(transcript.extend(path(), false), Some(0));
        assert_eq!(transcript.extend(path()[..2].to_vec(), false), None, "it is behind what is shown");
        let other = vec![question(), answer(5, "another"), answer(6, "more")];
        assert_eq!((transcript.extend(other, false), shown(transcript).len()), (None, 4));
    });
}

#[test]
fn nothing_is_added_below_a_message_that_is_on_its_way() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question()], false);
        transcript.send("and?".to_owned());
        let path = vec![question(), answer(2, "because"), message(3, Role::User, "and?", None)];
        assert_eq!((transcript.extend(path, false), shown(transcript).len()), (None, 2));
    });
}

#[test]
fn another_answer_replaces_the_failed_one() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question()], false);
        transcript.start(question());
        transcript.end(answer(2, ""), Some(ApiError::model(ModelFailure::Unavailable)));
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
        transcript.end(interrupted(2, "be"), Some(ApiError::model(ModelFailure::Interrupted)));
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

fn below(parent: u128, message: Message) -> Message {
    Message { parent_id: Some(id(parent)), ..message }
}

fn among(versions: &[u128], message: Message) -> Message {
    Message { versions: versions.iter().copied().map(id).collect(), ..message }
}

fn follow_up(id: u128, content: &str) -> Message {
    below(2, message(id, Role::User, content, None))
}

/// Of each turn, as it is read: `2 of 3`.
fn versions(transcript: Transcript) -> Vec<Option<String>> {
    let version = |turn: &Turn| turn.version().map(|version| version.to_string());
    transcript.rows().into_iter().map(|row| row.turn.with_untracked(version)).collect()
}

fn told(numbers: &[Option<&str>]) -> Vec<Option<String>> {
    numbers.iter().map(|number| number.map(str::to_owned)).collect()
}

#[test]
fn a_turn_knows_what_is_beside_it() {
    let version = |id| Turn::from(among(&[2, 4, 7], answer(id, "because"))).version();
    let expected = |number, previous: Option<u128>, next: Option<u128>| {
        Some(Version { number, count: 3, previous: previous.map(id), next: next.map(id) })
    };
    assert_eq!(version(2), expected(1, None, Some(4)));
    assert_eq!(version(4), expected(2, Some(2), Some(7)));
    assert_eq!(version(7), expected(3, Some(4), None));
    assert_eq!(Turn::from(answer(2, "because")).version(), None, "it is the only one");
}

#[test]
fn another_answer_is_another_version() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question(), answer(2, "because")], false);
        transcript.start(question());
        assert_eq!(versions(transcript), told(&[None, None]), "not before it is saved");
        transcript.end(answer(4, "therefore"), None);
        assert_eq!(versions(transcript), told(&[None, Some("2 of 2")]));
        transcript.start(question());
        transcript.end(answer(6, "so"), None);
        assert_eq!(versions(transcript), told(&[None, Some("3 of 3")]));
    });
}

#[test]
fn an_answer_that_came_to_nothing_is_a_version_while_it_is_shown() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question(), answer(2, "because")], false);
        transcript.start(question());
        transcript.end(answer(3, ""), Some(ApiError::model(ModelFailure::Unavailable)));
        assert_eq!(versions(transcript), told(&[None, Some("2 of 2")]));
        transcript.start(question());
        transcript.end(answer(4, "therefore"), None);
        assert_eq!(versions(transcript), told(&[None, Some("2 of 2")]));
    });
}

#[test]
fn an_edited_message_makes_room_for_the_new_one() {
    Owner::new().with(|| {
        let messages = vec![question(), answer(2, "because"), follow_up(3, "and?"), answer(4, "so")];
        let transcript = Transcript::new(messages, false);
        assert!(transcript.has(id(3)));
        transcript.start(follow_up(5, "but?"));
        let expected =
            [(0, "why?", "sent"), (1, "because", "finished"), (2, "but?", "sent"), (4, "", "streaming")]
                .map(|(key, text, state)| (key, text.to_owned(), state));
        assert_eq!(shown(transcript), expected);
        assert!(!transcript.has(id(3)));
        transcript.end(answer(6, "no"), None);
        assert_eq!(versions(transcript), told(&[None, None, Some("2 of 2"), None]));
    });
}

#[test]
fn the_first_message_can_be_edited_too() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![question(), below(1, answer(2, "because"))], false);
        transcript.start(message(3, Role::User, "how?", None));
        assert_eq!(shown(transcript)[0], (0, "how?".to_owned(), "sent"));
        assert_eq!(versions(transcript)[0], Some("2 of 2".to_owned()));
    });
}

#[test]
fn another_path_changes_the_first_turn_that_differs_and_replaces_what_follows() {
    Owner::new().with(|| {
        let messages =
            vec![question(), among(&[2, 4], answer(2, "because")), follow_up(3, "and?"), answer(5, "so")];
        let transcript = Transcript::new(messages, false);
        transcript.show(vec![question(), among(&[2, 4], answer(4, "therefore"))], false);
        assert_eq!(
            shown(transcript),
            [(0, "why?".to_owned(), "sent"), (1, "therefore".to_owned(), "finished")]
        );
        assert_eq!(versions(transcript), told(&[None, Some("2 of 2")]));
        assert_eq!(transcript.last_id(), Some(id(4)));
        let longer = vec![question(), among(&[2, 4], answer(2, "because")), follow_up(3, "and?")];
        transcript.show(longer, false);
        assert_eq!(shown(transcript).iter().map(|(key, ..)| *key).collect::<Vec<_>>(), [0, 1, 4]);
    });
}

#[test]
fn the_last_message_is_known_unless_it_was_lost() {
    Owner::new().with(|| {
        let transcript = Transcript::new(vec![], false);
        assert_eq!(transcript.last_id(), None);
        transcript.start(question());
        transcript.end(answer(2, "because"), None);
        assert_eq!(transcript.last_id(), Some(id(2)));
        transcript.start(question());
        transcript.lose(ApiError::Connection);
        assert_eq!(transcript.last_id(), None);
    });
}
