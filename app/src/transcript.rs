//! The turns of a conversation as the page shows them, and what each event does to them.

#[cfg(test)]
mod tests;
mod turn;

use leptos::prelude::*;

pub use self::turn::{Place, Turn, TurnState, Version};
use crate::ApiError;
use crate::types::{Message, MessageId, ReplyState, Role};

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

impl Row {
    fn is_of(&self, id: MessageId) -> bool {
        self.turn.with_untracked(|turn| turn.message_id == Some(id))
    }
}

impl Transcript {
    /// `is_live`: a reply is being written. Without one, an answer that says so was left behind by a crash.
    pub fn new(messages: Vec<Message>, is_live: bool) -> Self {
        let transcript = Self { rows: RwSignal::new(Vec::new()), next_key: StoredValue::new(0) };
        transcript.show(messages, is_live);
        transcript
    }

    /// Shows another path. The first turn that differs changes in its place, so that whoever chose it stays there.
    pub fn show(self, messages: Vec<Message>, is_live: bool) {
        let mut turns = messages.into_iter().map(|message| saved(message, is_live)).peekable();
        let mut kept = 0;
        for row in self.rows.get_untracked() {
            let (id, role) = row.turn.with_untracked(|turn| (turn.message_id, turn.role));
            let Some(turn) = turns.next_if(|turn| turn.role == role) else { break };
            let is_other = turn.message_id != id;
            row.turn.set(turn);
            kept += 1;
            if is_other {
                break;
            }
        }
        self.rows.update(|rows| rows.truncate(kept));
        turns.for_each(|turn| self.push(turn));
    }

    /// Shows what follows what is shown: of a path that begins with it, the rest. How many turns that were; none of another path.
    pub fn extend(self, messages: Vec<Message>, is_live: bool) -> Option<usize> {
        let shown = self.rows.get_untracked();
        let is_same = |(row, message): (&Row, &Message)| row.is_of(message.id);
        if messages.len() < shown.len() || !shown.iter().zip(&messages).all(is_same) {
            return None;
        }
        let mut messages = messages.into_iter();
        for (row, message) in shown.iter().zip(&mut messages) {
            // Another one may have been answered beside it.
            let Turn { versions, .. } = message.into();
            if row.turn.with_untracked(|turn| turn.versions != versions) {
                row.turn.update(|turn| turn.versions = versions);
            }
        }
        let count = messages.len();
        messages.for_each(|message| self.push(saved(message, is_live)));
        Some(count)
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

    pub fn has(self, id: MessageId) -> bool {
        self.rows.with_untracked(|rows| rows.iter().any(|row| row.is_of(id)))
    }

    /// The message shown last. None: there is none, or what is shown last is not known to be saved.
    pub fn last_id(self) -> Option<MessageId> {
        self.rows.with_untracked(|rows| rows.last()?.turn.with_untracked(|turn| turn.message_id))
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
        let mut versions = Vec::new();
        match self.index_for(&message) {
            Some(index) => self.rows.update(|rows| {
                if let [row, answer, ..] = &rows[index..]
                    && row.is_of(id)
                {
                    versions = answer.turn.with_untracked(Turn::other_versions);
                }
                rows.truncate(index + 1);
                if let Some(row) = rows.last() {
                    row.turn.update(|turn| turn.give_way(message));
                }
            }),
            None => self.push(message.into()),
        }
        self.push(Turn::answer_to(Some(id), versions));
    }

    /// Where this message belongs: where it stands already, in the place of another version of it, or where it is being sent.
    fn index_for(self, message: &Message) -> Option<usize> {
        let is_version = |turn: &Turn| {
            let beside = (turn.parent_id, turn.role) == (message.parent_id, message.role);
            beside && turn.message_id.is_some()
        };
        let is_sending = |turn: &Turn| turn.state == TurnState::Sending;
        self.rows.with_untracked(|rows| {
            let index_of = |is_it: &dyn Fn(&Turn) -> bool| {
                rows.iter().position(|row| row.turn.with_untracked(|turn| is_it(turn)))
            };
            index_of(&|turn| turn.message_id == Some(message.id))
                .or_else(|| index_of(&is_version))
                .or_else(|| index_of(&is_sending))
        })
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
        self.update_last(|turn| {
            turn.give_way(message);
            turn.error = error;
        });
    }

    /// The answer cannot be followed any more.
    pub fn lose(self, error: ApiError) {
        let last = self.rows.with_untracked(|rows| rows.last().map(|row| row.turn.get_untracked()));
        // Lost before its first event: what stands there last is what it answers or goes on with.
        if let Some(last) = last.filter(|turn| !turn.is_streaming() && turn.state != TurnState::Lost) {
            self.push(Turn::answer_to(last.message_id, Vec::new()));
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

fn saved(message: Message, is_live: bool) -> Turn {
    let mut turn = Turn::from(message);
    if !is_live && turn.is_streaming() {
        turn.state = TurnState::Reply(ReplyState::Interrupted);
    }
    turn
}
