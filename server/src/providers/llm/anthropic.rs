//! Anthropic's Messages format. <https://docs.anthropic.com/en/api/messages-streaming>

mod request;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use secrecy::ExposeSecret;
use serde::Deserialize;

use self::request::MessagesRequest;
use super::tool_calls::ToolCallReader;
use super::transport::{NamedError, below, frames, in_stream, loggable, unreadable, until_last};
use super::{
    CompletionEvent, CompletionRequest, CompletionStream, CountedUsage, LlmError, LlmProvider, Upstream,
};
use crate::pricing::TokenUsage;

/// The version of the format this file speaks.
const VERSION: &str = "2023-06-01";

pub(super) struct Anthropic {
    http: reqwest::Client,
}

impl Anthropic {
    pub(super) fn new(http: reqwest::Client) -> Self {
        Self { http }
    }
}

#[async_trait]
impl LlmProvider for Anthropic {
    async fn stream(
        &self,
        upstream: &Upstream,
        request: CompletionRequest,
    ) -> Result<CompletionStream, LlmError> {
        let request = self
            .http
            .post(below(&upstream.base_url, &["messages"]))
            .header("x-api-key", upstream.api_key.expose_secret())
            .header("anthropic-version", VERSION)
            .json(&MessagesRequest::new(upstream, &request));
        let mut answer = Answer::default();
        let frames = until_last(frames::<MessageError>(request).await?, is_last);
        let events = frames.flat_map(move |frame| {
            stream::iter(match frame {
                Ok(frame) => answer.parse(&frame),
                Err(error) => vec![Err(error)],
            })
        });
        Ok(events.boxed())
    }
}

fn is_last(frame: &str) -> bool {
    frame.contains("message_stop") && matches!(serde_json::from_str(frame), Ok(StreamEvent::MessageStop))
}

/// What is known of an answer between its frames.
#[derive(Default)]
struct Answer {
    /// Comes in parts: the input first, the output at the end.
    usage: Usage,
    calls: ToolCallReader,
}

impl Answer {
    /// The events of one frame.
    fn parse(&mut self, frame: &str) -> Vec<Result<CompletionEvent, LlmError>> {
        let event: StreamEvent = match serde_json::from_str(frame) {
            Ok(event) => event,
            Err(error) => return vec![Err(unreadable(frame, &error))],
        };
        match event {
            StreamEvent::MessageStart { message } => self.begin(message),
            StreamEvent::ContentBlockStart { index, content_block: Block::ToolUse { id, name } } => {
                self.call(index, Some(id), Some(name), String::new())
            }
            StreamEvent::ContentBlockDelta { index, delta } => self.go_on(index, delta),
            StreamEvent::MessageDelta { delta, usage } => self.end(delta, usage),
            StreamEvent::Error { error } => vec![Err(in_stream(&error))],
            _ => vec![],
        }
    }

    fn begin(&mut self, message: MessageHead) -> Vec<Result<CompletionEvent, LlmError>> {
        self.usage.take(message.usage);
        let model = message.model.map(|model| Ok(CompletionEvent::Model(model)));
        // What it has written so far is no count of what it will write.
        let read = Usage { output_tokens: None, ..self.usage }.normalised();
        model.into_iter().chain(read.map(|usage| Ok(CompletionEvent::Usage(usage)))).collect()
    }

    fn go_on(&mut self, index: u32, delta: BlockDelta) -> Vec<Result<CompletionEvent, LlmError>> {
        match delta {
            BlockDelta::TextDelta { text } if !text.is_empty() => vec![Ok(CompletionEvent::Text(text))],
            BlockDelta::ThinkingDelta { thinking } if !thinking.is_empty() => {
                vec![Ok(CompletionEvent::Reasoning(thinking))]
            }
            BlockDelta::InputJsonDelta { partial_json } => self.call(index, None, None, partial_json),
            _ => vec![],
        }
    }

