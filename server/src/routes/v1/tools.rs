//! The tools of a request, the calls that earlier answers made of them, and what those came to.
//! <https://platform.openai.com/docs/guides/function-calling>

use app::types::ToolCall;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::V1Error;
use crate::providers::llm::{Function, Speaker, ToolChoice, Tools, Turn};

#[derive(Deserialize)]
pub(super) struct Tool {
    r#type: String,
    function: Option<Function>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Choice {
    Word(String),
    Function { function: FunctionName },
}

#[derive(Deserialize)]
pub(super) struct FunctionName {
    name: String,
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
    #[serde(default)]
    arguments: String,
}

const MOST_TOOLS: usize = 128;
const LONGEST_NAME: usize = 64;

/// # Errors
/// When they are none that a model can be given.
pub(super) fn tools(
    tools: Vec<Tool>,
    choice: Option<Choice>,
    is_parallel: Option<bool>,
) -> Result<Tools, V1Error> {
    if tools.len() > MOST_TOOLS {
        return Err(V1Error::invalid(format!("There can be {MOST_TOOLS} tools.")).about("tools"));
    }
    let functions = tools.into_iter().enumerate().map(|(index, tool)| function(index, tool));
    let functions = functions.collect::<Result<Vec<_>, _>>()?;
    let choice = choice.map_or(Ok(ToolChoice::Auto), |choice| chosen(choice, &functions))?;
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
    if function.parameters.as_ref().is_some_and(|schema| !schema.get().trim_start().starts_with('{')) {
        let error = V1Error::invalid("The parameters of a function are a JSON Schema, which is an object.");
        return Err(error.about(format!("{place}.function.parameters")));
    }
    Ok(function)
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn chosen(choice: Choice, functions: &[Function]) -> Result<ToolChoice, V1Error> {
    let wrong = |message: &str| Err(V1Error::invalid(message).about("tool_choice"));
    match choice {
        Choice::Word(word) => match word.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" if functions.is_empty() => wrong("A tool can only be required of `tools`."),
            "required" => Ok(ToolChoice::Required),
            _ => wrong("`tool_choice` is `auto`, `none`, `required` or a function."),
        },
        Choice::Function { function } if functions.iter().any(|known| known.name == function.name) => {
            Ok(ToolChoice::Function(function.name))
        }
        Choice::Function { .. } => wrong("There is no such function among `tools`."),
    }
}

/// # Errors
/// When a provider would refuse them.
pub(super) fn calls(calls: Vec<Call>, place: &str) -> Result<Vec<ToolCall>, V1Error> {
    calls
        .into_iter()
        .enumerate()
        .map(|(index, call)| to_call(call, &format!("{place}tool_calls[{index}]")))
        .collect()
}

fn to_call(call: Call, place: &str) -> Result<ToolCall, V1Error> {
    let Some(CalledFunction { name, arguments }) = call.function else {
        let error = V1Error::invalid("Only calls of functions can be read here.");
        return Err(error.about(place).with_code("unsupported_parameter"));
    };
    let arguments = if arguments.trim().is_empty() { "{}".to_owned() } else { arguments };
    if serde_json::from_str::<Map<String, Value>>(&arguments).is_err() {
        let error = V1Error::invalid("The arguments of a call are a JSON object, written as a string.");
        return Err(error.about(format!("{place}.function.arguments")));
    }
    Ok(ToolCall { id: call.id, name, arguments })
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
