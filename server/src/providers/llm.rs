//! The seam to language models: one trait, one file a wire format.

mod anthropic;
mod clocks;
mod openai;
mod sse;
mod transport;

use std::time::Duration;

use app::ModelFailure;
use async_trait::async_trait;
use futures::stream::BoxStream;
use secrecy::SecretString;
use url::Url;

pub use clocks::with_clocks;

use self::anthropic::Anthropic;
use self::openai::OpenAiCompatible;
use crate::config::{LlmClocks, OutputCapField, WireFormat};
use crate::pricing::TokenUsage;

/// Whom to ask.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub format: WireFormat,
    /// Up to and with the version of the API.
    pub base_url: Url,
    /// As the provider calls the model.
    pub model: String,
    pub api_key: SecretString,
    /// Of OpenAI's format.
    pub output_cap_field: OutputCapField,
    /// Of OpenAI's format: a stream is asked to end with what it used.
    pub usage_in_stream: bool,
    /// To wait for the first token, instead of as long as for others.
    pub first_token: Option<Duration>,
}

/// A conversation to be continued by one answer.
#[derive(Clone)]
pub struct CompletionRequest {
    /// What the model is told before the conversation, by who wrote the program rather than by who uses it.
    pub instructions: Option<String>,
    pub turns: Vec<Turn>,
    /// The answer ends here at the latest.
    pub max_output_tokens: u32,
    pub sampling: Sampling,
}

/// How the model is to choose its words. What is not given is the provider's to decide.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    pub temperature: Option<f32>,
    pub top_p: Option<f32>,
    /// The answer ends before any of these.
    pub stop: Vec<String>,
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
    /// What the model thinks before it answers.
    Reasoning(String),
    Text(String),
    /// The answer is whole, or cut at the output cap.
    Finished {
        is_limited: bool,
    },
    Usage(CountedUsage),
    /// The model that answers, as the provider calls it.
    Model(String),
}

/// The provider's own count. An explicit zero is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedUsage {
    pub tokens: TokenUsage,
    /// False: only what was read is counted so far.
    pub is_whole: bool,
}

impl CompletionEvent {
    /// The same without NUL, which PostgreSQL keeps in no text.
    pub fn without_nul(mut self) -> Self {
        if let Self::Reasoning(text) | Self::Text(text) = &mut self
            && text.contains('\0')
        {
            text.retain(|character| character != '\0');
        }
        self
    }
}

/// Why an answer did not come, or not whole. `detail` is for logs and holds nothing of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure:?}: {detail}")]
pub struct LlmError {
    pub failure: ModelFailure,
    pub detail: String,
    /// Asking the same provider again may help.
    pub is_passing: bool,
    /// The provider says when to ask again.
    pub retry_after: Option<Duration>,
}

impl LlmError {
    fn new(failure: ModelFailure, detail: impl Into<String>) -> Self {
        Self { failure, detail: detail.into(), is_passing: true, retry_after: None }
    }

    /// The provider's filter took offence. Nobody else is asked: that is how one looks for a provider that lets it pass.
    fn filtered() -> Self {
        let error = Self::new(ModelFailure::Filtered, "ended by the provider's filter");
        Self { is_passing: false, ..error }
    }

    /// The answer is whole, and nothing was said.
    pub fn empty() -> Self {
        Self::new(ModelFailure::Empty, "nothing was said")
    }

    /// No route may be asked: none is left, or their breakers are open.
    pub fn no_route() -> Self {
        Self::new(ModelFailure::Unavailable, "no route may be asked")
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
    async fn stream(
        &self,
        upstream: &Upstream,
        request: CompletionRequest,
    ) -> Result<CompletionStream, LlmError>;
}

/// One implementation for each wire format.
pub struct Providers {
    openai: OpenAiCompatible,
    anthropic: Anthropic,
}

impl Providers {
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(clocks: &LlmClocks) -> Result<Self, reqwest::Error> {
        let http = transport::client(clocks)?;
        Ok(Self { openai: OpenAiCompatible::new(http.clone()), anthropic: Anthropic::new(http) })
    }

    pub fn speaking(&self, format: WireFormat) -> &dyn LlmProvider {
        match format {
            WireFormat::Openai => &self.openai,
            WireFormat::Anthropic => &self.anthropic,
        }
    }
}
