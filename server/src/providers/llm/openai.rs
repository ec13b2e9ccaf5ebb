//! The Chat Completions format of OpenAI, which vLLM, Ollama, llama.cpp, Groq, OpenRouter and others speak too.
//! <https://platform.openai.com/docs/api-reference/chat>

mod request;

use app::types::ToolCallPiece;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;

use self::request::ChatRequest;
use super::tool_calls::ToolCallReader;
use super::transport::{NamedError, below, frames, in_stream, loggable, unreadable, until_last};
use super::{
    CompletionEvent, CompletionRequest, CompletionStream, CountedUsage, LlmError, LlmProvider, Upstream,
};
use crate::pricing::TokenUsage;

pub(super) struct OpenAiCompatible {
    http: reqwest::Client,
}

impl OpenAiCompatible {
    pub(super) fn new(http: reqwest::Client) -> Self {
        Self { http }
    }
}

#[async_trait]
impl LlmProvider for OpenAiCompatible {
    async fn stream(
        &self,
        upstream: &Upstream,
        request: CompletionRequest,
    ) -> Result<CompletionStream, LlmError> {
        let request = self
            .http
            .post(below(&upstream.base_url, &["chat", "completions"]))
            .bearer_auth(upstream.api_key.expose_secret())
            .json(&ChatRequest::new(upstream, &request));
        let frames = until_last(frames::<ChatError>(request).await?, |frame| frame == "[DONE]");
        let mut calls = ToolCallReader::default();
        let events = frames.flat_map(move |frame| {
            stream::iter(match frame {
                Ok(frame) => parse(&frame, &mut calls),
                Err(error) => vec![Err(error)],
            })
        });
        Ok(events.boxed())
    }
}

/// The events of one frame.
fn parse(frame: &str, calls: &mut ToolCallReader) -> Vec<Result<CompletionEvent, LlmError>> {
    let chunk: Chunk = match serde_json::from_str(frame) {
        Ok(chunk) => chunk,
        Err(error) => return vec![Err(unreadable(frame, &error))],
    };
    if let Some(error) = chunk.error {
        return vec![Err(in_stream(&error))];
    }
    let mut is_last = false;
    let mut events = Vec::new();
    for choice in chunk.choices {
        let delta = choice.delta.unwrap_or_default();
        let reasoning = delta.reasoning_content.or(delta.reasoning).filter(|text| !text.is_empty());
        events.extend(reasoning.map(|text| Ok(CompletionEvent::Reasoning(text))));
        let text = delta.content.filter(|text| !text.is_empty());
        events.extend(text.map(|text| Ok(CompletionEvent::Text(text))));
        let pieces = delta.tool_calls.unwrap_or_default().into_iter().filter_map(|delta| delta.read(calls));
        events.extend(pieces.map(|piece| Ok(CompletionEvent::ToolCall(piece))));
        // Some send an empty reason until there is one.
        let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) else { continue };
        is_last = true;
        let end = match reason.as_str() {
            "content_filter" => Err(LlmError::filtered()),
            reason if is_given_up(reason) => Err(LlmError::cut()),
            reason => Ok(CompletionEvent::Finished { is_limited: reason == "length" }),
        };
        if end == Ok(CompletionEvent::Finished { is_limited: false }) {
            events.extend(calls.finish().into_iter().map(|piece| Ok(CompletionEvent::ToolCall(piece))));
        }
        events.push(end);
    }
    let usage = chunk.usage.and_then(Usage::normalised);
    events.extend(usage.map(|usage| Ok(CompletionEvent::Usage(usage))));
    // Each chunk names the model; once is enough.
    let model = chunk.model.filter(|model| is_last && !model.is_empty());
    events.extend(model.map(|model| Ok(CompletionEvent::Model(model))));
    events
}

