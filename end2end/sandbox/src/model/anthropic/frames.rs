//! Messages on the wire: the events of a stream, or one object.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::anthropic::error::AnthropicError;
use crate::model::playback::Frames;
use crate::model::reply::{FinishReason, Reply, ToolCall, Usage};
use crate::model::script::Script;
use crate::model::sse::EventWriter;

/// Vendors sign what was thought. Nobody checks this one.
const SIGNATURE: &str = "c2FuZGJveC1zaWduYXR1cmU=";

/// Encodes one message.
pub(crate) struct MessageFrames {
    id: String,
    model: String,
    stop_reason: &'static str,
    usage: Option<Usage>,
    usage_first: bool,
    events: EventWriter,
    /// The block that is open.
    block: Option<Block>,
    /// How many blocks are closed: the index of the open one.
    closed_blocks: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Thinking,
    Text,
    ToolUse,
}

impl MessageFrames {
    /// Frames for the answer of a model.
    pub(crate) fn new(model: &str, reply: &Reply, script: &Script) -> Self {
        Self {
            id: format!("msg_{}", Uuid::new_v4().simple()),
            model: model.to_owned(),
            stop_reason: match reply.finish_reason {
                FinishReason::Stop => "end_turn",
                FinishReason::Length => "max_tokens",
                FinishReason::Filter => "refusal",
                FinishReason::ToolCalls => "tool_use",
            },
            usage: reply.usage,
            usage_first: script.usage_first,
            events: EventWriter::new(script),
            block: None,
            closed_blocks: 0,
        }
    }

    fn message(&self, content: &Value, stop_reason: Option<&str>, usage: Option<Usage>) -> Value {
        let mut message = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": null,
        });
        if let Some(usage) = usage {
            message["usage"] = full_usage(usage);
        }
        message
    }

    /// An event of the type that the data names.
    fn event(&self, data: &Value) -> String {
        self.events.event(data["type"].as_str(), &data.to_string())
    }

    fn delta(&self, delta: &Value) -> Value {
        json!({"type": "content_block_delta", "index": self.closed_blocks, "delta": delta})
    }

    /// A chunk, in a block of its kind.
    fn chunk(&mut self, block: Block, delta: &Value) -> String {
        let frames = self.enter(block);
        let data = self.delta(delta);
        frames + &self.events.chunk(data["type"].as_str(), &data.to_string())
    }

    fn enter(&mut self, block: Block) -> String {
        if self.block == Some(block) {
            return String::new();
        }
        let content = match block {
            Block::Thinking => json!({"type": "thinking", "thinking": "", "signature": ""}),
            Block::Text | Block::ToolUse => json!({"type": "text", "text": ""}),
        };
        self.begin(block, &content)
    }

    fn begin(&mut self, block: Block, content: &Value) -> String {
        let mut frames = self.leave();
        self.block = Some(block);
        let index = self.closed_blocks;
        frames +=
            &self.event(&json!({"type": "content_block_start", "index": index, "content_block": content}));
        if index == 0 {
            frames += &self.event(&json!({"type": "ping"}));
        }
        frames
    }

    fn leave(&mut self) -> String {
        let mut frames = String::new();
        let Some(block) = self.block.take() else { return frames };
        if block == Block::Thinking {
            let signature = json!({"type": "signature_delta", "signature": SIGNATURE});
            frames += &self.event(&self.delta(&signature));
        }
        frames += &self.event(&json!({"type": "content_block_stop", "index": self.closed_blocks}));
        self.closed_blocks += 1;
        frames
    }
}

impl Frames for MessageFrames {
    fn open(&mut self) -> String {
        // The vendor counts the first token before it has said anything, and the rest only at the end.
        let most = if self.usage_first { u64::MAX } else { 1 };
        let counted = |usage: Usage| Usage { completion_tokens: usage.completion_tokens.min(most), ..usage };
        let message = self.message(&json!([]), None, self.usage.map(counted));
        self.event(&json!({"type": "message_start", "message": message}))
    }

    fn reasoning(&mut self, text: &str) -> String {
        self.chunk(Block::Thinking, &json!({"type": "thinking_delta", "thinking": text}))
    }

    fn text(&mut self, text: &str) -> String {
        self.chunk(Block::Text, &json!({"type": "text_delta", "text": text}))
    }

    /// Each call is a block of its own.
    fn call(&mut self, id: &str, name: &str) -> String {
        self.begin(Block::ToolUse, &json!({"type": "tool_use", "id": id, "name": name, "input": {}}))
    }

    fn arguments(&mut self, text: &str) -> String {
        let data = self.delta(&json!({"type": "input_json_delta", "partial_json": text}));
        self.events.chunk(data["type"].as_str(), &data.to_string())
    }

    fn close(&mut self) -> String {
        let delta = json!({"stop_reason": self.stop_reason, "stop_sequence": null});
        let mut message_delta = json!({"type": "message_delta", "delta": delta});
        if let Some(usage) = self.usage {
            message_delta["usage"] = json!({"output_tokens": usage.completion_tokens});
        }
        self.leave() + &self.event(&message_delta) + &self.event(&json!({"type": "message_stop"}))
    }

