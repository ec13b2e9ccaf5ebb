//! Message requests. What the sandbox has no use for (metadata, containers, …) is accepted and ignored.

use serde::Deserialize;
use serde_json::Value;

use crate::model::anthropic::error::AnthropicError;
use crate::model::journal::ToolResult;
use crate::model::tokens;

const LEAST_THINKING_BUDGET: u64 = 1024;

/// The body of a message request.
#[derive(Debug, Deserialize)]
pub(crate) struct MessagesRequest {
    pub(crate) model: String,
    pub(crate) max_tokens: u64,
    messages: Vec<Message>,
    system: Option<Content>,
    stream: Option<bool>,
    thinking: Option<Value>,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) stop_sequences: Option<Value>,
    pub(crate) tools: Option<Value>,
    pub(crate) tool_choice: Option<Value>,
    pub(crate) output_config: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    content: Content,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

/// Any block: text has a text, images and others do not.
#[derive(Debug, Deserialize)]
struct Block {
    #[serde(default, rename = "type")]
    kind: String,
    text: Option<String>,
    /// Of a call.
    id: Option<String>,
    input: Option<Value>,
    /// Of the result of one.
    tool_use_id: Option<String>,
    content: Option<Value>,
}

impl MessagesRequest {
    /// Reads a body, refusing what the vendor refuses.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, AnthropicError> {
        let request: Self = serde_json::from_slice(body)
            .map_err(|error| AnthropicError::invalid_request(&format!("Invalid body: {error}")))?;
        match request.check() {
            Ok(()) => Ok(request),
            Err(message) => Err(AnthropicError::invalid_request(message)),
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        let Some(((first, rest), last)) = self.messages.split_first().zip(self.messages.last()) else {
            return Err("messages: at least one message is required");
        };
        let is_known_role = |message: &Message| matches!(message.role.as_str(), "user" | "assistant");
        let ends_in_space = |message: &Message| message.content.text().ends_with(char::is_whitespace);
        let rules = [
            (self.max_tokens > 0, "max_tokens: Input should be greater than or equal to 1"),
            (
                self.messages.iter().all(is_known_role),
                "messages: Unexpected role. The roles are \"user\" and \"assistant\"; \"system\" is a parameter.",
            ),
            (first.role == "user", "messages: first message must use the \"user\" role"),
            (
                !first.content.is_empty() && rest.iter().all(|message| !message.content.is_empty()),
                "messages: all messages must have non-empty content",
            ),
            (
                last.role != "assistant" || !ends_in_space(last),
                "messages: final assistant content cannot end with trailing whitespace",
            ),
            (
                self.every_call_has_its_result(),
                "messages: `tool_use` ids were found without `tool_result` blocks immediately after, or the other way round",
            ),
            (
                self.calls().all(|call| call.input.as_ref().is_some_and(Value::is_object)),
                "messages: tool_use.input: Input should be a valid dictionary",
            ),
            (
                self.output_config.as_ref().is_none_or(|config| is_closed(&config["format"]["schema"])),
                "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
            ),
            (
                self.input_schemas().all(|schema| schema["type"] == "object"),
                "tools.0.custom.input_schema.type: Field required",
            ),
            (
                self.tool_choice.is_none() || self.tools.is_some(),
                "tool_choice: may only be specified while providing tools",
            ),
            (
                self.temperature.is_none_or(|temperature| (0.0..=1.0).contains(&temperature)),
                "temperature: range: 0..1",
            ),
            (
                self.temperature.is_none() || self.top_p.is_none(),
                "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
            ),
            (
                self.stops().all(|stop| !stop.trim().is_empty()),
                "stop_sequences: each stop sequence must contain non-whitespace",
            ),
            (
                self.thinking_budget().is_none_or(|budget| budget >= LEAST_THINKING_BUDGET),
                "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
            ),
            (
                self.thinking_budget().is_none_or(|budget| budget < self.max_tokens),
                "`max_tokens` must be greater than `thinking.budget_tokens`",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, message)| Err(message))
    }

    fn stops(&self) -> impl Iterator<Item = &str> {
        let stops = self.stop_sequences.as_ref().and_then(Value::as_array);
        stops.into_iter().flatten().filter_map(Value::as_str)
    }

    fn input_schemas(&self) -> impl Iterator<Item = &Value> {
        let tools = self.tools.as_ref().and_then(Value::as_array);
        tools.into_iter().flatten().map(|tool| &tool["input_schema"])
    }

    fn calls(&self) -> impl Iterator<Item = &Block> {
        self.messages
            .iter()
            .flat_map(|message| message.content.blocks())
            .filter(|block| block.kind == "tool_use")
    }

    /// All of them in the next message, before anything else.
    fn every_call_has_its_result(&self) -> bool {
        let mut called: Vec<&str> = vec![];
        for message in &self.messages {
            let blocks = message.content.blocks();
            let results: Vec<_> = blocks.iter().map_while(|block| block.tool_use_id.as_deref()).collect();
            let is_all = blocks.iter().filter(|block| block.tool_use_id.is_some()).count() == results.len();
            if !is_all || results.len() != called.len() || !called.iter().all(|id| results.contains(id)) {
                return false;
            }
            called = blocks
                .iter()
                .filter(|block| block.kind == "tool_use")
                .filter_map(|block| block.id.as_deref())
                .collect();
        }
        called.is_empty()
    }

