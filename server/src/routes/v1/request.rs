//! A request for a chat completion: what of it we carry out, and what we refuse rather than leave out.
//! <https://platform.openai.com/docs/api-reference/chat/create>

use app::types::{ApiKeyId, ClientRequestId};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::V1Error;
use super::tools::{self, Call, Tool};
use crate::providers::llm::{JsonFormat, JsonSchema, Sampling, Speaker, Turn};
use crate::services::generation::{Asked, Completion, GenerationRequest};

#[derive(Deserialize)]
pub(super) struct ChatRequest {
    model: String,
    messages: Vec<ChatMessage>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    /// The older name of the next.
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    stop: Option<Stop>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    response_format: Option<ResponseFormat>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Any(Vec<String>),
}

#[derive(Deserialize)]
struct ChatMessage {
    role: String,
    content: Option<Content>,
    /// Of the assistant.
    tool_calls: Option<Vec<Call>>,
    /// Of a tool.
    tool_call_id: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    r#type: String,
    text: Option<String>,
}

#[derive(Deserialize)]
struct ResponseFormat {
    r#type: String,
    json_schema: Option<GivenSchema>,
}

#[derive(Deserialize)]
struct GivenSchema {
    name: String,
    description: Option<String>,
    schema: Option<Box<RawValue>>,
    strict: Option<bool>,
}

/// How the answer is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AnswerOptions {
    /// As it was asked for.
    pub(super) model: String,
    pub(super) is_streamed: bool,
    pub(super) includes_usage: bool,
}

/// These change nothing of an answer, or only how OpenAI works inside.
const WITHOUT_EFFECT: &[&str] =
    &["metadata", "prompt_cache_key", "safety_identifier", "service_tier", "store", "user"];

/// The same of messages: most are of our own answers, which clients send back as they are, or with what they made of them.
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

const HOTTEST: f32 = 2.0;
const MOST_STOPS: usize = 4;

impl ChatRequest {
    /// # Errors
    /// When it is no such request.
    pub(super) fn parse(body: &[u8]) -> Result<Self, V1Error> {
        serde_json::from_slice(body).map_err(|error| {
            V1Error::invalid(format!("This is not a request for a chat completion: {error}."))
        })
    }

    pub(super) fn options(&self) -> AnswerOptions {
        let includes_usage = self.stream_options.as_ref().and_then(|options| options.include_usage);
        AnswerOptions {
            model: self.model.clone(),
            is_streamed: self.stream.unwrap_or(false),
            includes_usage: includes_usage.unwrap_or(false),
        }
    }

    /// # Errors
    /// When it wants something that we cannot do: to leave it out in silence would be worse.
    pub(super) fn into_generation(
        self,
        client_request_id: ClientRequestId,
        api_key_id: ApiKeyId,
    ) -> Result<GenerationRequest, V1Error> {
        refuse_what_is_not_done(&self.rest, WITHOUT_EFFECT, "")?;
        let max_output_tokens = self.max_completion_tokens.or(self.max_tokens);
        if max_output_tokens == Some(0) {
            return Err(V1Error::invalid("An answer has at least one token.").about("max_tokens"));
        }
        let sampling = sampling(self.temperature, self.top_p, self.stop)?;
        let tools = tools::tools(self.tools.unwrap_or_default(), self.tool_choice, self.parallel_tool_calls)?;
        let json = self.response_format.map_or(Ok(None), json_format)?;
        let (instructions, turns) = conversation(self.messages)?;
        let completion = Completion { api_key_id, instructions, turns, sampling, tools, json };
        Ok(GenerationRequest {
            client_request_id,
            asked: Asked::ByProgram(Box::new(completion)),
            max_output_tokens,
            model: Some(self.model),
        })
    }
}

fn refuse_what_is_not_done(
    fields: &Map<String, Value>,
    without_effect: &[&str],
    within: &str,
) -> Result<(), V1Error> {
    let asks = |(name, value): &(&String, &Value)| {
        !without_effect.contains(&name.as_str()) && !is_as_if_left_out(name, value)
    };
    match fields.iter().find(asks) {
        None => Ok(()),
        Some((name, _)) => {
            let param = format!("{within}{name}");
            let message = format!("`{param}` is not supported here. Leave it out.");
            Err(V1Error::invalid(message).about(param).with_code("unsupported_parameter"))
        }
    }
}

