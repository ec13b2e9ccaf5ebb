//! Chat requests. What the sandbox has no use for (logprobs, pictures, …) is accepted and ignored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::journal::ToolResult;
use crate::model::openai::NEWEST_MODEL;
use crate::model::openai::error::OpenaiError;
use crate::model::tokens;

/// The body of a chat request.
#[derive(Debug, Deserialize)]
pub(crate) struct ChatRequest {
    pub(crate) model: String,
    messages: Vec<Message>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    reasoning_effort: Option<Value>,
    reasoning: Option<Value>,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) stop: Option<Value>,
    pub(crate) tools: Option<Value>,
    pub(crate) tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    pub(crate) response_format: Option<Value>,
    #[serde(flatten)]
    pub(crate) hints: Hints,
}

/// Of how the model is to answer, what only this vendor's format knows.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Hints {
    seed: Option<i64>,
    verbosity: Option<String>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Vec<Call>,
    tool_call_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Call {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
}

impl ChatRequest {
    /// Reads a body, refusing what the vendor refuses.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, OpenaiError> {
        let request: Self = serde_json::from_slice(body)
            .map_err(|error| OpenaiError::invalid_request(&format!("Invalid body: {error}."), None))?;
        match request.mistakes().into_iter().find(|(is_made, ..)| *is_made) {
            Some((_, param, message)) => Err(OpenaiError::invalid_request(message, Some(param))),
            None => request.check_sampling(),
        }
    }

    /// Whether each is made, the parameter it is about, and the vendor's words.
    fn mistakes(&self) -> [(bool, &'static str, &'static str); 5] {
        [
            (
                self.messages.is_empty(),
                "messages",
                "Invalid 'messages': empty array. Expected an array with minimum length 1.",
            ),
            (
                self.max_tokens.is_some() && self.is_for_newest_model(),
                "max_tokens",
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            ),
            (
                self.tools.is_none() && (self.tool_choice.is_some() || self.has_parallel_tool_calls()),
                "tool_choice",
                "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
            ),
            (
                !self.every_call_has_its_result(),
                "messages",
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.",
            ),
            (
                self.max_tokens() == Some(0),
                "max_tokens",
                "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1.",
            ),
        ]
    }

    /// The newest model knows one way of choosing its words.
    fn check_sampling(self) -> Result<Self, OpenaiError> {
        let Hints { frequency_penalty, presence_penalty, .. } = self.hints;
        let given = [
            ("temperature", self.temperature.filter(|wanted| *wanted != 1.0)),
            ("top_p", self.top_p),
            ("frequency_penalty", frequency_penalty),
            ("presence_penalty", presence_penalty),
        ];
        match given.into_iter().find(|(_, value)| value.is_some()).filter(|_| self.is_for_newest_model()) {
            Some((name, _)) => Err(OpenaiError::unsupported(name)),
            None => Ok(self),
        }
    }

    fn is_for_newest_model(&self) -> bool {
        self.model == NEWEST_MODEL
    }

    fn has_parallel_tool_calls(&self) -> bool {
        self.parallel_tool_calls.is_some()
    }

    fn every_call_has_its_result(&self) -> bool {
        let mut open: Vec<&str> = vec![];
        for message in &self.messages {
            match &message.tool_call_id {
                Some(id) => match open.iter().position(|call| call == id) {
                    Some(place) => drop(open.remove(place)),
                    None => return false,
                },
                None if !open.is_empty() => return false,
                None => open.extend(message.tool_calls.iter().map(|call| call.id.as_str())),
            }
        }
        open.is_empty()
    }

    /// What calls have come to.
    pub(crate) fn tool_results(&self) -> Vec<ToolResult> {
        let result = |message: &Message| {
            message.tool_call_id.clone().map(|id| ToolResult { id, content: message.text() })
        };
        self.messages.iter().filter_map(result).collect()
    }

    /// Whether the answer is to be streamed.
    pub(crate) fn stream(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// Whether a stream is to end with a chunk that reports usage.
    pub(crate) fn include_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// The cap on the answer, under its new or its old name.
    pub(crate) fn max_tokens(&self) -> Option<u64> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// How much thinking is asked for: the vendor's field, or the object that some compatible ones have.
    pub(crate) fn reasoning(&self) -> Option<&Value> {
        self.reasoning_effort.as_ref().or(self.reasoning.as_ref())
    }

    /// What comes from whoever wrote the program, under its new or its old role.
    pub(crate) fn instructions(&self) -> Option<String> {
        let is_instruction = |message: &&Message| matches!(message.role.as_str(), "system" | "developer");
        let texts: Vec<_> = self.messages.iter().filter(is_instruction).map(Message::text).collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    }

    /// How many messages there are.
    pub(crate) fn message_count(&self) -> usize {
        self.messages.len()
    }

    /// The tokens of all messages together.
    pub(crate) fn prompt_tokens(&self) -> u64 {
        self.messages.iter().map(|message| tokens::count(&message.text())).sum()
    }

    /// The text of the last message by the user; empty without one.
    pub(crate) fn last_user_message(&self) -> String {
        self.messages.iter().rfind(|message| message.role == "user").map(Message::text).unwrap_or_default()
    }
}

