//! The turns of a conversation as the page shows them, and what each event does to them.

use leptos::prelude::*;

use crate::ApiError;
use crate::types::{Message, MessageId, Nanos, ReplyState, Role};

/// One turn on the page. It may stand for a message that is not saved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub message_id: Option<MessageId>,
    /// For an answer: the message it answers.
    pub parent_id: Option<MessageId>,
    pub role: Role,
    pub content: String,
    pub state: TurnState,
    pub charged: Option<Nanos>,
    pub error: Option<ApiError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnState {
    /// The person's, on its way to the server.
    Sending,
    /// The person's, saved.
    Sent,
    /// The model's.
    Reply(ReplyState),
    /// The model's; the connection broke and the answer may go on without us.
    Lost,
}

impl TurnState {
    /// As the page's `data-state`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Lost => "lost",
            Self::Reply(ReplyState::Streaming) => "streaming",
            Self::Reply(ReplyState::Finished) => "finished",
            Self::Reply(ReplyState::Limited) => "limited",
            Self::Reply(ReplyState::Stopped) => "stopped",
            Self::Reply(ReplyState::Failed) => "failed",
            Self::Reply(ReplyState::Interrupted) => "interrupted",
        }
    }
}

impl Turn {
    fn sending(content: String) -> Self {
        Self {
            message_id: None,
            parent_id: None,
            role: Role::User,
            content,
            state: TurnState::Sending,
            charged: None,
            error: None,
        }
    }

    /// The id of a saved message of the person's.
    fn question(&self) -> Option<MessageId> {
        self.message_id.filter(|_| self.role == Role::User)
    }

    fn answer_to(message_id: MessageId) -> Self {
        Self {
            message_id: None,
            parent_id: Some(message_id),
            role: Role::Assistant,
            content: String::new(),
            state: TurnState::Reply(ReplyState::Streaming),
            charged: None,
            error: None,
        }
    }
}

impl From<Message> for Turn {
    fn from(message: Message) -> Self {
        let state = match message.role {
            Role::User => TurnState::Sent,
            Role::Assistant => TurnState::Reply(message.state.unwrap_or(ReplyState::Finished)),
        };
        Self {
            message_id: Some(message.id),
            parent_id: message.parent_id,
            role: message.role,
            content: message.content,
            state,
            charged: message.charged,
            error: None,
        }
    }
}

/// A turn with the key its element is known by: it stays when the message gets its id.
#[derive(Clone, Debug)]
pub struct Row {
    pub key: u32,
    pub turn: ArcRwSignal<Turn>,
}

/// All turns, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Transcript {
    rows: RwSignal<Vec<Row>>,
    next_key: StoredValue<u32>,
}

impl Transcript {
    /// `is_live`: a reply is being written. Without one, an answer that says so was left behind by a crash.
    pub fn new(messages: Vec<Message>, is_live: bool) -> Self {
        let transcript = Self { rows: RwSignal::new(Vec::new()), next_key: StoredValue::new(0) };
        for message in messages {
            let mut turn = Turn::from(message);
            if !is_live && turn.state == TurnState::Reply(ReplyState::Streaming) {
                turn.state = TurnState::Reply(ReplyState::Interrupted);
            }
            transcript.push(turn);
        }
        transcript
    }

    pub fn rows(self) -> Vec<Row> {
        self.rows.get()
    }

    pub fn is_empty(self) -> bool {
        self.rows.with(Vec::is_empty)
    }

    pub fn is_last(self, key: u32) -> bool {
        self.rows.with(|rows| rows.last().is_some_and(|row| row.key == key))
    }

    /// The person's message, shown before the server has it.
    pub fn send(self, content: String) {
        self.push(Turn::sending(content));
    }

    /// Takes back what was shown too early.
    pub fn take_back(self) {
        self.rows.update(|rows| {
            rows.retain(|row| row.turn.with_untracked(|turn| turn.state != TurnState::Sending))
        });
    }

    /// The request was admitted: the message is real, and below it an answer begins. Older answers to it make room.
    pub fn start(self, message: Message) {
        let id = message.id;
        let stands_for = |row: &Row| {
            row.turn.with_untracked(|turn| turn.state == TurnState::Sending || turn.message_id == Some(id))
        };
        match self.rows.with_untracked(|rows| rows.iter().position(stands_for)) {
            Some(index) => self.rows.update(|rows| {
                rows.truncate(index + 1);
                if let Some(row) = rows.last() {
                    row.turn.set(message.into());
                }
            }),
            None => self.push(message.into()),
        }
        self.push(Turn::answer_to(id));
    }

    /// More of the answer.
    pub fn append(self, text: &str) {
        self.update_last(|turn| {
            turn.content.push_str(text);
            turn.state = TurnState::Reply(ReplyState::Streaming);
            turn.error = None;
        });
    }

    /// The answer as saved.
    pub fn end(self, message: Message, error: Option<ApiError>) {
        self.update_last(|turn| *turn = Turn { error, ..message.into() });
    }

    /// The answer cannot be followed any more.
    pub fn lose(self, error: ApiError) {
        let question = self
            .rows
            .with_untracked(|rows| rows.last().and_then(|row| row.turn.with_untracked(Turn::question)));
        if let Some(id) = question {
            self.push(Turn::answer_to(id));
        }
        self.update_last(|turn| {
            turn.state = TurnState::Lost;
            turn.error = Some(error);
        });
    }

    /// The answer is being followed again.
    pub fn resume(self) {
        self.update_last(|turn| {
            turn.state = TurnState::Reply(ReplyState::Streaming);
            turn.error = None;
        });
    }

    fn push(self, turn: Turn) {
        let key = self.next_key.get_value();
        self.next_key.set_value(key + 1);
        self.rows.update(|rows| rows.push(Row { key, turn: ArcRwSignal::new(turn) }));
    }

    fn update_last(self, change: impl FnOnce(&mut Turn)) {
        let last = self.rows.with_untracked(|rows| rows.last().map(|row| row.turn.clone()));
        if let Some(turn) = last.filter(|turn| turn.with_untracked(|turn| turn.role == Role::Assistant)) {
            turn.update(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use leptos::prelude::*;
    use uuid::Uuid;

    use super::{Transcript, Turn, TurnState};
    use crate::types::{Message, MessageId, ReplyState, Role};
    use crate::{ApiError, ModelFailure};

    fn message(id: u128, role: Role, content: &str, state: Option<ReplyState>) -> Message {
        let created_at = DateTime::from_timestamp(0, 0).expect("a time");
        let (id, content) = (MessageId(Uuid::from_u128(id)), content.to_owned());
        Message { id, parent_id: None, role, content, created_at, state, charged: None }
    }

    fn question() -> Message {
        message(1, Role::User, "why?", None)
    }

    fn answer(id: u128, content: &str) -> Message {
        message(id, Role::Assistant, content, Some(ReplyState::Finished))
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
}
