//! A request for a chat completion: what of it we carry out, and what we refuse rather than leave out.
//! <https://platform.openai.com/docs/api-reference/chat/create>

use app::types::{ApiKeyId, ClientRequestId};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::V1Error;
use super::fields::refuse_what_is_not_done;
use super::messages::{ChatMessage, conversation};
use super::sampling::{EFFORTS, HOTTEST, VERBOSITIES, one_of, penalty, stops, within};
use super::tools::{self, Tool};
use crate::services::generation::{Asked, Completion, GenerationRequest, JsonFormat, JsonSchema, Sampling};

#[derive(Deserialize)]
pub(super) struct ChatRequest {
    model: String,
    messages: Vec<ChatMessage>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    /// The older name of the next.
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    frequency_penalty: Option<f32>,
    presence_penalty: Option<f32>,
    seed: Option<i64>,
    reasoning_effort: Option<String>,
    verbosity: Option<String>,
    /// A text, or several.
    stop: Option<Value>,
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
const WITHOUT_EFFECT: &[&str] = &[
    "metadata",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
];

/// Of what is said about a body that cannot be read: it may hold a part of that.
const LONGEST_PROBLEM: usize = 200;

impl ChatRequest {
    /// # Errors
    /// When it is no such request.
    pub(super) fn parse(body: &[u8]) -> Result<Self, V1Error> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let request = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let place = error.path().to_string();
            malformed(&error.into_inner(), &place)
        })?;
        json.end().map_err(|error| malformed(&error, ""))?;
        Ok(request)
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
        let max_output_tokens = self.max_output_tokens()?;
        let sampling = self.sampling()?;
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

    fn max_output_tokens(&self) -> Result<Option<u32>, V1Error> {
        let (name, wanted) = match (self.max_completion_tokens, self.max_tokens) {
            (Some(wanted), _) => ("max_completion_tokens", wanted),
            (None, Some(wanted)) => ("max_tokens", wanted),
            (None, None) => return Ok(None),
        };
        if wanted < 1 {
            return Err(V1Error::invalid("An answer has at least one token.").about(name));
        }
        Ok(Some(u32::try_from(wanted).unwrap_or(u32::MAX)))
    }

    fn sampling(&self) -> Result<Sampling, V1Error> {
        Ok(Sampling {
            temperature: within("temperature", self.temperature, 0.0, HOTTEST)?,
            top_p: within("top_p", self.top_p, 0.0, 1.0)?,
            frequency_penalty: penalty("frequency_penalty", self.frequency_penalty)?,
            presence_penalty: penalty("presence_penalty", self.presence_penalty)?,
            seed: self.seed,
            reasoning_effort: one_of("reasoning_effort", self.reasoning_effort.as_deref(), EFFORTS)?,
            verbosity: one_of("verbosity", self.verbosity.as_deref(), VERBOSITIES)?,
            stop: stops(self.stop.clone())?,
        })
    }
}

/// `place` is where reading ended, which says something only of JSON that is whole.
fn malformed(error: &serde_json::Error, place: &str) -> V1Error {
    let problem: String = error.to_string().chars().take(LONGEST_PROBLEM).collect();
    match place {
        "" | "." => V1Error::invalid(format!("This is not a request for a chat completion: {problem}.")),
        _ if !error.is_data() => V1Error::invalid(format!("The body is not JSON: {problem}.")),
        place => V1Error::invalid(format!("`{place}` cannot be read: {problem}.")).about(place),
    }
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
