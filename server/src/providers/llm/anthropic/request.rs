//! What is asked, as it goes over the wire. <https://docs.claude.com/en/api/messages>

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::providers::llm::{
    CompletionRequest, Function, JsonFormat, Sampling, Speaker, ToolChoice, Tools, Turn, Upstream,
};

#[derive(Serialize)]
pub(super) struct MessagesRequest<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    messages: Vec<Message<'a>>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    stream: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Blocks(Vec<Block<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: &'a RawValue,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "str::is_empty")]
        content: &'a str,
    },
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct Choice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    format: OutputFormat<'a>,
}

#[derive(Serialize)]
struct OutputFormat<'a> {
    r#type: &'static str,
    schema: &'a RawValue,
}

/// Beyond it a request is refused; OpenAI's format goes up to 2. <https://docs.anthropic.com/en/api/messages>
const HIGHEST_TEMPERATURE: f32 = 1.0;

impl<'a> MessagesRequest<'a> {
    pub(super) fn new(upstream: &'a Upstream, request: &'a CompletionRequest) -> Self {
        let CompletionRequest { sampling, tools, .. } = request;
        let (temperature, top_p) = if upstream.takes_sampling { told(sampling) } else { (None, None) };
        Self {
            model: &upstream.model,
            system: request.instructions.as_deref(),
            messages: messages(&request.turns),
            max_tokens: request.max_output_tokens,
            temperature,
            top_p,
            stop_sequences: spoken_stops(&sampling.stop).collect(),
            tools: tools.functions.iter().map(Tool::from).collect(),
            tool_choice: Choice::of(tools).filter(|_| !tools.functions.is_empty()),
            output_config: OutputConfig::of(request.json.as_ref()),
            stream: true,
        }
    }
}

/// The temperature, or else `top_p`: newer models refuse both together. <https://github.com/n8n-io/n8n/issues/20240>
fn told(sampling: &Sampling) -> (Option<f32>, Option<f32>) {
    let temperature = sampling.temperature.map(|wanted| wanted.min(HIGHEST_TEMPERATURE));
    (temperature, sampling.top_p.filter(|_| temperature.is_none()))
}

/// A request with a blank one among them is refused. <https://github.com/BerriAI/litellm/issues/3286>
fn spoken_stops(stops: &[String]) -> impl Iterator<Item = &str> {
    stops.iter().map(String::as_str).filter(|stop| !stop.trim().is_empty())
}

/// The results of all calls of a message stand together in the one after it, before anything else is said.
/// <https://docs.claude.com/en/docs/agents-and-tools/tool-use/implement-tool-use>
fn messages(turns: &[Turn]) -> Vec<Message<'_>> {
    let mut messages: Vec<Message> = Vec::new();
    for turn in turns {
        let role = if turn.speaker == Speaker::Assistant { "assistant" } else { "user" };
        let content = Content::from(turn);
        match (messages.last_mut(), content) {
            (Some(Message { role: "user", content: Content::Blocks(blocks) }), content) if role == "user" => {
                blocks.extend(content.into_blocks());
            }
            (_, content) => messages.push(Message { role, content }),
        }
    }
    messages
}

impl<'a> From<&'a Turn> for Content<'a> {
    fn from(turn: &'a Turn) -> Self {
        let text = turn.text.as_str();
        if let Some(id) = &turn.tool_call_id {
            return Self::Blocks(vec![Block::ToolResult { tool_use_id: known(id), content: text }]);
        }
        if turn.tool_calls.is_empty() {
            return Self::Text(text);
        }
        let said = (!text.trim().is_empty()).then_some(Block::Text { text });
        let calls = turn.tool_calls.iter().map(|call| Block::ToolUse {
            id: known(&call.id),
            name: &call.name,
            input: serde_json::from_str(&call.arguments).unwrap_or(RawValue::NULL),
        });
        Self::Blocks(said.into_iter().chain(calls).collect())
    }
}

impl<'a> Content<'a> {
    fn into_blocks(self) -> Vec<Block<'a>> {
        match self {
            Self::Text(text) => vec![Block::Text { text }],
            Self::Blocks(blocks) => blocks,
        }
    }
}