impl Message {
    fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts.iter().filter_map(|part| part.text.as_deref()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(body: &Value) -> Result<ChatRequest, OpenaiError> {
        ChatRequest::parse(body.to_string().as_bytes())
    }

    #[test]
    fn the_last_user_message_is_found_in_either_form() {
        let parts = json!([
            {"type": "text", "text": "what is "},
            {"type": "image_url", "image_url": {"url": "data:,"}},
            {"type": "text", "text": "this?"}
        ]);
        let request = parse(&json!({"model": "m", "temperature": 0.5, "messages": [
            {"role": "user", "content": "first"},
            {"role": "user", "content": parts},
            {"role": "assistant", "content": null}
        ]}));
        assert_eq!(request.unwrap().last_user_message(), "what is this?");
    }

    #[test]
    fn instructions_are_told_from_the_conversation() {
        let said = |role: &str, content: &str| json!({"role": role, "content": content});
        let asked = |messages: Value| parse(&json!({"model": "m", "messages": messages})).unwrap();
        assert_eq!(asked(json!([said("user", "hi")])).instructions(), None);
        let request =
            asked(json!([said("system", "be brief"), said("developer", "be kind"), said("user", "hi")]));
        assert_eq!(request.instructions().as_deref(), Some("be brief\nbe kind"));
    }

    #[test]
    fn either_name_of_the_cap_is_read() {
        let messages = json!([{"role": "user", "content": "hi"}]);
        let cap = |field: &str| parse(&json!({"model": "m", "messages": messages, field: 7})).unwrap();
        assert_eq!(cap("max_tokens").max_tokens(), Some(7));
        assert_eq!(cap("max_completion_tokens").max_tokens(), Some(7));
    }

    #[test]
    fn bad_requests_are_refused() {
        let messages = json!([{"role": "user", "content": "hi"}]);
        for body in [
            json!({"model": "m"}),
            json!({"model": "m", "messages": []}),
            json!({"model": "m", "messages": messages, "max_tokens": 0}),
            json!({"model": "m", "messages": messages, "max_tokens": -1}),
            json!({"model": NEWEST_MODEL, "messages": messages, "max_tokens": 7}),
            json!({"model": NEWEST_MODEL, "messages": messages, "temperature": 0.5}),
            json!({"model": NEWEST_MODEL, "messages": messages, "top_p": 1}),
            json!({"model": NEWEST_MODEL, "messages": messages, "presence_penalty": 0}),
            json!({"model": "m", "messages": messages, "tool_choice": "none"}),
            json!({"model": "m", "messages": [{"role": "tool", "tool_call_id": "c1", "content": "42"}]}),
            json!({"model": "m", "messages": [{"role": "assistant", "tool_calls": [{"id": "c1"}]}, messages[0]]}),
        ] {
            assert!(parse(&body).is_err(), "{body}");
        }
    }
}
