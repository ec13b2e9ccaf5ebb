//! The seam to language models: one trait, one file a wire format.

mod account;
mod anthropic;
mod clocks;
mod openai;
mod sse;
mod tool_calls;
mod tools;
mod transport;

use std::time::Duration;

use app::ModelFailure;
use app::types::{ToolCall, ToolCallPiece};
use async_trait::async_trait;
use futures::stream::BoxStream;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

pub use clocks::with_clocks;
pub use tools::{Function, ToolChoice, Tools};

use self::anthropic::Anthropic;
use self::openai::OpenAiCompatible;
use crate::config::{LlmClocks, OutputCapField, WireFormat};
use crate::pricing::{TokenUsage, estimate_tokens, estimate_tool_calls};

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
    /// The model may be told how to choose its words.
    pub takes_sampling: bool,
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
    pub tools: Tools,
    /// None: any text.
    pub json: Option<JsonFormat>,
}

/// The answer is to be JSON.
#[derive(Clone, Debug)]
pub enum JsonFormat {
    /// Some object.
    Object,
    /// What a schema allows.
    Schema(JsonSchema),
}

/// As OpenAI's format has it. <https://platform.openai.com/docs/guides/structured-outputs>
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JsonSchema {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub schema: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// How the model is to choose its words. What is not given is the provider's to decide.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    pub temperature: Option<f32>,
    /// Not sent beside a temperature to who takes only one of them.
    pub top_p: Option<f32>,
    /// The answer ends before any of these.
    pub stop: Vec<String>,
    // What follows is for who speaks OpenAI's format, and hints to others, who do without.
    pub frequency_penalty: Option<f32>,
    pub presence_penalty: Option<f32>,
    /// The same one again may bring the same answer again.
    pub seed: Option<i64>,
    /// How long the model is to think.
    pub reasoning_effort: Option<&'static str>,
    /// How much it is to say.
    pub verbosity: Option<&'static str>,
}

/// One message of the conversation, oldest first.
#[derive(Clone)]
pub struct Turn {
    pub speaker: Speaker,
    pub text: String,
    /// Of the assistant: what it wanted called.
    pub tool_calls: Vec<ToolCall>,
    /// Of a tool: the call that this is the result of.
    pub tool_call_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    User,
    Assistant,
    Tool,
}

/// What stands around a call or a result, in tokens: a careful guess, because every model has its own way.
const AROUND_CALL: u32 = 20;

impl Turn {
    pub fn said(speaker: Speaker, text: impl Into<String>) -> Self {
        Self { speaker, text: text.into(), tool_calls: Vec::new(), tool_call_id: None }
    }

    /// What a tool has come to.
    pub fn result(tool_call_id: String, text: String) -> Self {
        Self { tool_call_id: Some(tool_call_id), ..Self::said(Speaker::Tool, text) }
    }

    /// How many it may be, when nobody has counted them.
    pub fn tokens(&self) -> u32 {
        let calls = self.tool_calls.iter().map(|call| estimate_tokens(&call.id).saturating_add(AROUND_CALL));
        let result = self.tool_call_id.as_deref().map(|id| estimate_tokens(id).saturating_add(AROUND_CALL));
        let said = [estimate_tokens(&self.text), estimate_tool_calls(&self.tool_calls)];
        calls.chain(result).chain(said).fold(0, u32::saturating_add)
    }
}

impl CompletionRequest {
    /// Whether a format has words for what is wanted. Anthropic's knows JSON only by a schema that names all there may be,
    /// as OpenAI's has it of those that are strict. <https://docs.claude.com/en/docs/build-with-claude/structured-outputs>
    pub fn can_be_asked_in(&self, format: WireFormat) -> bool {
        match &self.json {
            None => true,
            Some(JsonFormat::Schema(schema)) if schema.strict == Some(true) => true,
            Some(_) => format != WireFormat::Anthropic,
        }
    }
}

/// What a provider sends while it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionEvent {
    /// What the model thinks before it answers.
    Reasoning(String),
    Text(String),
    /// More of a tool that is to be called.
    ToolCall(ToolCallPiece),
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
        match &mut self {
            Self::Reasoning(text) | Self::Text(text) => remove_nul(text),
            Self::ToolCall(ToolCallPiece { id, name, arguments, .. }) => {
                [id.as_mut(), name.as_mut(), Some(arguments)].into_iter().flatten().for_each(remove_nul);
            }
            Self::Finished { .. } | Self::Usage(_) | Self::Model(_) => {}
        }
        self
    }
}

fn remove_nul(text: &mut String) {
    if text.contains('\0') {
        text.retain(|character| character != '\0');
    }
}

/// Why an answer did not come, or not whole. `detail` is for logs and holds nothing of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure:?}: {detail}")]
pub struct LlmError {
    pub failure: ModelFailure,
    pub detail: String,
    /// The part of the request that is wrong, as the provider calls it.
    pub param: Option<String>,
    /// Asking the same provider again may help.
    pub is_passing: bool,
    /// Our account with the provider is not good for any answer, whoever is asked by it.
    pub is_of_account: bool,
    /// The provider says when to ask again.
    pub retry_after: Option<Duration>,
}

impl LlmError {
    fn new(failure: ModelFailure, detail: impl Into<String>) -> Self {
        Self {
            failure,
            detail: detail.into(),
            param: None,
            is_passing: true,
            is_of_account: false,
            retry_after: None,
        }
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
