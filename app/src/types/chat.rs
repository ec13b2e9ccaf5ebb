//! Conversations and the events of a reply being written.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};

use super::{ClientRequestId, GenerationId, MessageId, Nanos, Quota, ThreadId, ToolCall, ToolCallPiece};
use crate::ApiError;
use crate::error::ModelFailure;

/// A conversation, as it stands in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    pub id: ThreadId,
    pub title: String,
    pub updated_at: DateTime<Utc>,
}

impl Thread {
    /// A page of the list has so many.
    pub const LISTED: u32 = 200;

    /// A search finds no more.
    pub const FOUND: u32 = 50;

    pub fn place(&self) -> ThreadPlace {
        ThreadPlace { updated_at: self.updated_at, id: self.id }
    }
}

/// A conversation that was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundThread {
    #[serde(flatten)]
    pub thread: Thread,
    /// One line from the message that has the words. None: its title has them.
    #[serde(default)]
    pub snippet: Option<String>,
}

impl FoundThread {
    /// Fewer letters are looked for in titles only: almost every message has them.
    pub const LETTERS_OF_MESSAGES: usize = 3;

    /// Whether messages are looked at, too.
    pub fn is_in_messages(words: &str) -> bool {
        words.trim().chars().count() >= Self::LETTERS_OF_MESSAGES
    }
}

impl From<Thread> for FoundThread {
    fn from(thread: Thread) -> Self {
        Self { thread, snippet: None }
    }
}

/// Where a conversation stands in the list: greater is nearer to its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ThreadPlace {
    pub updated_at: DateTime<Utc>,
    pub id: ThreadId,
}

/// A conversation, whole: one path through its tree of messages, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    pub thread: Thread,
    pub messages: Vec<Message>,
    /// The reply being written now, to be followed with `follow_reply`.
    pub live_reply: Option<GenerationId>,
    /// Of the models that cannot be shown all of it any more.
    #[serde(default)]
    pub forgotten: Vec<Forgotten>,
}

/// What a model is not shown, whatever the person writes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// A key.
    pub model: String,
    /// Of the messages it is not shown.
    pub last: MessageId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Assistant,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub parent_id: Option<MessageId>,
    pub role: Role,
    /// As written; markdown when the role is `Assistant`.
    pub content: String,
    pub created_at: DateTime<Utc>,
    /// Of an assistant's message: how its writing ended.
    pub state: Option<ReplyState>,
    /// Of an assistant's message: what it cost the account.
    pub charged: Option<Nanos>,
    /// Of an assistant's message: the key of the model that was asked for.
    #[serde(default)]
    pub model: Option<String>,
    /// Of an assistant's message: what the model thought before it answered, where the provider tells.
    #[serde(default)]
    pub reasoning: String,
    /// Of an assistant's message: what the model wants called before it goes on. Only programs have tools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Of an assistant's message: what the reader thinks of it.
    #[serde(default)]
    pub rating: Option<Rating>,
    /// What can be shown in its place, oldest first, itself among them. Empty where that is not told: in the events of a reply.
    #[serde(default)]
    pub versions: Vec<MessageId>,
}

impl Message {
    /// What all messages have; of an assistant's, the rest is told besides: `Message { state, ..Message::new(…) }`.
    pub fn new(
        id: MessageId,
        parent_id: Option<MessageId>,
        role: Role,
        content: impl Into<String>,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            parent_id,
            role,
            content: content.into(),
            created_at,
            state: None,
            charged: None,
            model: None,
            reasoning: String::new(),
            tool_calls: Vec::new(),
            rating: None,
            versions: Vec::new(),
        }
    }
}

/// Thumbs up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    Good,
    Bad,
}

impl Rating {
    pub fn new(is_good: bool) -> Self {
        if is_good { Self::Good } else { Self::Bad }
    }

    pub fn is_good(self) -> bool {
        self == Self::Good
    }
}

/// Where a generation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyState {
    Streaming,
    /// Complete.
    Finished,
    /// Complete as far as the output cap allowed.
    Limited,
    /// Ended by the person.
    Stopped,
    /// Ended by an error before anything was said.
    Failed,
    /// Ended by an error, or by the server going away, after something was said.
    Interrupted,
}

