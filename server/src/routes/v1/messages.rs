//! The messages of a request, as the turns of a conversation.
//! <https://platform.openai.com/docs/api-reference/chat/create#chat_create-messages>

use serde::Deserialize;
use serde_json::{Map, Value};

use super::V1Error;
use super::fields::refuse_what_is_not_done;
use super::tools::{self, Call};
use crate::services::generation::{Speaker, Turn};

#[derive(Deserialize)]
pub(super) struct ChatMessage {
    role: String,
    /// A text, or parts of one.
    content: Option<Value>,
    /// Of the assistant.
    tool_calls: Option<Vec<Call>>,
    /// Of a tool.
    tool_call_id: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// These change nothing of an answer: most are of our own answers, which clients send back as they are, or with what they made
/// of them.
const WITHOUT_EFFECT_IN_MESSAGES: &[&str] = &[
    "annotations",
    "name",
    "parsed",
    "provider_specific_fields",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "refusal",
];

/// Instructions are one text that stands before everything: Anthropic's format has no other place for them. Where nothing
/// else is said, they are what is asked.
///
/// # Errors
/// When no model could answer them.
pub(super) fn conversation(messages: Vec<ChatMessage>) -> Result<(Option<String>, Vec<Turn>), V1Error> {
    let (mut instructions, mut turns) = (Vec::new(), Vec::new());
    for (index, message) in messages.into_iter().enumerate() {
        let place = format!("messages[{index}].");
        refuse_what_is_not_done(&message.rest, WITHOUT_EFFECT_IN_MESSAGES, &place)?;
        match message.role.as_str() {
            "system" | "developer" => instructions.push(text_of(message.content, &place)?),
            "user" => turns.push(Turn::said(Speaker::User, words(message.content, &place)?)),
            "assistant" => turns.extend(answer(message, &place)?),
            "tool" => turns.push(result(message, &place)?),
            _ => {
                let message = "Messages are of the roles system, developer, user, assistant and tool here.";
                return Err(V1Error::invalid(message).about(format!("{place}role")));
            }
        }
    }
    tools::check_results(&turns)?;
    // Some providers refuse blank ones.
    instructions.retain(|text| !text.trim().is_empty());
    let instructions = (!instructions.is_empty()).then(|| instructions.join("\n\n"));
    match instructions {
        Some(asked) if turns.is_empty() => Ok((None, vec![Turn::said(Speaker::User, asked)])),
        instructions if turns.last().is_some_and(tools::can_be_answered) => Ok((instructions, turns)),
        _ => Err(V1Error::invalid("The last message has to be the user's, or a tool's.").about("messages")),
    }
}

/// None, of an answer without a word: it was all thought.
fn answer(message: ChatMessage, place: &str) -> Result<Option<Turn>, V1Error> {
    let tool_calls = tools::calls(message.tool_calls.unwrap_or_default(), place)?;
    let text = text_of(message.content, place)?;
    let is_silent = tool_calls.is_empty() && text.trim().is_empty();
    Ok((!is_silent).then(|| Turn { tool_calls, ..Turn::said(Speaker::Assistant, text) }))
}

fn result(message: ChatMessage, place: &str) -> Result<Turn, V1Error> {
    let Some(id) = message.tool_call_id else {
        let error = V1Error::invalid("A tool message names the call that it is the result of.");
        return Err(error.about(format!("{place}tool_call_id")));
    };
    Ok(Turn::result(id, text_of(message.content, place)?))
}

/// A text that is there: without one, some providers refuse the whole request.
fn words(content: Option<Value>, place: &str) -> Result<String, V1Error> {
    let text = text_of(content, place)?;
    if text.trim().is_empty() {
        return Err(V1Error::invalid("A message has to have a text.").about(format!("{place}content")));
    }
    Ok(text)
}

fn text_of(content: Option<Value>, place: &str) -> Result<String, V1Error> {
    let text = match content {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text),
        Some(Value::Array(parts)) => parts.into_iter().map(text_of_part).collect(),
        Some(_) => Err(no_text()),
    };
    text.map_err(|error| error.about(format!("{place}content")))
}

fn text_of_part(mut part: Value) -> Result<String, V1Error> {
    let text = part.get_mut("text").map(Value::take);
    match (part["type"].as_str(), text) {
        (Some("text"), Some(Value::String(text))) => Ok(text),
        (Some("text") | None, _) => Err(no_text()),
        (Some(_), _) => {
            let error = V1Error::invalid("Only parts of the type `text` can be read here.");
            Err(error.with_code("unsupported_parameter"))
        }
    }
}

fn no_text() -> V1Error {
    V1Error::invalid("The content of a message is a text, or parts of the type `text` with theirs.")
}
