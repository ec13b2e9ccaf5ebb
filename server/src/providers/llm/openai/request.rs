//! What is asked, as it goes over the wire. <https://platform.openai.com/docs/api-reference/chat/create>

use std::borrow::Cow;

use app::types::ToolCall;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::config::OutputCapField;
use crate::providers::llm::{
    CompletionRequest, Function, JsonFormat, JsonSchema, Speaker, ToolChoice, Tools, Turn, Upstream,
};

#[derive(Serialize)]
pub(super) struct ChatRequest<'a> {
    model: &'a str,
    messages: Vec<ChatMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'static str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    stream: bool,
    /// Mistral refuses it. <https://github.com/openai/openai-agents-python/issues/442>
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// Null stands only beside calls.
#[derive(Default, Serialize)]
struct ChatMessage<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "function")]
struct Call<'a> {
    id: Cow<'a, str>,
    function: CalledFunction<'a>,
}

#[derive(Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "function")]
struct Tool<'a> {
    function: &'a Function,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Function(ChosenFunction<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "function")]
struct ChosenFunction<'a> {
    function: FunctionName<'a>,
}

#[derive(Serialize)]
struct FunctionName<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: &'a JsonSchema },
}

impl<'a> ChatRequest<'a> {
    pub(super) fn new(upstream: &'a Upstream, request: &'a CompletionRequest) -> Self {
        let cap = |field| (upstream.output_cap_field == field).then_some(request.max_output_tokens);
        // `developer` is a name that few know but OpenAI, which takes this one for it.
        let instructions = request.instructions.as_deref().map(|text| ChatMessage::said("system", text));
        let turns = request.turns.iter().map(ChatMessage::from);
        let Tools { functions, choice, is_parallel } = &request.tools;
        let has_tools = !functions.is_empty();
        let sampling = &request.sampling;
        let told = |wanted: Option<f32>| wanted.filter(|_| upstream.takes_sampling);
        Self {
            model: &upstream.model,
            messages: instructions.into_iter().chain(turns).collect(),
            max_tokens: cap(OutputCapField::MaxTokens),
            max_completion_tokens: cap(OutputCapField::MaxCompletionTokens),
            temperature: told(sampling.temperature),
            top_p: told(sampling.top_p),
            frequency_penalty: told(sampling.frequency_penalty),
            presence_penalty: told(sampling.presence_penalty),
            seed: sampling.seed,
            reasoning_effort: sampling.reasoning_effort,
            verbosity: sampling.verbosity,
            stop: &sampling.stop,
            tools: functions.iter().map(|function| Tool { function }).collect(),
            tool_choice: Choice::of(choice).filter(|_| has_tools),
            // Some models refuse to be told what they do anyway.
            parallel_tool_calls: is_parallel.filter(|is_parallel| has_tools && !is_parallel),
            response_format: request.json.as_ref().map(ResponseFormat::from),
            stream: true,
            stream_options: upstream.usage_in_stream.then_some(StreamOptions { include_usage: true }),
        }
    }
}

impl<'a> ChatMessage<'a> {
    fn said(role: &'static str, text: &'a str) -> Self {
        Self { role, content: Some(text), ..Self::default() }
    }
}

impl<'a> From<&'a Turn> for ChatMessage<'a> {
    fn from(turn: &'a Turn) -> Self {
        let role = match turn.speaker {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
            Speaker::Tool => "tool",
        };
        let tool_calls: Vec<_> = turn.tool_calls.iter().map(Call::from).collect();
        let is_silent = turn.text.is_empty() && !tool_calls.is_empty();
        Self {
            role,
            content: (!is_silent).then_some(turn.text.as_str()),
            tool_calls,
            tool_call_id: turn.tool_call_id.as_deref().map(shortened),
        }
    }
}

impl<'a> From<&'a ToolCall> for Call<'a> {
    fn from(ToolCall { id, name, arguments }: &'a ToolCall) -> Self {
        Self { id: shortened(id), function: CalledFunction { name, arguments } }
    }
}

/// OpenAI takes ids of up to 40 characters; other providers make longer ones.
/// <https://github.com/microsoft/autogen/issues/6377>
fn shortened(id: &str) -> Cow<'_, str> {
    const LONGEST: usize = 40;
    if id.len() <= LONGEST {
        return Cow::Borrowed(id);
    }
    let mut hash = [0; 16];
    hash.copy_from_slice(&Sha256::digest(id)[..16]);
    Cow::Owned(Uuid::from_bytes(hash).simple().to_string())
}

impl<'a> Choice<'a> {
    /// None: as if nothing was said of it.
    fn of(choice: &'a ToolChoice) -> Option<Self> {
        Some(match choice {
            ToolChoice::Auto => return None,
            ToolChoice::None => Self::Word("none"),
            ToolChoice::Required => Self::Word("required"),
            ToolChoice::Function(name) => Self::Function(ChosenFunction { function: FunctionName { name } }),
        })
    }
}

