//! The seam to language models: one trait, one file a wire format.

mod clocks;
mod openai;
mod sse;

use app::ModelFailure;
use async_trait::async_trait;
use futures::stream::BoxStream;

pub use clocks::with_clocks;
pub use openai::OpenAiCompatible;

use crate::pricing::TokenUsage;

/// A conversation to be continued by one answer.
#[derive(Clone)]
pub struct CompletionRequest {
    pub model: String,
    pub turns: Vec<Turn>,
    /// The answer ends here at the latest.
    pub max_output_tokens: u32,
}

/// One message of the conversation, oldest first.
#[derive(Clone)]
pub struct Turn {
    pub speaker: Speaker,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    User,
    Assistant,
}

/// What a provider sends while it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionEvent {
    Text(String),
    /// The answer is whole, or cut at the output cap.
    Finished {
        is_limited: bool,
    },
    /// The provider's own count. An explicit zero is zero.
    Usage(TokenUsage),
}

/// Why an answer did not come, or not whole. `detail` is for logs and holds nothing of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure:?}: {detail}")]
pub struct LlmError {
    pub failure: ModelFailure,
    pub detail: String,
}

impl LlmError {
    fn new(failure: ModelFailure, detail: impl Into<String>) -> Self {
        Self { failure, detail: detail.into() }
    }

    /// The stream ended without saying that the answer is whole.
    pub fn cut() -> Self {
        Self::new(ModelFailure::Interrupted, "the stream ended early")
    }
}

pub type CompletionStream = BoxStream<'static, Result<CompletionEvent, LlmError>>;

#[async_trait]
pub trait LlmProvider: Send + Sync {
    /// Begins an answer. A stream that ends without `Finished` was cut.
    ///
    /// # Errors
    /// When the provider cannot be reached or refuses.
    async fn stream(&self, request: CompletionRequest) -> Result<CompletionStream, LlmError>;
}
