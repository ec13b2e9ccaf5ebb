//! The tools of a request, the calls that earlier answers made of them, and what those came to.
//! <https://platform.openai.com/docs/guides/function-calling>

use app::types::ToolCall;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::V1Error;
use crate::services::generation::{Function, Speaker, ToolChoice, Tools, Turn};

#[derive(Deserialize)]
pub(super) struct Tool {
    r#type: String,
    function: Option<GivenFunction>,
}

#[derive(Deserialize)]
struct GivenFunction {
    name: String,
    description: Option<String>,
    parameters: Option<Box<RawValue>>,
    strict: Option<bool>,
}

/// A call as an answer of ours had it, or another provider's.
#[derive(Deserialize)]
pub(super) struct Call {
    id: String,
    function: Option<CalledFunction>,
}

#[derive(Deserialize)]
struct CalledFunction {
    name: String,
    /// A text with JSON in it.
    arguments: Option<Value>,
}

/// Tools of a request, and calls of a message.
const MOST: usize = 128;
const LONGEST_NAME: usize = 64;

/// # Errors
/// When they are none that a model can be given.
pub(super) fn tools(
    tools: Vec<Tool>,
    choice: Option<Value>,
    is_parallel: Option<bool>,
) -> Result<Tools, V1Error> {
    if tools.len() > MOST {
        return Err(V1Error::invalid(format!("There can be {MOST} tools.")).about("tools"));
    }
    let functions = tools.into_iter().enumerate().map(|(index, tool)| function(index, tool));
    let functions = functions.collect::<Result<Vec<_>, _>>()?;
    let choice = choice.map_or(Ok(ToolChoice::Auto), |choice| chosen(&choice, &functions))?;
    Ok(Tools { functions, choice, is_parallel })
}

fn function(index: usize, tool: Tool) -> Result<Function, V1Error> {
    let place = format!("tools[{index}]");
    let Some(function) = tool.function.filter(|_| tool.r#type == "function") else {
        let error = V1Error::invalid("Only tools of the type `function` can be called here.");
        return Err(error.about(place).with_code("unsupported_parameter"));
    };
    if !is_name(&function.name) {
        let message = format!(
            "The name of a function is of letters, digits, `_` and `-`, and has {LONGEST_NAME} of them at most."
        );
        return Err(V1Error::invalid(message).about(format!("{place}.function.name")));
    }
    let Some(parameters) = schema_of(function.parameters) else {
        let error = V1Error::invalid("The parameters of a function are a JSON Schema, which is an object.");
        return Err(error.about(format!("{place}.function.parameters")));
    };
    let GivenFunction { name, description, strict, .. } = function;
    Ok(Function { name, description, parameters, strict })
}

/// Some providers refuse a function that does not say of itself that it has no parameters.
fn schema_of(parameters: Option<Box<RawValue>>) -> Option<Box<RawValue>> {
    let is_empty = |schema: &RawValue| {
        schema.get().bytes().all(|byte| matches!(byte, b'{' | b'}') || byte.is_ascii_whitespace())
    };
    match parameters.filter(|given| !is_empty(given)) {
        Some(given) => is_object(&given).then_some(given),
        None => RawValue::from_string(r#"{"type":"object","properties":{}}"#.to_owned()).ok(),
    }
}

pub(super) fn is_object(json: &RawValue) -> bool {
    json.get().starts_with('{')
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn chosen(choice: &Value, functions: &[Function]) -> Result<ToolChoice, V1Error> {
    let wrong = |message: &str| Err(V1Error::invalid(message).about("tool_choice"));
    match (choice.as_str(), choice["function"]["name"].as_str()) {
        (Some("auto"), _) => Ok(ToolChoice::Auto),
        (Some("none"), _) => Ok(ToolChoice::None),
        (Some("required"), _) if functions.is_empty() => wrong("A tool can only be required of `tools`."),
        (Some("required"), _) => Ok(ToolChoice::Required),
        (_, Some(name)) if functions.iter().any(|known| known.name == name) => {
            Ok(ToolChoice::Function(name.to_owned()))
        }
        (_, Some(_)) => wrong("There is no such function among `tools`."),
        _ => wrong("`tool_choice` is `auto`, `none`, `required`, or a function by its name."),
    }
}

/// # Errors
/// When a provider would refuse them.
pub(super) fn calls(calls: Vec<Call>, place: &str) -> Result<Vec<ToolCall>, V1Error> {
    if calls.len() > MOST {
        let error = V1Error::invalid(format!("A message can have {MOST} calls."));
        return Err(error.about(format!("{place}tool_calls")));
    }
    let call = |(index, call)| to_call(call, &format!("{place}tool_calls[{index}]"));
    calls.into_iter().enumerate().map(call).collect()
}

fn to_call(call: Call, place: &str) -> Result<ToolCall, V1Error> {
    let Some(CalledFunction { name, arguments }) = call.function else {
        let error = V1Error::invalid("Only calls of functions can be read here.");
        return Err(error.about(place).with_code("unsupported_parameter"));
    };
    let arguments = match arguments {
        None => String::new(),
        Some(Value::String(arguments)) => arguments,
        Some(_) => {
            let error =
                V1Error::invalid("The arguments of a call are a text with JSON in it, not JSON itself.");
            return Err(error.about(format!("{place}.function.arguments")));
        }
    };
    Ok(ToolCall { id: call.id, name, arguments: readable(arguments) })
}

/// A model may have written what is no JSON, or was cut off. Providers refuse a conversation with such a call in it, but it
/// has to go on: the tool has said what was wrong.
fn readable(arguments: String) -> String {
    let is_readable = |json: &str| json.starts_with('{') && serde_json::from_str::<IgnoredAny>(json).is_ok();
    match arguments.trim() {
        "" => "{}".to_owned(),
        json if is_readable(json) => arguments,
        _ => json!({ "unreadable": arguments }).to_string(),
    }
}

/// Every provider refuses a conversation in which a call has no result, or a result no call.
///
/// # Errors
/// Says so, before anybody is asked.
pub(super) fn check_results(turns: &[Turn]) -> Result<(), V1Error> {
    let wrong = |message: String| Err(V1Error::invalid(message).about("messages"));
    let mut open: Vec<&str> = Vec::new();
    for turn in turns {
        match (&turn.tool_call_id, open.first()) {
            (Some(id), _) => match open.iter().position(|call| call == id) {
                Some(place) => drop(open.remove(place)),
                None => return wrong(format!("The tool message for `{id}` follows no call of that id.")),
            },
            (None, Some(id)) => return wrong(without_result(id)),
            (None, None) => open.extend(turn.tool_calls.iter().map(|call| call.id.as_str())),
        }
    }
    match open.first() {
        Some(id) => wrong(without_result(id)),
        None => Ok(()),
    }
}

fn without_result(id: &str) -> String {
    format!("The call `{id}` has no tool message right after it.")
}

/// Whether a model can go on after this turn.
pub(super) fn can_be_answered(turn: &Turn) -> bool {
    matches!(turn.speaker, Speaker::User | Speaker::Tool)
}