/// The provider could not go on: so DeepSeek, OpenRouter and vLLM say it, in this order.
/// <https://api-docs.deepseek.com/api/create-chat-completion>, <https://openrouter.ai/docs/api-reference/overview>,
/// <https://github.com/vllm-project/vllm/issues/57082>
fn is_given_up(reason: &str) -> bool {
    matches!(reason, "insufficient_system_resource" | "error" | "abort")
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    model: Option<String>,
    error: Option<ChatError>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    /// As DeepSeek, vLLM and llama.cpp call it.
    reasoning_content: Option<String>,
    /// As OpenRouter and Groq call it.
    reasoning: Option<String>,
    tool_calls: Option<Vec<ToolCallDelta>>,
}

#[derive(Deserialize)]
struct ToolCallDelta {
    index: Option<u32>,
    id: Option<String>,
    function: Option<FunctionDelta>,
}

#[derive(Default, Deserialize)]
struct FunctionDelta {
    name: Option<String>,
    arguments: Option<String>,
}

impl ToolCallDelta {
    fn read(self, calls: &mut ToolCallReader) -> Option<ToolCallPiece> {
        let FunctionDelta { name, arguments } = self.function.unwrap_or_default();
        calls.read(self.index, self.id, name, arguments.unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
    total_tokens: Option<u32>,
    prompt_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    cached_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u32>,
}

impl Usage {
    /// Cached tokens are among the prompt's here, reasoning tokens among the completion's; xAI counts them only in the total.
    /// None when nothing is counted. <https://docs.x.ai/docs/key-information/consumption-and-rate-limits>
    fn normalised(self) -> Option<CountedUsage> {
        let cached = self.prompt_tokens_details.and_then(|details| details.cached_tokens);
        let reasoning = self.completion_tokens_details.and_then(|details| details.reasoning_tokens);
        let input_tokens = self.prompt_tokens?;
        let beside_input = self.total_tokens.map_or(0, |total| total.saturating_sub(input_tokens));
        let output_tokens = self.completion_tokens.map_or(0, |completion| completion.max(beside_input));
        let tokens = TokenUsage {
            input_tokens,
            cached_input_tokens: cached.unwrap_or(0),
            output_tokens,
            reasoning_tokens: reasoning.unwrap_or(0).min(output_tokens),
        };
        Some(CountedUsage { tokens, is_whole: self.completion_tokens.is_some() })
    }
}

/// In a chunk, or instead of an answer. <https://platform.openai.com/docs/guides/error-codes>
#[derive(Deserialize)]
struct ChatError {
    r#type: Option<String>,
    /// A text at OpenAI, a number at llama.cpp and OpenRouter.
    code: Option<Value>,
    /// A text, where there is any.
    param: Option<Value>,
}

impl ChatError {
    fn is_any(&self, names: &[&str]) -> bool {
        let code = self.code.as_ref().and_then(Value::as_str);
        code.into_iter().chain(self.r#type.as_deref()).any(|name| names.contains(&name))
    }
}

impl NamedError for ChatError {
    fn status(&self) -> Option<u16> {
        let code = self.code.as_ref();
        if let Some(number) = code.and_then(Value::as_u64) {
            return u16::try_from(number).ok();
        }
        let code = code.and_then(Value::as_str).unwrap_or_default();
        code.parse().ok().or_else(|| status_of(code)).or_else(|| status_of(self.r#type.as_deref()?))
    }

    fn describe(&self) -> String {
        let code = match &self.code {
            Some(Value::String(code)) => loggable(code).to_owned(),
            Some(Value::Number(code)) => code.to_string(),
            _ => "none".to_owned(),
        };
        format!("type {}, code {code}", self.r#type.as_deref().map_or("none", loggable))
    }

    fn param(&self) -> Option<&str> {
        self.param.as_ref()?.as_str()
    }

    fn refine(&self, error: LlmError) -> LlmError {
        if self.is_any(&FILTERS) {
            return LlmError { detail: error.detail, ..LlmError::filtered() };
        }
        // Who has to pay first is not waited for.
        let is_used_up = self.is_any(&[USED_UP]);
        let is_of_account = error.is_of_account || is_used_up;
        LlmError { is_passing: error.is_passing && !is_used_up, is_of_account, ..error }
    }
}

/// As Azure and OpenAI call a prompt that is not let through.
/// <https://learn.microsoft.com/en-us/azure/ai-services/openai/concepts/content-filter>
const FILTERS: [&str; 2] = ["content_filter", "content_policy_violation"];

/// The account has nothing left. It comes with the status of those who ask too often.
const USED_UP: &str = "insufficient_quota";

/// By the names of OpenAI's codes and types of errors.
fn status_of(name: &str) -> Option<u16> {
    Some(match name {
        "invalid_api_key" | "authentication_error" => 401,
        "model_not_found" | "not_found_error" => 404,
        "rate_limit_exceeded" | "rate_limit_error" | USED_UP | "tokens" | "requests" => 429,
        "server_error" | "internal_server_error" | "api_error" => 500,
        "overloaded" | "overloaded_error" | "service_unavailable" => 503,
        "invalid_request_error" | "context_length_exceeded" => 400,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use app::ModelFailure;
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::providers::llm::transport::refusal;

    fn read(frame: &str) -> Vec<Result<CompletionEvent, LlmError>> {
        parse(frame, &mut ToolCallReader::default())
    }

    #[test]
    fn an_explicit_zero_is_reported_as_zero() {
        let events = read(r#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}"#);
        let usage = CountedUsage { tokens: TokenUsage::default(), is_whole: true };
        assert_eq!(events, [Ok(CompletionEvent::Usage(usage))]);
    }

    #[test]
    fn cached_and_reasoning_tokens_are_counted_once() {
        let events = read(
            r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":7,
                "prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":5}}}"#,
        );
        let tokens =
            TokenUsage { input_tokens: 10, cached_input_tokens: 4, output_tokens: 7, reasoning_tokens: 5 };
        assert_eq!(events, [Ok(CompletionEvent::Usage(CountedUsage { tokens, is_whole: true }))]);
    }

    /// The numbers of <https://github.com/vercel/ai/pull/12425>.
    #[test]
    fn what_is_counted_in_the_total_only_was_written_too() {
        let counts = |usage: Value| {
            let events = read(&json!({ "choices": [], "usage": usage }).to_string());
            let Ok(CompletionEvent::Usage(counted)) = events[0] else { panic!("a count: {events:?}") };
            let TokenUsage { input_tokens, output_tokens, reasoning_tokens, .. } = counted.tokens;
            (input_tokens, output_tokens, reasoning_tokens)
        };
        let usage = |total: u32| {
            json!({
                "prompt_tokens": 12, "completion_tokens": 1, "total_tokens": total,
                "completion_tokens_details": { "reasoning_tokens": 386 },
            })
        };
        assert_eq!(counts(usage(399)), (12, 387, 386));
        assert_eq!(counts(usage(13)), (12, 1, 1), "no more is thought than is written");
        let usual = json!({ "prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17 });
        assert_eq!(counts(usual), (10, 7, 0));
        let odd = json!({ "prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 0 });
        assert_eq!(counts(odd), (10, 7, 0));
    }

    #[test]
    fn reasoning_is_told_from_the_answer() {
        let events = read(r#"{"choices":[{"delta":{"reasoning_content":"hm","content":""}}]}"#);
        assert_eq!(events, [Ok(CompletionEvent::Reasoning("hm".to_owned()))]);
    }

    #[test]
    fn tools_to_be_called_come_in_pieces() {
        let mut calls = ToolCallReader::default();
        let mut pieces = |delta: &str| {
            let frame = format!(r#"{{"choices":[{{"delta":{{"content":null,"tool_calls":[{delta}]}}}}]}}"#);
            parse(&frame, &mut calls)
        };
        let begun =
            pieces(r#"{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}"#);
        let piece = |id: Option<&str>, name: Option<&str>, arguments: &str| {
            let [id, name] = [id, name].map(|text| text.map(str::to_owned));
            let piece = ToolCallPiece { index: 0, id, name, arguments: arguments.to_owned() };
            Ok(CompletionEvent::ToolCall(piece))
        };
        assert_eq!(begun, [piece(Some("call_1"), Some("f"), "")]);
        assert_eq!(pieces(r#"{"index":0,"function":{"arguments":"{}"}}"#), [piece(None, None, "{}")]);
        let end = read(r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#);
        assert_eq!(end, [Ok(CompletionEvent::Finished { is_limited: false })]);
    }

    #[test]
    fn the_model_that_answers_is_named_once() {
        assert_eq!(read(r#"{"model":"m-1","choices":[{"delta":{"role":"assistant"}}]}"#), []);
        let events = read(r#"{"model":"m-1","choices":[{"delta":{},"finish_reason":"stop"}]}"#);
        assert_eq!(events[1], Ok(CompletionEvent::Model("m-1".to_owned())));
    }

    #[test]
    fn a_missing_usage_is_not_a_zero() {
        for usage in ["null", "{}", r#"{"prompt_tokens":null,"completion_tokens":null}"#] {
            let frame = format!(r#"{{"choices":[{{"delta":{{"role":"assistant"}}}}],"usage":{usage}}}"#);
            assert_eq!(read(&frame), [], "{usage}");
        }
    }

    #[test]
    fn an_error_inside_the_stream_is_typed_and_does_not_quote_the_message() {
        let events = read(r#"{"error":{"message":"bad prompt: secret","type":"server_error","code":500}}"#);
        let error = events[0].as_ref().expect_err("an error");
        assert_eq!(error.failure, ModelFailure::Unavailable);
        assert_eq!(error.detail, "error in the stream: type server_error, code 500");
    }

    #[test]
    fn an_error_inside_the_stream_is_told_as_the_same_one_before_it() {
        for (error, failure, is_passing) in [
            (r#"{"code":429}"#, ModelFailure::Overloaded, true),
            (r#"{"code":"503"}"#, ModelFailure::Overloaded, true),
            (r#"{"type":"requests","code":"rate_limit_exceeded"}"#, ModelFailure::Overloaded, true),
            (
                r#"{"type":"invalid_request_error","code":"invalid_api_key"}"#,
                ModelFailure::Unavailable,
                false,
            ),
            (r#"{"type":"invalid_request_error","code":null}"#, ModelFailure::Refused, false),
            (r#"{"type":"odd"}"#, ModelFailure::Interrupted, true),
            (r#"{"code":200}"#, ModelFailure::Interrupted, true),
        ] {
            let told = read(&format!(r#"{{"error":{error}}}"#))[0].clone().expect_err("an error");
            assert_eq!((told.failure, told.is_passing), (failure, is_passing), "{error}");
        }
    }

    fn refused(status: StatusCode, error: Value) -> LlmError {
        refusal::<ChatError>(status, json!({ "error": error }).to_string().as_bytes())
    }

    #[test]
    fn a_filter_that_lets_no_answer_begin_is_told_from_other_refusals() {
        for code in ["content_filter", "content_policy_violation"] {
            let message = "about: my secret";
            let error =
                refused(StatusCode::BAD_REQUEST, json!({ "message": message, "type": null, "code": code }));
            assert_eq!((error.failure, error.is_passing), (ModelFailure::Filtered, false));
            assert_eq!(error.detail, format!("HTTP status 400 Bad Request, type none, code {code}"));
        }
        let other =
            refused(StatusCode::BAD_REQUEST, json!({ "type": "invalid_request_error", "code": null }));
        assert_eq!(other.failure, ModelFailure::Refused);
        let in_stream = read(r#"{"error":{"code":"content_filter"}}"#)[0].clone().expect_err("an error");
        assert_eq!(in_stream.failure, ModelFailure::Filtered);
    }

    #[test]
    fn an_account_with_nothing_left_is_not_one_that_asks_too_often() {
        let quota = json!({ "type": "insufficient_quota", "code": "insufficient_quota" });
        let often = json!({ "type": "requests", "code": "rate_limit_exceeded" });
        for (error, is_passing) in [(quota, false), (often, true)] {
            let error = refused(StatusCode::TOO_MANY_REQUESTS, error);
            assert_eq!((error.failure, error.is_passing), (ModelFailure::Overloaded, is_passing));
            assert_eq!(error.is_of_account, !is_passing);
        }
    }

    #[test]
    fn what_is_said_of_our_account_is_no_refusal_whatever_its_status() {
        for status in [StatusCode::BAD_REQUEST, StatusCode::PAYMENT_REQUIRED, StatusCode::FORBIDDEN] {
            let error =
                refused(status, json!({ "message": "Insufficient Balance", "type": "unknown_error" }));
            assert_eq!((error.failure, error.is_passing), (ModelFailure::Unavailable, false), "{status}");
            assert!(error.is_of_account && !error.detail.contains("Balance"), "{}", error.detail);
        }
    }

    #[test]
    fn the_part_of_a_request_that_is_refused_is_told_if_it_is_a_name() {
        let error = |param: Value| {
            let error =
                json!({ "type": "invalid_request_error", "code": "unsupported_value", "param": param });
            refused(StatusCode::BAD_REQUEST, error)
        };
        let told = error(json!("messages[1].content"));
        assert_eq!(told.param.as_deref(), Some("messages[1].content"));
        assert!(
            told.detail.ends_with("code unsupported_value, param messages[1].content"),
            "{}",
            told.detail
        );
        for param in [json!("my secret"), json!(["my"]), json!(""), Value::Null] {
            let told = error(param);
            assert_eq!(told.param, None);
            assert!(told.detail.ends_with("code unsupported_value"), "{}", told.detail);
        }
    }

    #[test]
    fn a_refusal_that_makes_no_sense_is_told_by_its_status_and_not_quoted() {
        for body in ["", "<html>my secret</html>", r#"{"error":"my secret"}"#] {
            let error = refusal::<ChatError>(StatusCode::SERVICE_UNAVAILABLE, body.as_bytes());
            assert_eq!((error.failure, error.is_passing), (ModelFailure::Overloaded, true), "{body}");
            assert_eq!(error.detail, "HTTP status 503 Service Unavailable");
        }
        let sentence =
            refused(StatusCode::BAD_REQUEST, json!({ "type": "my secret", "code": ["my secret"] }));
        assert_eq!(sentence.detail, "HTTP status 400 Bad Request, type (no name), code none");
    }

    #[test]
    fn what_a_filter_ended_is_not_a_whole_answer() {
        let events = read(r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#);
        assert_eq!(events[0].as_ref().expect_err("an error").failure, ModelFailure::Filtered);
    }

    #[test]
    fn what_the_provider_gave_up_is_not_a_whole_answer() {
        for reason in ["insufficient_system_resource", "error", "abort"] {
            let events =
                read(&format!(r#"{{"choices":[{{"delta":{{"content":"x"}},"finish_reason":"{reason}"}}]}}"#));
            assert_eq!(events[1], Err(LlmError::cut()), "{reason}");
        }
        let unknown = read(r#"{"choices":[{"delta":{},"finish_reason":"eos"}]}"#);
        assert_eq!(unknown, [Ok(CompletionEvent::Finished { is_limited: false })]);
    }

    #[test]
    fn an_empty_reason_ends_nothing() {
        assert_eq!(read(r#"{"choices":[{"delta":{"content":""},"finish_reason":""}]}"#), []);
    }

    #[test]
    fn a_frame_that_is_no_chunk_does_not_reach_the_log() {
        let error = read("my secret")[0].clone().expect_err("an error");
        assert!(!error.detail.contains("secret"));
    }

    #[test]
    fn the_output_cap_is_told_from_a_whole_answer() {
        let events = read(r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"length"}]}"#);
        assert_eq!(events[1], Ok(CompletionEvent::Finished { is_limited: true }));
    }
}