    fn error(&mut self) -> String {
        self.event(&AnthropicError::scripted(529, None).to_event())
    }

    fn whole(&self, reasoning: &str, text: &str, calls: &[ToolCall]) -> String {
        let mut content = Vec::new();
        if !reasoning.is_empty() {
            content.push(json!({"type": "thinking", "thinking": reasoning, "signature": SIGNATURE}));
        }
        if !text.is_empty() {
            content.push(json!({"type": "text", "text": text}));
        }
        content.extend(calls.iter().map(|ToolCall { id, name, arguments }| {
            let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }));
        let message = self.message(&json!(content), Some(self.stop_reason), self.usage);
        self.events.whole(&message.to_string())
    }
}

/// The vendor's input tokens are those that the cache did not have.
fn full_usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.prompt_tokens.saturating_sub(usage.cached_tokens),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::script::{NamedUsage, UsageReport};

    fn frames(script: &Script) -> MessageFrames {
        let script = Script { text: Some("hello".into()), ..script.clone() };
        MessageFrames::new("claude-sandbox", &Reply::write("hi", 10, None, &script), &script)
    }

    /// The data of events, each of which has to be named by its type.
    fn events(stream: &str) -> Vec<Value> {
        let event = |event: &str| {
            let (name, data) = event.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
            data
        };
        stream.split_terminator("\n\n").map(event).collect()
    }

    fn types(events: &[Value]) -> Vec<&str> {
        events.iter().filter_map(|event| event["type"].as_str()).collect()
    }

    #[test]
    fn a_message_is_told_as_the_vendor_tells_it() {
        let mut frames = frames(&Script { cached_tokens: Some(4), ..Script::default() });
        let events = events(&(frames.open() + &frames.text("hel") + &frames.text("lo") + &frames.close()));
        let expected = [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ];
        assert_eq!(types(&events), expected);
        let usage = json!({"input_tokens": 6, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 4, "output_tokens": 1});
        assert_eq!(events[0]["message"]["usage"], usage);
        assert_eq!(events[4]["delta"], json!({"type": "text_delta", "text": "lo"}));
        assert_eq!(events[6]["delta"]["stop_reason"], "end_turn");
        assert_eq!(events[6]["usage"], json!({"output_tokens": 2}));
    }

    #[test]
    fn thinking_is_a_signed_block_before_the_text() {
        let mut frames = frames(&Script { reasoning: Some("so".into()), ..Script::default() });
        let events = events(&(frames.reasoning("so") + &frames.text("hello") + &frames.close()));
        let blocks: Vec<(&Value, &Value)> =
            events.iter().map(|event| (&event["index"], &event["delta"]["type"])).collect();
        assert_eq!(events[0]["content_block"]["type"], "thinking");
        assert_eq!(blocks[2], (&json!(0), &json!("thinking_delta")));
        assert_eq!(blocks[3], (&json!(0), &json!("signature_delta")));
        assert_eq!((blocks[4].0, &events[4]["type"]), (&json!(0), &json!("content_block_stop")));
        assert_eq!((blocks[5].0, &events[5]["content_block"]["type"]), (&json!(1), &json!("text")));
        assert_eq!(blocks[6], (&json!(1), &json!("text_delta")));
        let whole: Value = serde_json::from_str(&frames.whole("so", "hello", &[])).unwrap();
        let text = json!({"type": "text", "text": "hello"});
        assert_eq!((&whole["content"][0]["thinking"], &whole["content"][1]), (&json!("so"), &text));
    }

    #[test]
    fn each_call_is_a_block_of_its_own() {
        let mut frames = frames(&Script::default());
        let stream =
            frames.text("wait") + &frames.call("t1", "f") + &frames.arguments("{}") + &frames.call("t2", "g");
        let events = events(&stream);
        let begun: Vec<_> = events
            .iter()
            .filter(|event| event["type"] == "content_block_start")
            .map(|event| (event["index"].as_u64(), event["content_block"]["name"].as_str()))
            .collect();
        assert_eq!(begun, [(Some(0), None), (Some(1), Some("f")), (Some(2), Some("g"))]);
    }

    #[test]
    fn usage_can_be_missing_everywhere() {
        let usage = UsageReport::Named(NamedUsage::Missing);
        let mut frames = frames(&Script { usage, ..Script::default() });
        let stream = frames.open() + &frames.text("hello") + &frames.close();
        assert!(!stream.contains("usage") && !frames.whole("", "hello", &[]).contains("usage"));
    }

    #[test]
    fn an_error_in_the_stream_is_an_event() {
        let error = json!({"type": "overloaded_error", "message": "Overloaded"});
        assert_eq!(events(&frames(&Script::default()).error()), [json!({"type": "error", "error": error})]);
    }
}
