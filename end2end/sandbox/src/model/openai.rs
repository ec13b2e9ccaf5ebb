//! The model as OpenAI serves it: `/models` and `/chat/completions`.

mod error;
mod frames;
mod request;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::answering::{Chat, answer};
use crate::model::journal::Request;
use crate::model::openai::error::OpenaiError;
use crate::model::openai::frames::ChatFrames;
use crate::model::openai::request::ChatRequest;
use crate::model::reply::Reply;
use crate::model::script::Script;
use crate::model::{Api, Model, upstream};
use crate::sign_in::client::bearer_token;

/// The models that are served.
pub(crate) const MODELS: [&str; 2] = ["sandbox-small", NEWEST_MODEL];

/// As the vendor's newer models do, it knows the cap of the answer by its new name only, and chooses its words by itself.
const NEWEST_MODEL: &str = "sandbox-large";

const LONGEST_BODY_BYTES: usize = 32 * 1024 * 1024;
// An arbitrary moment: clients may cache the list of models, so it does not change.
const MODELS_CREATED_AT: i64 = 1_735_689_600;

/// The vendor's endpoints, relative to its base URL.
pub(crate) fn routes(model: Arc<Model>) -> Router {
    Router::new()
        .route("/models", get(list_models))
        .route("/chat/completions", post(complete_chat))
        .layer(DefaultBodyLimit::max(LONGEST_BODY_BYTES))
        .layer(map_response(add_request_id))
        .with_state(model)
}

async fn list_models(headers: HeaderMap) -> Result<Json<Value>, OpenaiError> {
    authenticate(&headers)?;
    let models = MODELS
        .map(|id| json!({"id": id, "object": "model", "created": MODELS_CREATED_AT, "owned_by": "sandbox"}));
    Ok(Json(json!({"object": "list", "data": models})))
}

async fn complete_chat(
    State(model): State<Arc<Model>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OpenaiError> {
    let upstream = authenticate(&headers)?;
    let request = ChatRequest::parse(&body)?;
    if !MODELS.contains(&request.model.as_str()) {
        return Err(OpenaiError::model_not_found(&request.model));
    }
    Ok(answer(&model, upstream, &request).await)
}

impl Chat for ChatRequest {
    type Frames = ChatFrames;

    fn describe(&self) -> Request {
        Request {
            api: Api::Openai,
            model: self.model.clone(),
            stream: self.stream(),
            max_tokens: self.max_tokens(),
            instructions: self.instructions(),
            message_count: self.message_count(),
            last_user_message: self.last_user_message(),
            prompt_tokens: self.prompt_tokens(),
            reasoning: self.reasoning().cloned(),
            hints: json!(self.hints),
            temperature: self.temperature,
            top_p: self.top_p,
            stop: self.stop.clone(),
            tools: self.tools.clone(),
            tool_choice: self.tool_choice.clone(),
            format: self.response_format.clone(),
            tool_results: self.tool_results(),
        }
    }

    fn frames(&self, reply: &Reply, script: &Script) -> ChatFrames {
        ChatFrames::new(self, reply, script)
    }

    fn error(status: u16, message: Option<&str>, retry_after_seconds: Option<u64>) -> Response {
        OpenaiError::scripted(status, retry_after_seconds).saying(message).into_response()
    }
}

/// The upstream that the request's key belongs to.
fn authenticate(headers: &HeaderMap) -> Result<&str, OpenaiError> {
    let key = bearer_token(headers);
    key.and_then(upstream::of_key).ok_or_else(|| OpenaiError::wrong_key(key))
}

/// Support desks ask for it, so clients log it.
async fn add_request_id(mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::try_from(format!("req_{}", Uuid::new_v4().simple())) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}
