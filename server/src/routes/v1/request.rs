//! A request for a chat completion: what of it we carry out, and what we refuse rather than leave out.
//! <https://platform.openai.com/docs/api-reference/chat/create>

use app::types::{ApiKeyId, ClientRequestId};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::V1Error;
use super::fields::refuse_what_is_not_done;
use super::messages::{ChatMessage, conversation};
use super::tools::{self, Tool};
use crate::services::generation::{Asked, Completion, GenerationRequest, JsonFormat, JsonSchema, Sampling};

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

#[cfg(test)]
mod tests;