    /// What calls have come to.
    pub(crate) fn tool_results(&self) -> Vec<ToolResult> {
        let blocks = self.messages.iter().flat_map(|message| message.content.blocks());
        let result = |block: &Block| {
            let content = block.content.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
            block.tool_use_id.clone().map(|id| ToolResult { id, content })
        };
        blocks.filter_map(result).collect()
    }

    /// Whether the answer is to be streamed.
    pub(crate) fn stream(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// What the request says about thinking.
    pub(crate) fn thinking(&self) -> Option<&Value> {
        self.thinking.as_ref()
    }

    /// The system prompt.
    pub(crate) fn instructions(&self) -> Option<String> {
        self.system.as_ref().map(Content::text)
    }

    /// How many messages there are.
    pub(crate) fn message_count(&self) -> usize {
        self.messages.len()
    }

    /// The tokens of the system prompt and all messages together.
    pub(crate) fn prompt_tokens(&self) -> u64 {
        let contents = self.messages.iter().map(|message| &message.content).chain(&self.system);
        contents.map(|content| tokens::count(&content.text())).sum()
    }

    /// The text of the last message by the user; empty without one.
    pub(crate) fn last_user_message(&self) -> String {
        // What tools have come to is sent as the user's, too.
        let is_said = |message: &&Message| message.role == "user" && !message.content.text().is_empty();
        let last = self.messages.iter().rfind(is_said);
        last.map(|message| message.content.text()).unwrap_or_default()
    }

    fn thinking_budget(&self) -> Option<u64> {
        self.thinking.as_ref().filter(|thinking| thinking["type"] == "enabled")?["budget_tokens"].as_u64()
    }
}

/// Every object of the schema names all that there may be.
fn is_closed(schema: &Value) -> bool {
    let is_open_object = schema["type"] == "object" && schema["additionalProperties"] != false;
    let within = schema.as_object().map(|fields| fields.values().all(is_closed));
    let items = schema.as_array().map(|items| items.iter().all(is_closed));
    !is_open_object && within.unwrap_or(true) && items.unwrap_or(true)
}

impl Content {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Blocks(blocks) => blocks.iter().filter_map(|block| block.text.as_deref()).collect(),
        }
    }

    fn blocks(&self) -> &[Block] {
        match self {
            Self::Text(_) => &[],
            Self::Blocks(blocks) => blocks,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Blocks(blocks) => {
                blocks.is_empty() || blocks.iter().any(|block| block.text.as_deref() == Some(""))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A good request with some fields replaced.
    fn parse(fields: Value) -> Result<MessagesRequest, AnthropicError> {
        let mut body =
            json!({"model": "m", "max_tokens": 2000, "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        MessagesRequest::parse(body.to_string().as_bytes())
    }

    #[test]
    fn text_is_found_in_either_form() {
        let blocks = json!([
            {"type": "text", "text": "what is ", "cache_control": {"type": "ephemeral"}},
            {"type": "image", "source": {"type": "url", "url": "https://example.test"}},
            {"type": "text", "text": "this?"}
        ]);
        let messages = json!([
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "ok"},
            {"role": "user", "content": blocks}
        ]);
        let request =
            parse(json!({"messages": messages, "system": [{"type": "text", "text": "brief"}]})).unwrap();
        assert_eq!(request.last_user_message(), "what is this?");
        assert_eq!((request.prompt_tokens(), request.message_count()), (2 + 1 + 4 + 2, 3));
        assert_eq!(request.instructions().as_deref(), Some("brief"));
    }

    #[test]
    fn bad_requests_are_refused() {
        let said = |role: &str, content: Value| json!({"role": role, "content": content});
        let user = said("user", json!("hi"));
        let called = said("assistant", json!([{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]));
        let result = json!({"type": "tool_result", "tool_use_id": "t1", "content": "42"});
        let text = json!({"type": "text", "text": "well?"});
        for bad in [
            json!({"max_tokens": null}),
            json!({"max_tokens": 0}),
            json!({"messages": []}),
            json!({"messages": [said("system", json!("be brief")), user]}),
            json!({"messages": [said("assistant", json!("hello")), user]}),
            json!({"messages": [user, said("assistant", json!(""))]}),
            json!({"messages": [said("user", json!([{"type": "text", "text": ""}]))]}),
            json!({"messages": [user, said("assistant", json!("and then "))]}),
            json!({"temperature": 1.1}),
            json!({"temperature": 1, "top_p": 1}),
            json!({"stop_sequences": ["END", "\n"]}),
            json!({"tool_choice": {"type": "any"}}),
            json!({"tools": [{"name": "f", "input_schema": {}}]}),
            json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}),
            json!({"messages": [user, called, user]}),
            json!({"messages": [user, called, said("user", json!([text, result]))]}),
            json!({"messages": [said("user", json!([result]))]}),
            json!({"thinking": {"type": "enabled", "budget_tokens": 100}}),
            json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        ] {
            assert!(parse(bad.clone()).is_err(), "{bad}");
        }
        assert!(parse(json!({"thinking": {"type": "enabled", "budget_tokens": 1024}})).is_ok());
        let whole = parse(json!({"messages": [user, called, said("user", json!([result]))]})).unwrap();
        assert_eq!(whole.last_user_message(), "hi");
        assert_eq!(whole.tool_results()[0].content, "42");
    }
}