/// Another provider may have made the id, of characters that are not allowed here.
fn known(id: &str) -> Cow<'_, str> {
    let is_known = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if id.chars().all(is_known) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.chars().map(|character| if is_known(character) { character } else { '_' }).collect())
}

impl<'a> From<&'a Function> for Tool<'a> {
    fn from(Function { name, description, parameters, strict }: &'a Function) -> Self {
        Self { name, description: description.as_deref(), input_schema: parameters, strict: *strict }
    }
}

impl<'a> Choice<'a> {
    /// None: as if nothing was said of it.
    fn of(tools: &'a Tools) -> Option<Self> {
        let is_alone = tools.is_parallel.map(|is_parallel| !is_parallel).filter(|is_alone| *is_alone);
        let (r#type, name) = match &tools.choice {
            ToolChoice::Auto if is_alone.is_none() => return None,
            ToolChoice::Auto => ("auto", None),
            ToolChoice::None => {
                return Some(Self { r#type: "none", name: None, disable_parallel_tool_use: None });
            }
            ToolChoice::Required => ("any", None),
            ToolChoice::Function(name) => ("tool", Some(name.as_str())),
        };
        Some(Self { r#type, name, disable_parallel_tool_use: is_alone })
    }
}

impl<'a> OutputConfig<'a> {
    fn of(json: Option<&'a JsonFormat>) -> Option<Self> {
        let Some(JsonFormat::Schema(json)) = json else { return None };
        Some(Self { format: OutputFormat { r#type: "json_schema", schema: &json.schema } })
    }
}

#[cfg(test)]
mod tests {
    use app::types::ToolCall;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{OutputCapField, WireFormat};

    fn upstream() -> Upstream {
        Upstream {
            format: WireFormat::Anthropic,
            base_url: "http://localhost".parse().expect("a URL"),
            model: "a-1".to_owned(),
            api_key: String::new().into(),
            output_cap_field: OutputCapField::MaxTokens,
            usage_in_stream: true,
            takes_sampling: true,
            first_token: None,
        }
    }

    fn request() -> CompletionRequest {
        CompletionRequest {
            instructions: None,
            turns: vec![Turn::said(Speaker::User, "hi")],
            max_output_tokens: 9,
            sampling: Sampling::default(),
            tools: Tools::default(),
            json: None,
        }
    }

    /// As it goes over the wire.
    fn written(request: &CompletionRequest) -> Value {
        written_to(&upstream(), request)
    }

    fn written_to(upstream: &Upstream, request: &CompletionRequest) -> Value {
        let written = serde_json::to_string(&MessagesRequest::new(upstream, request)).expect("JSON");
        serde_json::from_str(&written).expect("JSON")
    }

    #[test]
    fn what_is_not_given_is_not_sent() {
        let messages = json!([{ "role": "user", "content": "hi" }]);
        let body = json!({ "model": "a-1", "messages": messages, "max_tokens": 9, "stream": true });
        assert_eq!(written(&request()), body);
    }

    #[test]
    fn instructions_stand_beside_the_messages_and_sampling_goes_along() {
        let sampling = Sampling { top_p: Some(0.9), stop: vec!["END".to_owned()], ..Sampling::default() };
        let instructions = Some("Be brief.".to_owned());
        let body = written(&CompletionRequest { instructions, sampling, ..request() });
        assert_eq!(body["system"], "Be brief.");
        assert_eq!(body["messages"], json!([{ "role": "user", "content": "hi" }]));
        assert_eq!((body.get("temperature"), &body["top_p"]), (None, &json!(0.9)));
        assert_eq!(body["stop_sequences"], json!(["END"]));
    }

    #[test]
    fn what_would_have_the_whole_request_refused_is_left_out() {
        let stop = ["\n", "END", " \t"].map(str::to_owned).to_vec();
        let sampling = Sampling { temperature: Some(0.3), top_p: Some(0.9), stop, ..Sampling::default() };
        let asked = CompletionRequest { sampling, ..request() };
        let body = written(&asked);
        assert_eq!((&body["temperature"], body.get("top_p")), (&json!(0.3), None));
        assert_eq!(body["stop_sequences"], json!(["END"]));
        let body = written_to(&Upstream { takes_sampling: false, ..upstream() }, &asked);
        assert_eq!((body.get("temperature"), body.get("top_p")), (None, None));
    }

    #[test]
    fn hints_that_this_format_has_no_words_for_are_left_out() {
        let sampling = Sampling {
            frequency_penalty: Some(0.5),
            presence_penalty: Some(-0.5),
            seed: Some(7),
            reasoning_effort: Some("low"),
            verbosity: Some("high"),
            ..Sampling::default()
        };
        assert_eq!(written(&CompletionRequest { sampling, ..request() }), written(&request()));
    }

    #[test]
    fn a_temperature_beyond_what_is_known_here_is_the_highest() {
        let sampling = Sampling { temperature: Some(1.7), ..Sampling::default() };
        assert_eq!(written(&CompletionRequest { sampling, ..request() })["temperature"], json!(1.0));
    }

    #[test]
    fn the_results_of_all_calls_stand_in_one_message() {
        let call = |id: &str| ToolCall {
            id: id.to_owned(),
            name: "f".to_owned(),
            arguments: r#"{"a": 1}"#.to_owned(),
        };
        let turns = vec![
            Turn::said(Speaker::User, "hi"),
            Turn { tool_calls: vec![call("t1"), call("f:2")], ..Turn::said(Speaker::Assistant, "Wait.") },
            Turn::result("t1".to_owned(), "42".to_owned()),
            Turn::result("f:2".to_owned(), String::new()),
            Turn::said(Speaker::User, "Well?"),
        ];
        let body = written(&CompletionRequest { turns, ..request() });
        assert_eq!(
            body["messages"],
            json!([
                { "role": "user", "content": "hi" },
                { "role": "assistant", "content": [
                    { "type": "text", "text": "Wait." },
                    { "type": "tool_use", "id": "t1", "name": "f", "input": { "a": 1 } },
                    { "type": "tool_use", "id": "f_2", "name": "f", "input": { "a": 1 } },
                ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "t1", "content": "42" },
                    { "type": "tool_result", "tool_use_id": "f_2" },
                    { "type": "text", "text": "Well?" },
                ] },
            ])
        );
    }

    #[test]
    fn tools_are_told_in_this_formats_words() {
        let function = |value: Value| serde_json::from_value::<Function>(value).expect("a function");
        let schema = json!({ "type": "object", "properties": {} });
        let functions = vec![
            function(json!({ "name": "f", "description": "F.", "parameters": schema, "strict": true })),
            function(json!({ "name": "g", "parameters": { "type": "object" } })),
        ];
        let asked = |choice, is_parallel| {
            let tools = Tools { functions: functions.clone(), choice, is_parallel };
            written(&CompletionRequest { tools, ..request() })
        };
        let body = asked(ToolChoice::Function("f".to_owned()), Some(false));
        assert_eq!(
            body["tools"],
            json!([
                { "name": "f", "description": "F.", "input_schema": schema, "strict": true },
                { "name": "g", "input_schema": { "type": "object" } },
            ])
        );
        let alone = json!({ "type": "tool", "name": "f", "disable_parallel_tool_use": true });
        assert_eq!(body["tool_choice"], alone);
        assert_eq!(asked(ToolChoice::Required, None)["tool_choice"], json!({ "type": "any" }));
        assert_eq!(asked(ToolChoice::None, Some(false))["tool_choice"], json!({ "type": "none" }));
        assert_eq!(asked(ToolChoice::Auto, Some(true)).get("tool_choice"), None);
    }

    #[test]
    fn json_is_asked_for_by_its_schema() {
        let schema = json!({ "name": "answer", "schema": { "type": "object" } });
        let json = Some(JsonFormat::Schema(serde_json::from_value(schema).expect("a schema")));
        let body = written(&CompletionRequest { json, ..request() });
        let format = json!({ "type": "json_schema", "schema": { "type": "object" } });
        assert_eq!(body["output_config"], json!({ "format": format }));
    }
}