impl<'a> From<&'a JsonFormat> for ResponseFormat<'a> {
    fn from(format: &'a JsonFormat) -> Self {
        match format {
            JsonFormat::Object => Self::JsonObject,
            JsonFormat::Schema(json_schema) => Self::JsonSchema { json_schema },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::providers::llm::Sampling;

    fn upstream() -> Upstream {
        Upstream {
            format: crate::config::WireFormat::Openai,
            base_url: "http://localhost".parse().expect("a URL"),
            model: "m-1".to_owned(),
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
    fn written(upstream: &Upstream, request: &CompletionRequest) -> Value {
        let written = serde_json::to_string(&ChatRequest::new(upstream, request)).expect("JSON");
        serde_json::from_str(&written).expect("JSON")
    }

    #[test]
    fn what_is_not_given_is_not_sent() {
        let body = json!({
            "model": "m-1",
            "messages": [{ "role": "user", "content": "hi" }],
            "max_tokens": 9,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        assert_eq!(written(&upstream(), &request()), body);
    }

    #[test]
    fn who_refuses_to_be_asked_for_its_count_is_not_asked() {
        let mistral = Upstream { usage_in_stream: false, ..upstream() };
        assert_eq!(written(&mistral, &request()).get("stream_options"), None);
    }

    #[test]
    fn instructions_are_the_first_message_and_sampling_goes_along() {
        let sampling = Sampling {
            temperature: Some(1.7),
            top_p: Some(0.9),
            stop: vec!["END".to_owned(), "\n".to_owned()],
            ..Sampling::default()
        };
        let instructions = Some("Be brief.".to_owned());
        let body = written(&upstream(), &CompletionRequest { instructions, sampling, ..request() });
        let messages =
            json!([{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "hi" }]);
        assert_eq!(body["messages"], messages);
        assert_eq!((&body["temperature"], &body["top_p"]), (&json!(1.7), &json!(0.9)));
        assert_eq!(body["stop"], json!(["END", "\n"]));
    }

    #[test]
    fn a_model_that_refuses_to_be_told_how_to_choose_its_words_is_not_told() {
        let sampling = Sampling {
            temperature: Some(0.3),
            top_p: Some(0.9),
            stop: vec!["END".to_owned()],
            frequency_penalty: Some(0.5),
            presence_penalty: Some(-0.5),
            seed: Some(7),
            reasoning_effort: Some("low"),
            verbosity: Some("high"),
        };
        let thinker = Upstream { takes_sampling: false, ..upstream() };
        let asked = CompletionRequest { sampling, ..request() };
        let body = written(&thinker, &asked);
        for name in ["temperature", "top_p", "frequency_penalty", "presence_penalty"] {
            assert_eq!(body.get(name), None);
            assert!(written(&upstream(), &asked).get(name).is_some(), "others are told {name}");
        }
        assert_eq!((&body["seed"], &body["reasoning_effort"]), (&json!(7), &json!("low")));
        assert_eq!(body["verbosity"], "high");
        assert_eq!(body["stop"], json!(["END"]), "where to stop is not how to choose");
    }

    #[test]
    fn calls_and_their_results_are_messages_of_their_own() {
        let call = ToolCall { id: "c1".to_owned(), name: "f".to_owned(), arguments: "{}".to_owned() };
        let turns = vec![
            Turn::said(Speaker::User, "hi"),
            Turn { tool_calls: vec![call], ..Turn::said(Speaker::Assistant, "") },
            Turn::result("c1".to_owned(), "42".to_owned()),
        ];
        let body = written(&upstream(), &CompletionRequest { turns, ..request() });
        let call = json!({ "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } });
        assert_eq!(
            body["messages"],
            json!([
                { "role": "user", "content": "hi" },
                { "role": "assistant", "content": null, "tool_calls": [call] },
                { "role": "tool", "content": "42", "tool_call_id": "c1" },
            ])
        );
    }

    #[test]
    fn ids_that_are_too_long_are_shortened_the_same_in_the_call_and_its_result() {
        let id = "chatcmpl-tool-".to_owned() + &"a".repeat(32);
        let call = ToolCall { id: id.clone(), ..ToolCall::default() };
        let turns = vec![
            Turn { tool_calls: vec![call], ..Turn::said(Speaker::Assistant, "") },
            Turn::result(id, String::new()),
        ];
        let body = written(&upstream(), &CompletionRequest { turns, ..request() });
        let called = &body["messages"][0]["tool_calls"][0]["id"];
        assert_eq!((called.as_str().map(str::len), called), (Some(32), &body["messages"][1]["tool_call_id"]));
    }

    #[test]
    fn tools_go_along_as_they_were_given() {
        let function =
            json!({ "name": "f", "description": "F.", "parameters": { "z": 1, "a": 2 }, "strict": true });
        let functions = vec![serde_json::from_value(function.clone()).expect("a function")];
        let asked = |choice, is_parallel| {
            let tools = Tools { functions: functions.clone(), choice, is_parallel };
            written(&upstream(), &CompletionRequest { tools, ..request() })
        };
        let body = asked(ToolChoice::Function("f".to_owned()), Some(false));
        assert_eq!(body["tools"], json!([{ "type": "function", "function": function }]));
        assert_eq!(body["tool_choice"], json!({ "type": "function", "function": { "name": "f" } }));
        assert_eq!(body["parallel_tool_calls"], json!(false));
        assert_eq!(asked(ToolChoice::Required, None)["tool_choice"], json!("required"));
        assert_eq!(asked(ToolChoice::Auto, None).get("tool_choice"), None);
        let alone = Tools { choice: ToolChoice::None, is_parallel: Some(true), ..Tools::default() };
        let body = written(&upstream(), &CompletionRequest { tools: alone, ..request() });
        assert_eq!((body.get("tool_choice"), body.get("parallel_tool_calls")), (None, None), "without tools");
        assert_eq!(asked(ToolChoice::Auto, Some(true)).get("parallel_tool_calls"), None);
    }

    #[test]
    fn json_is_asked_for_by_its_format() {
        let asked = |json| written(&upstream(), &CompletionRequest { json: Some(json), ..request() });
        assert_eq!(asked(JsonFormat::Object)["response_format"], json!({ "type": "json_object" }));
        let schema = json!({ "name": "answer", "schema": { "type": "object" }, "strict": true });
        let format = JsonFormat::Schema(serde_json::from_value(schema.clone()).expect("a schema"));
        assert_eq!(asked(format)["response_format"], json!({ "type": "json_schema", "json_schema": schema }));
    }
}