/// Clients send many fields with the value that they have anyway.
fn is_as_if_left_out(name: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(if name == "n" { 1.0 } else { 0.0 }),
        Value::Array(items) if name == "modalities" => items.iter().all(|item| item == "text"),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::String(_) => false,
    }
}

fn sampling(temperature: Option<f32>, top_p: Option<f32>, stop: Option<Stop>) -> Result<Sampling, V1Error> {
    for (name, value, most) in [("temperature", temperature, HOTTEST), ("top_p", top_p, 1.0)] {
        if value.is_some_and(|value| !(0.0..=most).contains(&value)) {
            return Err(V1Error::invalid(format!("`{name}` goes from 0 to {most}.")).about(name));
        }
    }
    let stop = match stop {
        None => vec![],
        Some(Stop::One(text)) => vec![text],
        Some(Stop::Any(texts)) => texts,
    };
    if stop.len() > MOST_STOPS || stop.iter().any(String::is_empty) {
        return Err(V1Error::invalid(format!("`stop` is up to {MOST_STOPS} texts, none of them empty."))
            .about("stop"));
    }
    Ok(Sampling { temperature, top_p, stop })
}

fn json_format(format: ResponseFormat) -> Result<Option<JsonFormat>, V1Error> {
    match (format.r#type.as_str(), format.json_schema) {
        ("text", _) => Ok(None),
        ("json_object", _) => Ok(Some(JsonFormat::Object)),
        ("json_schema", Some(GivenSchema { name, description, schema: Some(schema), strict }))
            if tools::is_object(&schema) =>
        {
            Ok(Some(JsonFormat::Schema(JsonSchema { name, description, schema, strict })))
        }
        _ => {
            let message = "`response_format` is of the type `text`, `json_object`, or `json_schema` with the `schema` in its `json_schema`.";
            Err(V1Error::invalid(message).about("response_format"))
        }
    }
}

