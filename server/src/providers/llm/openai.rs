//! The Chat Completions format of OpenAI, which vLLM, Ollama, llama.cpp, Groq, OpenRouter and others speak too.
//! <https://platform.openai.com/docs/api-reference/chat>

use app::ModelFailure;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::sse::SseDecoder;
use super::{CompletionEvent, CompletionRequest, CompletionStream, LlmError, LlmProvider, Speaker};
use crate::config::LlmConfig;
use crate::pricing::TokenUsage;

/// One provider that speaks this format.
pub struct OpenAiCompatible {
    http: reqwest::Client,
    completions_url: Url,
    api_key: SecretString,
}

impl OpenAiCompatible {
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(config: &LlmConfig) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(config.clocks.connect)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let mut completions_url = config.base_url.clone();
        if let Ok(mut path) = completions_url.path_segments_mut() {
            path.pop_if_empty().extend(["chat", "completions"]);
        }
        Ok(Self { http, completions_url, api_key: config.api_key.clone() })
    }
}

#[async_trait]
impl LlmProvider for OpenAiCompatible {
    async fn stream(&self, request: CompletionRequest) -> Result<CompletionStream, LlmError> {
        let response = self
            .http
            .post(self.completions_url.clone())
            .bearer_auth(self.api_key.expose_secret())
            .json(&ChatRequest::from(&request))
            .send()
            .await
            .map_err(|error| LlmError::new(ModelFailure::Unavailable, error.without_url().to_string()))?;
        match response.status() {
            status if status.is_success() => Ok(events(response)),
            status => Err(LlmError::new(failure_of(status), format!("HTTP status {status}"))),
        }
    }
}

fn failure_of(status: StatusCode) -> ModelFailure {
    match status.as_u16() {
        429 | 503 | 529 => ModelFailure::Overloaded,
        400 | 413 | 422 => ModelFailure::Refused,
        _ => ModelFailure::Unavailable,
    }
}

fn events(response: reqwest::Response) -> CompletionStream {
    let mut decoder = SseDecoder::default();
    response.bytes_stream().flat_map(move |bytes| stream::iter(decode(&mut decoder, bytes))).boxed()
}

fn decode(
    decoder: &mut SseDecoder,
    bytes: Result<bytes::Bytes, reqwest::Error>,
) -> Vec<Result<CompletionEvent, LlmError>> {
    let interrupted = |detail: String| LlmError::new(ModelFailure::Interrupted, detail);
    let frames = bytes
        .map_err(|error| interrupted(error.without_url().to_string()))
        .and_then(|bytes| decoder.push(&bytes).map_err(|error| interrupted(error.to_string())));
    match frames {
        Ok(frames) => {
            frames.iter().filter(|frame| *frame != "[DONE]").flat_map(|frame| parse(frame)).collect()
        }
        Err(error) => vec![Err(error)],
    }
}

/// The events of one frame.
fn parse(frame: &str) -> Vec<Result<CompletionEvent, LlmError>> {
    let chunk: Chunk = match serde_json::from_str(frame) {
        Ok(chunk) => chunk,
        // The error's own text would quote the frame.
        Err(error) => {
            let detail = format!("frame of {} bytes is no chunk, column {}", frame.len(), error.column());
            return vec![Err(LlmError::new(ModelFailure::Interrupted, detail))];
        }
    };
    if let Some(error) = chunk.error {
        let detail = format!("error in the stream: {}", error.describe());
        return vec![Err(LlmError::new(ModelFailure::Interrupted, detail))];
    }
    let mut events = Vec::new();
    for choice in chunk.choices {
        let text = choice.delta.and_then(|delta| delta.content).unwrap_or_default();
        if !text.is_empty() {
            events.push(Ok(CompletionEvent::Text(text)));
        }
        if let Some(reason) = choice.finish_reason {
            events.push(Ok(CompletionEvent::Finished { is_limited: reason == "length" }));
        }
    }
    if let Some(usage) = chunk.usage {
        let usage = TokenUsage { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens };
        events.push(Ok(CompletionEvent::Usage(usage)));
    }
    events
}

#[derive(Serialize)]
struct ChatRequest<'a> {
    model: &'a str,
    messages: Vec<ChatMessage<'a>>,
    max_tokens: u32,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct ChatMessage<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> From<&'a CompletionRequest> for ChatRequest<'a> {
    fn from(request: &'a CompletionRequest) -> Self {
        let message = |turn: &'a super::Turn| ChatMessage {
            role: match turn.speaker {
                Speaker::User => "user",
                Speaker::Assistant => "assistant",
            },
            content: &turn.text,
        };
        Self {
            model: &request.model,
            messages: request.turns.iter().map(message).collect(),
            max_tokens: request.max_output_tokens,
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        }
    }
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<ChunkError>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: u32,
    completion_tokens: u32,
}

/// Types and codes only: a provider's message may quote the prompt.
#[derive(Deserialize)]
struct ChunkError {
    r#type: Option<String>,
    /// A text at OpenAI, a number at llama.cpp.
    code: Option<serde_json::Value>,
}

impl ChunkError {
    fn describe(&self) -> String {
        let code = self.code.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("type {}, code {code}", self.r#type.as_deref().unwrap_or("none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_zero_is_reported_as_zero() {
        let events = parse(r#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}"#);
        assert_eq!(events, [Ok(CompletionEvent::Usage(TokenUsage::default()))]);
    }

    #[test]
    fn a_missing_usage_is_not_a_zero() {
        assert_eq!(parse(r#"{"choices":[{"delta":{"role":"assistant"}}],"usage":null}"#), []);
    }

    #[test]
    fn an_error_inside_the_stream_is_typed_and_does_not_quote_the_message() {
        let events = parse(r#"{"error":{"message":"bad prompt: secret","type":"server_error","code":500}}"#);
        let error = events[0].as_ref().expect_err("an error");
        assert_eq!(error.failure, ModelFailure::Interrupted);
        assert_eq!(error.detail, "error in the stream: type server_error, code 500");
    }

    #[test]
    fn a_frame_that_is_no_chunk_does_not_reach_the_log() {
        let error = parse("my secret")[0].clone().expect_err("an error");
        assert!(!error.detail.contains("secret"));
    }

    #[test]
    fn the_output_cap_is_told_from_a_whole_answer() {
        let events = parse(r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"length"}]}"#);
        assert_eq!(events[1], Ok(CompletionEvent::Finished { is_limited: true }));
    }
}
