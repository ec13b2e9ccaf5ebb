//! Chat completions on the wire: chunks of a stream, or one object.

use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::openai::error::OpenaiError;
use crate::model::openai::request::ChatRequest;
use crate::model::playback::Frames;
use crate::model::reply::{FinishReason, Reply, Usage};
use crate::model::script::Script;

/// Encodes one chat completion.
pub(crate) struct ChatFrames {
    id: String,
    created: i64,
    model: String,
    finish_reason: &'static str,
    usage: Option<Value>,
    include_usage: bool,
    comments: bool,
    line_end: &'static str,
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
            },
            usage: reply.usage.map(usage),
            include_usage: request.include_usage(),
            comments: script.comments,
            line_end: if script.crlf { "\r\n" } else { "\n" },
        }
    }

    /// The completion as one object.
    pub(crate) fn whole(&self, text: &str) -> String {
        let message = json!({"role": "assistant", "content": text, "refusal": null, "annotations": []});
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
        completion.to_string()
    }

    fn choice(&self, delta: &Value, finish_reason: Option<&str>) -> String {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        self.chunk(json!([choice]), Value::Null)
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
        self.event(&chunk.to_string())
    }

    fn event(&self, data: &str) -> String {
        let end = self.line_end;
        let comment = if self.comments { format!(": keep-alive{end}{end}") } else { String::new() };
        format!("{comment}data: {data}{end}{end}")
    }
}

impl Frames for ChatFrames {
    fn open(&mut self) -> String {
        self.choice(&json!({"role": "assistant", "content": "", "refusal": null}), None)
    }

    fn content(&mut self, text: &str) -> String {
        self.choice(&json!({"content": text}), None)
    }

    fn close(&mut self) -> String {
        let mut frames = self.choice(&json!({}), Some(self.finish_reason));
        if let (true, Some(usage)) = (self.include_usage, &self.usage) {
            frames += &self.chunk(json!([]), usage.clone());
        }
        frames + &self.event("[DONE]")
    }

    fn error(&mut self) -> String {
        let detail = OpenaiError::scripted(500, None).into_detail();
        self.event(&json!({"error": detail}).to_string())
    }
}

fn usage(usage: Usage) -> Value {
    let Usage { prompt_tokens, completion_tokens } = usage;
    json!({
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens.saturating_add(completion_tokens),
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
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
    fn scripts_change_line_ends_and_add_comments() {
        let close = frames(false, &Script { crlf: true, comments: true, ..script() }).close();
        assert!(close.ends_with(": keep-alive\r\n\r\ndata: [DONE]\r\n\r\n"), "{close}");
        assert!(!close.replace("\r\n", "").contains('\n'));
    }
}