impl ReplyState {
    pub const ALL: [Self; 6] =
        [Self::Streaming, Self::Finished, Self::Limited, Self::Stopped, Self::Failed, Self::Interrupted];

    /// As it is stored, shown in files, and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::Finished => "finished",
            Self::Limited => "limited",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// The model has said all that it wanted to, or was allowed to.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Finished | Self::Limited)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Asks for a reply. Sent again with the same `client_request_id`, it attaches to the reply already there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyRequest {
    pub client_request_id: ClientRequestId,
    pub target: ReplyTarget,
    /// An upper bound for the answer's length; the model's holds besides. None means the plan's default.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// The key of a model; none means the plan's default.
    #[serde(default)]
    pub model: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ReplyTarget {
    NewThread {
        prompt: Prompt,
    },
    Thread {
        thread_id: ThreadId,
        prompt: Prompt,
        /// The last message the person sees. None: the last that the thread shows.
        #[serde(default)]
        after: Option<MessageId>,
    },
    /// Asks a message of the person's in other words. Both stay, as versions of each other.
    Edit {
        thread_id: ThreadId,
        message_id: MessageId,
        prompt: Prompt,
    },
    /// Answers a message of the person's again, after a failure or for another answer.
    Retry {
        thread_id: ThreadId,
        message_id: MessageId,
    },
    /// Goes on with an answer that was interrupted, stopped or cut at the output cap.
    Continue {
        thread_id: ThreadId,
        message_id: MessageId,
    },
}

impl ReplyTarget {
    /// The thread that is gone on with.
    pub fn thread_id(&self) -> Option<ThreadId> {
        match self {
            Self::NewThread { .. } => None,
            Self::Thread { thread_id, .. }
            | Self::Edit { thread_id, .. }
            | Self::Retry { thread_id, .. }
            | Self::Continue { thread_id, .. } => Some(*thread_id),
        }
    }
}

/// What a person wrote: not blank, at most [`Prompt::MAX_CHARS`] characters, and none of them NUL, which no database keeps.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prompt(String);

impl Prompt {
    pub const MAX_CHARS: usize = 100_000;

    /// # Errors
    /// Says in words what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, PromptError> {
        let text = without_nul(text);
        let text = text.trim();
        match text.chars().count() {
            0 => Err(PromptError::Blank),
            count if count > Self::MAX_CHARS => Err(PromptError::TooLong { excess: count - Self::MAX_CHARS }),
            _ => Ok(Self(text.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

/// Shows the length only: prompts must never reach a log.
impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prompt({} bytes)", self.0.len())
    }
}

impl TryFrom<String> for Prompt {
    type Error = PromptError;

    fn try_from(text: String) -> Result<Self, PromptError> {
        Self::parse(&text)
    }
}

impl From<Prompt> for String {
    fn from(prompt: Prompt) -> Self {
        prompt.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    #[error("Write a message first.")]
    Blank,
    #[error("This message is {excess} characters too long. Shorten it, or send it in parts.")]
    TooLong { excess: usize },
}

/// The name of a thread: one line, not blank, cut to [`Title::MAX_CHARS`] characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    pub const MAX_CHARS: usize = 80;

    /// None for a blank text.
    pub fn parse(text: &str) -> Option<Self> {
        let line = without_nul(text).split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            return None;
        }
        if line.chars().count() <= Self::MAX_CHARS {
            return Some(Self(line));
        }
        let cut: String = line.chars().take(Self::MAX_CHARS - 1).collect();
        Some(Self(format!("{}…", cut.trim_end())))
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// One event of a reply, numbered from 1 without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatEvent {
    pub seq: u32,
    #[serde(flatten)]
    pub kind: ChatEventKind,
}

/// In order: one `Started`, any number of `Reasoning`, `Text` and `ToolCall`, one `Ended`, then `Quota` when it could be read.
/// `Draining` may come in between; it is no part of the reply, and has the number of the event before it.
///
/// What comes once is boxed: an open reply keeps all its events, and almost all of them are `Text`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ChatEventKind {
    /// The request was admitted and saved; the answer follows.
    Started { generation_id: GenerationId, thread: Box<Thread>, user_message: Box<Message> },
    /// More of what the model thinks before it answers; folded away, never part of the answer.
    Reasoning { text: String },
    /// More of the answer, to be appended.
    Text { text: String },
    /// More of a tool that is to be called.
    ToolCall { piece: Box<ToolCallPiece> },
    /// The answer as saved, whole: it replaces what was appended. `error` says why it ended early.
    Ended {
        message: Box<Message>,
        #[serde(default, deserialize_with = "known_or_interrupted")]
        error: Option<Box<ApiError>>,
    },
    /// What is left after this reply.
    Quota { quota: Box<Quota> },
    /// The server that writes the reply is about to end. The reply goes on, but this stream may break; it can then be followed
    /// from another server.
    Draining,
}

impl ChatEventKind {
    /// Whether it is something that the model says.
    pub fn is_speech(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Reasoning { .. } | Self::ToolCall { .. })
    }
}

/// An older page has to see the end of a reply whose error only newer ones know.
fn known_or_interrupted<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Box<ApiError>>, D::Error> {
    let error = Option::<serde_json::Value>::deserialize(source)?;
    let unknown = ApiError::model(ModelFailure::Interrupted);
    Ok(error.map(|error| Box::new(serde_json::from_value(error).unwrap_or(unknown))))
}

#[cfg(test)]
mod tests {
    use super::{ChatEvent, Prompt, PromptError, ReplyState, ReplyTarget, Title};