    fn call(
        &mut self,
        index: u32,
        id: Option<String>,
        name: Option<String>,
        arguments: String,
    ) -> Vec<Result<CompletionEvent, LlmError>> {
        let piece = self.calls.read(Some(index), id, name, arguments);
        piece.into_iter().map(|piece| Ok(CompletionEvent::ToolCall(piece))).collect()
    }

    fn end(&mut self, end: MessageEnd, usage: Usage) -> Vec<Result<CompletionEvent, LlmError>> {
        self.usage.take(usage);
        let counted = self.usage.normalised().map(|usage| Ok(CompletionEvent::Usage(usage)));
        let finished = end.stop_reason.map(|reason| match reason.as_str() {
            "refusal" => Err(LlmError::filtered()),
            reason => Ok(CompletionEvent::Finished { is_limited: is_limit(reason) }),
        });
        let is_whole = finished == Some(Ok(CompletionEvent::Finished { is_limited: false }));
        let bare = if is_whole { self.calls.finish() } else { vec![] };
        let bare = bare.into_iter().map(|piece| Ok(CompletionEvent::ToolCall(piece)));
        counted.into_iter().chain(bare).chain(finished).collect()
    }
}

/// The answer is as long as was asked for, or as fits into what the model can read and write at once.
/// <https://docs.claude.com/en/api/handling-stop-reasons>
fn is_limit(stop_reason: &str) -> bool {
    matches!(stop_reason, "max_tokens" | "model_context_window_exceeded")
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum StreamEvent {
    MessageStart {
        message: MessageHead,
    },
    ContentBlockStart {
        index: u32,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u32,
        delta: BlockDelta,
    },
    MessageDelta {
        delta: MessageEnd,
        #[serde(default)]
        usage: Usage,
    },
    MessageStop,
    Error {
        error: MessageError,
    },
    /// Pings, the ends of blocks, and whatever comes in the future.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageHead {
    model: Option<String>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    ToolUse {
        id: String,
        name: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockDelta {
    TextDelta {
        text: String,
    },
    ThinkingDelta {
        thinking: String,
    },
    /// Of a tool's arguments.
    InputJsonDelta {
        partial_json: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageEnd {
    stop_reason: Option<String>,
}

/// In the stream, or instead of an answer.
#[derive(Deserialize)]
struct MessageError {
    r#type: String,
}

impl NamedError for MessageError {
    fn status(&self) -> Option<u16> {
        status_of(&self.r#type)
    }

    fn describe(&self) -> String {
        format!("type {}", loggable(&self.r#type))
    }
}

/// Here the cached input is not among `input_tokens`.
#[derive(Clone, Copy, Default, Deserialize)]
struct Usage {
    input_tokens: Option<u32>,
    cache_read_input_tokens: Option<u32>,
    cache_creation_input_tokens: Option<u32>,
    output_tokens: Option<u32>,
}

impl Usage {
    /// Later counts replace earlier ones.
    fn take(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_read_input_tokens = later.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.cache_creation_input_tokens =
            later.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
    }

    /// None when the provider has not even counted what it has read.
    fn normalised(&self) -> Option<CountedUsage> {
        let cached = self.cache_read_input_tokens.unwrap_or(0);
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        let tokens = TokenUsage {
            input_tokens: self.input_tokens?.saturating_add(cached).saturating_add(written),
            cached_input_tokens: cached,
            output_tokens: self.output_tokens.unwrap_or(0),
            reasoning_tokens: 0,
        };
        Some(CountedUsage { tokens, is_whole: self.output_tokens.is_some() })
    }
}

/// The HTTP status of an error's type. <https://docs.anthropic.com/en/api/errors>
fn status_of(r#type: &str) -> Option<u16> {
    Some(match r#type {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "api_error" => 500,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use app::ModelFailure;
    use app::types::ToolCall;
    use reqwest::StatusCode;

    use super::*;
    use crate::providers::llm::transport::refusal;

    fn read(frames: &[&str]) -> Vec<Result<CompletionEvent, LlmError>> {
        let mut answer = Answer::default();
        frames.iter().flat_map(|frame| answer.parse(frame)).collect()
    }

    #[test]
    fn a_whole_answer_gives_reasoning_text_end_and_usage() {
        let events = read(&[
            r#"{"type":"message_start","message":{"model":"a-1","usage":{"input_tokens":6,"cache_read_input_tokens":4,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Yes"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":9}}"#,
            r#"{"type":"message_stop"}"#,
        ]);
        let tokens =
            TokenUsage { input_tokens: 10, cached_input_tokens: 4, output_tokens: 9, reasoning_tokens: 0 };
        let read = CountedUsage { tokens: TokenUsage { output_tokens: 0, ..tokens }, is_whole: false };
        let usage = CountedUsage { tokens, is_whole: true };
        assert_eq!(
            events,
            [
                Ok(CompletionEvent::Model("a-1".to_owned())),
                Ok(CompletionEvent::Usage(read)),
                Ok(CompletionEvent::Reasoning("hm".to_owned())),
                Ok(CompletionEvent::Text("Yes".to_owned())),
                Ok(CompletionEvent::Usage(usage)),
                Ok(CompletionEvent::Finished { is_limited: true }),
            ]
        );
    }

    #[test]
    fn a_missing_count_is_not_a_zero() {
        let events = read(&[r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#]);
        assert_eq!(events, [Ok(CompletionEvent::Finished { is_limited: false })]);
    }

    #[test]
    fn an_answer_that_fills_the_model_is_limited_and_one_that_pauses_is_not() {
        for (reason, is_limited) in
            [("model_context_window_exceeded", true), ("pause_turn", false), ("something_new", false)]
        {
            let frame = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}}}}"#);
            assert_eq!(read(&[&frame]), [Ok(CompletionEvent::Finished { is_limited })], "{reason}");
        }
    }

    #[test]
    fn tools_to_be_called_are_numbered_among_themselves_and_their_arguments_are_json() {
        let events = read(&[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"f","input":{}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t2","name":"g","input":{}}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
        ]);
        let mut calls = Vec::new();
        for event in &events {
            if let Ok(CompletionEvent::ToolCall(piece)) = event {
                ToolCall::join(&mut calls, piece);
            }
        }
        let call = |id: &str, name: &str, arguments: &str| {
            let [id, name, arguments] = [id, name, arguments].map(str::to_owned);
            ToolCall { id, name, arguments }
        };
        assert_eq!(calls, [call("t1", "f", r#"{"a":1}"#), call("t2", "g", "{}")]);
        assert_eq!(events.last(), Some(&Ok(CompletionEvent::Finished { is_limited: false })));
    }

    #[test]
    fn a_refusal_is_no_whole_answer() {
        let events = read(&[r#"{"type":"message_delta","delta":{"stop_reason":"refusal"}}"#]);
        assert_eq!(events[0].as_ref().expect_err("an error").failure, ModelFailure::Filtered);
    }

    #[test]
    fn only_the_end_of_the_message_is_the_last_frame() {
        assert!(is_last(r#"{"type": "message_stop"}"#));
        let said =
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"message_stop"}}"#;
        assert!(!is_last(said));
    }

    #[test]
    fn an_error_inside_the_stream_is_typed_and_not_quoted() {
        let events =
            read(&[r#"{"type":"error","error":{"type":"overloaded_error","message":"about: my secret"}}"#]);
        let error = events[0].as_ref().expect_err("an error");
        assert_eq!(error.failure, ModelFailure::Overloaded);
        assert!(!error.detail.contains("secret"));
    }

    #[test]
    fn a_refusal_is_named_and_not_quoted() {
        let body = r#"{"type":"error","error":{"type":"request_too_large","message":"about: my secret"},"request_id":"r"}"#;
        let error = refusal::<MessageError>(StatusCode::PAYLOAD_TOO_LARGE, body.as_bytes());
        assert_eq!((error.failure, error.is_passing), (ModelFailure::Refused, false));
        assert_eq!(error.detail, "HTTP status 413 Payload Too Large, type request_too_large");
    }
}
