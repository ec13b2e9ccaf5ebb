//! The turns of a conversation as the page shows them, and what each event does to them.

#[cfg(test)]
mod tests;
mod turn;

use leptos::prelude::*;

pub use self::turn::{Place, Turn, TurnState};
use crate::ApiError;
use crate::types::{Message, ReplyState, Role};

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
            if !is_live && turn.is_streaming() {
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

    /// Of the row with this key; nowhere once it is gone.
    pub fn place(self, key: u32) -> Place {
        self.rows.with(|rows| {
            // Keys only ever grow.
            let Ok(index) = rows.binary_search_by_key(&key, |row| row.key) else { return Place::default() };
            let upwards = rows[..=index].iter().rev();
            let upwards = upwards.map(|row| row.turn.with(|turn| (turn.role, turn.message_id)));
            Place::find(index + 1 == rows.len(), upwards)
        })
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

    /// The request was admitted: the message is real, and below it an answer begins. What stood there makes room. The
    /// message is the person's, or an answer that is continued.
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
        self.push(Turn::answer_to(Some(id)));
    }

    /// More of what the model thinks.
    pub fn think(self, text: &str) {
        self.write(|turn| turn.reasoning.push_str(text));
    }

    /// More of the answer.
    pub fn append(self, text: &str) {
        self.write(|turn| turn.content.push_str(text));
    }

    fn write(self, change: impl FnOnce(&mut Turn)) {
        self.update_last(|turn| {
            change(turn);
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
        let last = self.rows.with_untracked(|rows| rows.last().map(|row| row.turn.get_untracked()));
        // Lost before its first event: what stands there last is what it answers or goes on with.
        if let Some(last) = last.filter(|turn| !turn.is_streaming() && turn.state != TurnState::Lost) {
            self.push(Turn::answer_to(last.message_id));
        }
        self.update_last(|turn| {
            turn.state = TurnState::Lost;
            turn.error = Some(error);
        });
    }

    /// The answer is being followed again.
    pub fn resume(self) {
        self.write(|_| {});
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