    #[test]
    fn a_state_has_one_name_everywhere() {
        for state in ReplyState::ALL {
            assert_eq!(serde_json::to_value(state).expect("JSON"), state.as_str());
            assert_eq!(ReplyState::parse(state.as_str()), Some(state));
        }
    }

    #[test]
    fn a_blank_prompt_is_refused() {
        assert_eq!(Prompt::parse(" \n\t "), Err(PromptError::Blank));
    }

    #[test]
    fn what_no_database_keeps_is_left_out() {
        assert_eq!(Prompt::parse("\0"), Err(PromptError::Blank));
        assert_eq!(Prompt::parse("a\0b\0").map(String::from), Ok("ab".to_owned()));
        assert_eq!(Title::parse("\0 a\0b").map(Title::into_string), Some("ab".to_owned()));
    }

    #[test]
    fn a_prompt_is_bounded_in_characters_not_bytes() {
        let longest = "語".repeat(Prompt::MAX_CHARS);
        assert!(Prompt::parse(&longest).is_ok());
        assert_eq!(Prompt::parse(&format!("{longest}語")), Err(PromptError::TooLong { excess: 1 }));
    }

    #[test]
    fn a_prompt_is_checked_when_it_arrives_over_the_wire() {
        assert!(serde_json::from_str::<Prompt>("\"   \"").is_err());
    }

    #[test]
    fn a_prompt_does_not_show_in_logs() {
        let shown = Prompt::parse("my secret").map(|prompt| format!("{prompt:?}"));
        assert_eq!(shown, Ok("Prompt(9 bytes)".to_owned()));
    }

    #[test]
    fn a_page_that_does_not_say_what_it_sees_is_understood() {
        let id = "0190a0b0-0000-7000-8000-000000000001";
        let told = format!(r#"{{ "kind": "thread", "thread_id": "{id}", "prompt": "and?" }}"#);
        let target = serde_json::from_str(&told).expect("a target");
        assert!(matches!(target, ReplyTarget::Thread { after: None, .. }));
    }

    #[test]
    fn a_title_is_one_short_line() {
        let title = Title::parse(&format!("First\nline {}", "x".repeat(200))).map(Title::into_string);
        let title = title.expect("not blank");
        assert!(title.starts_with("First line x"));
        assert_eq!(title.chars().count(), Title::MAX_CHARS);
        assert!(title.ends_with('…'));
    }

    #[test]
    fn an_event_takes_little_more_memory_than_its_text() {
        assert!(size_of::<ChatEvent>() <= 48, "{} bytes", size_of::<ChatEvent>());
    }
}
