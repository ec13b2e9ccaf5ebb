//! Chat completions on the wire: chunks of a stream, or one object.

use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::openai::error::OpenaiError;
use crate::model::openai::request::ChatRequest;
use crate::model::playback::Frames;
use crate::model::reply::{FinishReason, Reply, ToolCall, Usage};
use crate::model::script::Script;
use crate::model::sse::EventWriter;

/// Encodes one chat completion.
pub(crate) struct ChatFrames {
    id: String,
    created: i64,
    model: String,
    finish_reason: &'static str,
    usage: Option<Value>,
    include_usage: bool,
    usage_first: bool,
    events: EventWriter,
    /// Calls begun so far.
    calls: usize,
}

impl ChatFrames {
    /// Frames for the answer to one request.
    pub(crate) fn new(request: &ChatRequest, reply: &Reply, script: &Script) -> Self {
        Self {
            id: format!("chatcmpl-{}", Uuid::new_v4().simple()),
            created: Utc::now().timestamp(),
            model: request.model.clone(),
            finish_reason: match reply.finish_reason {
                FinishReason::Stop => "stop",
                FinishReason::Length => "length",
                FinishReason::Filter => "content_filter",
                FinishReason::ToolCalls => "tool_calls",
            },
            usage: reply.usage.map(usage),
            include_usage: request.include_usage(),
            usage_first: script.usage_first,
            events: EventWriter::new(script),
            calls: 0,
        }
    }

    fn choice(&self, delta: &Value, finish_reason: Option<&str>) -> String {
        self.choice_and_usage(delta, finish_reason, Value::Null)
    }

    fn choice_and_usage(&self, delta: &Value, finish_reason: Option<&str>, usage: Value) -> String {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        self.chunk(json!([choice]), usage)
    }

    fn chunk(&self, choices: Value, usage: Value) -> String {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": null,
            "choices": choices,
        });
        // As the vendor does: whoever asked for usage gets `null` until it is known.
        if self.include_usage {
            chunk["usage"] = usage;
        }
        chunk.to_string()
    }

    fn event(&self, data: &str) -> String {
        self.events.event(None, data)
    }
}

impl Frames for ChatFrames {
    fn open(&mut self) -> String {
        let usage = self.usage.clone().filter(|_| self.usage_first).unwrap_or_default();
        let delta = json!({"role": "assistant", "content": "", "refusal": null});
        self.event(&self.choice_and_usage(&delta, None, usage))
    }

    fn reasoning(&mut self, text: &str) -> String {
        // Not the vendor's own, but what those compatible with it send, the `null` included.
        let chunk = self.choice(&json!({"reasoning_content": text, "content": null}), None);
        self.events.chunk(None, &chunk)
    }

    fn text(&mut self, text: &str) -> String {
        let chunk = self.choice(&json!({"content": text}), None);
        self.events.chunk(None, &chunk)
    }

    fn call(&mut self, id: &str, name: &str) -> String {
        self.calls += 1;
        let mut call = called(id, name, "");
        call["index"] = json!(self.calls - 1);
        let chunk = self.choice(&json!({"tool_calls": [call]}), None);
        self.events.chunk(None, &chunk)
    }

    fn arguments(&mut self, text: &str) -> String {
        let call = json!({"index": self.calls.saturating_sub(1), "function": {"arguments": text}});
        let chunk = self.choice(&json!({"tool_calls": [call]}), None);
        self.events.chunk(None, &chunk)
    }

    fn close(&mut self) -> String {
        let mut frames = self.event(&self.choice(&json!({}), Some(self.finish_reason)));
        if let (true, Some(usage)) = (self.include_usage, &self.usage) {
            frames += &self.event(&self.chunk(json!([]), usage.clone()));
        }
        frames + &self.event("[DONE]")
    }

    fn error(&mut self) -> String {
        let detail = OpenaiError::scripted(500, None).into_detail();
        self.event(&json!({"error": detail}).to_string())
    }

    fn whole(&self, reasoning: &str, text: &str, calls: &[ToolCall]) -> String {
        let mut message = json!({"role": "assistant", "content": text, "refusal": null, "annotations": []});
        if !reasoning.is_empty() {
            message["reasoning_content"] = json!(reasoning);
        }
        if !calls.is_empty() {
            let call = |call: &ToolCall| called(&call.id, &call.name, &call.arguments);
            message["tool_calls"] = calls.iter().map(call).collect();
        }
        let mut completion = json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [
                {"index": 0, "message": message, "logprobs": null, "finish_reason": self.finish_reason}
            ],
            "system_fingerprint": null,
        });
        if let Some(usage) = &self.usage {
            completion["usage"] = usage.clone();
        }
        self.events.whole(&completion.to_string())
    }
}

fn called(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn usage(usage: Usage) -> Value {
    let Usage { prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens } = usage;
    json!({
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens.saturating_add(completion_tokens),
        "prompt_tokens_details": {"cached_tokens": cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens, "audio_tokens": 0},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(include_usage: bool, script: &Script) -> ChatFrames {
        let body = json!({"model": "sandbox-small", "messages": [{"role": "user", "content": "hi"}],
            "stream": true, "stream_options": {"include_usage": include_usage}});
        let request = ChatRequest::parse(body.to_string().as_bytes()).unwrap();
        ChatFrames::new(&request, &Reply::write("hi", 1, None, script), script)
    }

    fn script() -> Script {
        Script { text: Some("hello".into()), ..Script::default() }
    }

    #[test]
    fn usage_comes_last_and_only_when_asked_for() {
        let with_usage = frames(true, &script()).close();
        let events: Vec<&str> = with_usage.split_terminator("\n\n").collect();
        assert!(events[0].contains(r#""finish_reason":"stop""#) && events[0].contains(r#""usage":null"#));
        assert!(events[1].contains(r#""choices":[]"#) && events[1].contains(r#""completion_tokens":2"#));
        assert_eq!(events[2], "data: [DONE]");
        let without_usage = frames(false, &script()).close();
        assert!(!without_usage.contains("usage") && without_usage.ends_with("data: [DONE]\n\n"));
    }

    #[test]
    fn calls_are_numbered_and_named_once() {
        let mut frames = frames(false, &script());
        assert!(frames.call("c1", "f").contains(r#""index":0"#));
        let second = frames.call("c2", "g");
        assert!(second.contains(r#""index":1"#) && second.contains(r#""name":"g""#), "{second}");
        let arguments = frames.arguments("{}");
        assert!(arguments.contains(r#""index":1"#) && !arguments.contains("name"), "{arguments}");
    }

    #[test]
    fn reasoning_and_cached_tokens_have_their_fields() {
        let script = Script {
            reasoning: Some("so".into()),
            cached_tokens: Some(7),
            reasoning_tokens: Some(9),
            ..script()
        };
        let mut frames = frames(true, &script);
        assert!(frames.reasoning("so").contains(r#""reasoning_content":"so""#));
        assert!(!frames.text("hello").contains("reasoning_content"));
        let whole: Value = serde_json::from_str(&frames.whole("so", "hello", &[])).unwrap();
        assert_eq!(whole["choices"][0]["message"]["reasoning_content"], "so");
        assert_eq!(whole["usage"]["prompt_tokens_details"]["cached_tokens"], 7);
        assert_eq!(whole["usage"]["completion_tokens_details"]["reasoning_tokens"], 9);
        assert_eq!(whole["usage"]["completion_tokens"], 11);
    }
}