/// Instructions are one text that stands before everything: Anthropic's format has no other place for them.
fn conversation(messages: Vec<ChatMessage>) -> Result<(Option<String>, Vec<Turn>), V1Error> {
    let (mut instructions, mut turns) = (Vec::new(), Vec::new());
    for (index, message) in messages.into_iter().enumerate() {
        let place = format!("messages[{index}].");
        refuse_what_is_not_done(&message.rest, WITHOUT_EFFECT_IN_MESSAGES, &place)?;
        match message.role.as_str() {
            "system" | "developer" => instructions.push(words(message.content, &place)?),
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
    if !turns.last().is_some_and(tools::can_be_answered) {
        return Err(V1Error::invalid("The last message has to be the user's, or a tool's.").about("messages"));
    }
    Ok(((!instructions.is_empty()).then(|| instructions.join("\n\n")), turns))
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
fn words(content: Option<Content>, place: &str) -> Result<String, V1Error> {
    let text = text_of(content, place)?;
    if text.trim().is_empty() {
        return Err(V1Error::invalid("A message has to have a text.").about(format!("{place}content")));
    }
    Ok(text)
}

fn text_of(content: Option<Content>, place: &str) -> Result<String, V1Error> {
    match content {
        None => Ok(String::new()),
        Some(Content::Text(text)) => Ok(text),
        Some(Content::Parts(parts)) => {
            let texts = parts.into_iter().map(|part| part.text.filter(|_| part.r#type == "text"));
            let texts: Option<Vec<_>> = texts.collect();
            let only_text = || {
                let error = V1Error::invalid("Only parts of the type `text` can be read here.");
                error.about(format!("{place}content")).with_code("unsupported_parameter")
            };
            Ok(texts.ok_or_else(only_text)?.concat())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::providers::llm::ToolChoice;

    /// The completion that a body comes down to, or what is wrong with it.
    fn read(body: &Value) -> Result<Completion, (String, Value)> {
        let id = Uuid::now_v7();
        let generation = ChatRequest::parse(body.to_string().as_bytes())
            .and_then(|request| request.into_generation(ClientRequestId(id), ApiKeyId(id)));
        match generation {
            Ok(GenerationRequest { asked: Asked::ByProgram(completion), .. }) => Ok(*completion),
            Ok(_) => panic!("a program asks"),
            Err(error) => {
                let error = serde_json::to_value(error).expect("JSON");
                Err((error["message"].as_str().unwrap_or_default().to_owned(), error["param"].clone()))
            }
        }
    }

    fn asking(fields: Value) -> Value {
        let mut body = json!({ "model": "swift", "messages": [{ "role": "user", "content": "Hi" }] });
        let (Some(body_fields), Value::Object(fields)) = (body.as_object_mut(), fields) else {
            panic!("objects")
        };
        body_fields.extend(fields);
        body
    }

    fn refused(fields: Value) -> Value {
        read(&asking(fields)).err().expect("a refusal").1
    }

    #[test]
    fn instructions_stand_apart_and_parts_of_text_are_one() {
        let parts = json!([{ "type": "text", "text": "Hi" }, { "type": "text", "text": " there" }]);
        let completion = read(&asking(json!({ "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "developer", "content": "No lists." },
            { "role": "assistant", "content": "Yes?", "reasoning_content": "Hm.", "refusal": null, "parsed": { "a": 1 } },
            { "role": "assistant", "content": "" },
            { "role": "user", "content": parts, "name": "ada" },
        ] })))
        .expect("a completion");
        assert_eq!(completion.instructions.as_deref(), Some("Be brief.\n\nNo lists."));
        let said: Vec<_> = completion.turns.iter().map(|turn| (turn.speaker, turn.text.as_str())).collect();
        assert_eq!(said, [(Speaker::Assistant, "Yes?"), (Speaker::User, "Hi there")]);
    }

    #[test]
    fn what_clients_send_out_of_habit_changes_nothing() {
        let habits = json!({
            "n": 1, "stream": true, "stream_options": { "include_usage": true }, "presence_penalty": 0,
            "frequency_penalty": 0.0, "logit_bias": {}, "logprobs": false, "top_logprobs": null, "tools": [],
            "tool_choice": "auto", "response_format": { "type": "text" }, "modalities": ["text"], "user": "u-1",
            "metadata": { "job": "7" }, "stop": "END", "temperature": 0, "top_p": 1,
        });
        let sampling = read(&asking(habits)).expect("a completion").sampling;
        assert_eq!(
            sampling,
            Sampling { temperature: Some(0.0), top_p: Some(1.0), stop: vec!["END".to_owned()] }
        );
    }

    #[test]
    fn what_is_not_done_is_refused_by_name() {
        for (name, value) in [
            ("n", json!(2)),
            ("functions", json!([{ "name": "f" }])),
            ("logprobs", json!(true)),
            ("seed", json!(7)),
            ("reasoning_effort", json!("low")),
            ("modalities", json!(["text", "audio"])),
            ("unheard_of", json!("yes")),
        ] {
            assert_eq!(refused(json!({ name: value })), name);
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        assert_eq!(refused(json!({ "temperature": 2.1 })), "temperature");
        assert_eq!(refused(json!({ "top_p": -0.1 })), "top_p");
        assert_eq!(refused(json!({ "max_tokens": 0 })), "max_tokens");
        assert_eq!(refused(json!({ "stop": ["a", "b", "c", "d", "e"] })), "stop");
        assert_eq!(refused(json!({ "messages": [] })), "messages");
        let messages =
            |role: &str, content: Value| json!({ "messages": [{ "role": role, "content": content }] });
        assert_eq!(refused(messages("assistant", json!("Hi"))), "messages");
        assert_eq!(refused(messages("robot", json!("42"))), "messages[0].role");
        assert_eq!(refused(messages("user", json!(" "))), "messages[0].content");
        assert_eq!(refused(messages("user", json!(null))), "messages[0].content");
        let picture = json!([{ "type": "image_url", "image_url": { "url": "data:," } }]);
        assert_eq!(refused(messages("user", picture)), "messages[0].content");
    }

    #[test]
    fn tools_their_calls_and_results_are_read() {
        let completion = read(&asking(json!({
            "tools": [{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }],
            "tool_choice": "required",
            "parallel_tool_calls": false,
            "messages": [
                { "role": "user", "content": "Hi" },
                { "role": "assistant", "content": null, "tool_calls": [
                    { "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{\"a\":1}" } },
                    { "id": "c2", "type": "function", "function": { "name": "f", "arguments": "" } },
                    { "id": "c3", "type": "function", "function": { "name": "f", "arguments": "{\"cut" } },
                ] },
                { "role": "tool", "tool_call_id": "c3", "content": "These are no arguments." },
                { "role": "tool", "tool_call_id": "c2", "content": "" },
                { "role": "tool", "tool_call_id": "c1", "content": [{ "type": "text", "text": "42" }] },
            ],
        })))
        .expect("a completion");
        assert_eq!(completion.tools.functions[0].name, "f");
        assert_eq!(
            (completion.tools.choice, completion.tools.is_parallel),
            (ToolChoice::Required, Some(false))
        );
        let calls: Vec<_> =
            completion.turns[1].tool_calls.iter().map(|call| call.arguments.as_str()).collect();
        assert_eq!(calls, ["{\"a\":1}", "{}", r#"{"unreadable":"{\"cut"}"#]);
        let results: Vec<_> = completion.turns[2..]
            .iter()
            .map(|turn| (turn.tool_call_id.as_deref(), turn.text.as_str()))
            .collect();
        assert_eq!(results[1..], [(Some("c2"), ""), (Some("c1"), "42")]);
    }

    #[test]
    fn tools_that_no_provider_takes_are_told_with_their_place() {
        let tools = |tool: Value| json!({ "tools": [tool] });
        let function = |fields: Value| tools(json!({ "type": "function", "function": fields }));
        assert_eq!(refused(tools(json!({ "type": "web_search" }))), "tools[0]");
        assert_eq!(refused(function(json!({ "name": "two words" }))), "tools[0].function.name");
        assert_eq!(
            refused(function(json!({ "name": "f", "parameters": [] }))),
            "tools[0].function.parameters"
        );
        for choice in
            [json!("required"), json!("perhaps"), json!({ "type": "function", "function": { "name": "g" } })]
        {
            assert_eq!(refused(json!({ "tool_choice": choice })), "tool_choice");
        }
        let call =
            |arguments: &str| json!({ "id": "c1", "function": { "name": "f", "arguments": arguments } });
        let asked = json!({ "role": "user", "content": "Hi" });
        let called = |call: Value| json!({ "role": "assistant", "tool_calls": [call] });
        let result = json!({ "role": "tool", "tool_call_id": "c1", "content": "42" });
        for (messages, place) in [
            (
                json!([asked, { "role": "assistant", "tool_calls": [{ "id": "c1" }] }, result]),
                "messages[1].tool_calls[0]",
            ),
            (json!([asked, called(call("{}")), asked]), "messages"),
            (json!([asked, called(call("{}"))]), "messages"),
            (json!([asked, result]), "messages"),
            (json!([asked, { "role": "tool", "content": "42" }]), "messages[1].tool_call_id"),
        ] {
            assert_eq!(refused(json!({ "messages": messages })), place);
        }
    }

    #[test]
    fn json_is_wanted_with_a_schema_or_without() {
        let wanted =
            |format: Value| read(&asking(json!({ "response_format": format }))).map(|read| read.json);
        assert!(matches!(wanted(json!({ "type": "text" })), Ok(None)));
        assert!(matches!(wanted(json!({ "type": "json_object" })), Ok(Some(JsonFormat::Object))));
        let schema = json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": {} } });
        assert!(matches!(wanted(schema), Ok(Some(JsonFormat::Schema(_)))));
        for schema in [json!(null), json!({ "name": "answer" }), json!({ "name": "answer", "schema": true })]
        {
            let format = json!({ "type": "json_schema", "json_schema": schema });
            assert_eq!(refused(json!({ "response_format": format })), "response_format");
        }
        assert_eq!(refused(json!({ "response_format": { "type": "grammar" } })), "response_format");
    }
}
