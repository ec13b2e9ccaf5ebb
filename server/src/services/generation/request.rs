//! What is asked for, by whomever.

use app::types::{ApiKeyId, ClientRequestId, MessageId, ReplyRequest, ReplyTarget, ThreadId};

pub use crate::providers::llm::{
    Function, JsonFormat, JsonSchema, Sampling, Speaker, ToolChoice, Tools, Turn,
};

/// Asks for a reply. Sent again with the same `client_request_id`, it attaches to the reply already there.
pub struct GenerationRequest {
    pub client_request_id: ClientRequestId,
    pub asked: Asked,
    /// An upper bound for the answer's length; the model's holds besides. None means the plan's default.
    pub max_output_tokens: Option<u32>,
    /// The key of a model; none means the plan's default.
    pub model: Option<String>,
}

pub enum Asked {
    /// By a person, in a conversation that is kept.
    InChat(ReplyTarget),
    /// By a program, which sends all that the model is to know and keeps it itself.
    ByProgram(Box<Completion>),
}

/// What a program wants answered.
pub struct Completion {
    pub api_key_id: ApiKeyId,
    /// None: there are none.
    pub instructions: Option<String>,
    /// Oldest first.
    pub turns: Vec<Turn>,
    pub sampling: Sampling,
    pub tools: Tools,
    /// None: any text.
    pub json: Option<JsonFormat>,
}

impl Asked {
    /// The thread that is gone on with.
    pub(super) fn thread_id(&self) -> Option<ThreadId> {
        match self {
            Self::InChat(target) => target.thread_id(),
            Self::ByProgram(completion) => Some(thread_of(completion.api_key_id)),
        }
    }
}

/// The answers to a program hang in a thread that came with its key and that nobody sees, below one empty message: what was
/// asked is not kept, and they are not for long.
pub(super) fn thread_of(key: ApiKeyId) -> ThreadId {
    ThreadId(key.0)
}

/// The empty message.
pub(super) fn question_of(key: ApiKeyId) -> MessageId {
    MessageId(key.0)
}

impl From<ReplyRequest> for GenerationRequest {
    fn from(request: ReplyRequest) -> Self {
        let ReplyRequest { client_request_id, target, max_output_tokens, model } = request;
        Self { client_request_id, asked: Asked::InChat(target), max_output_tokens, model }
    }
}
