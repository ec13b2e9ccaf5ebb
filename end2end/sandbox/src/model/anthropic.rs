//! The model as Anthropic serves it: `/messages`.

mod error;
mod frames;
mod request;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;

use crate::model::answering::{Chat, answer};
use crate::model::anthropic::error::AnthropicError;
use crate::model::anthropic::frames::MessageFrames;
use crate::model::anthropic::request::MessagesRequest;
use crate::model::journal::Request;
use crate::model::reply::Reply;
use crate::model::script::Script;
use crate::model::{Api, Model, upstream};
use crate::sign_in::client::bearer_token;

/// The model that is served.
pub(crate) const MODEL: &str = "claude-sandbox";

const LONGEST_BODY_BYTES: usize = 32 * 1024 * 1024;

/// The vendor's endpoints, relative to its base URL.
pub(crate) fn routes(model: Arc<Model>) -> Router {
    Router::new()
        .route("/messages", post(create_message))
        .layer(DefaultBodyLimit::max(LONGEST_BODY_BYTES))
        .layer(map_response(add_request_id))
        .with_state(model)
}

async fn create_message(
    State(model): State<Arc<Model>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, AnthropicError> {
    let upstream = authenticate(&headers)?;
    if !headers.contains_key("anthropic-version") {
        return Err(AnthropicError::invalid_request("anthropic-version: header is required"));
    }
    let request = MessagesRequest::parse(&body)?;
    if request.model != MODEL {
        return Err(AnthropicError::model_not_found(&request.model));
    }
    Ok(answer(&model, upstream, &request).await)
}

impl Chat for MessagesRequest {
    type Frames = MessageFrames;

    fn describe(&self) -> Request {
        Request {
            api: Api::Anthropic,
            model: self.model.clone(),
            stream: self.stream(),
            max_tokens: Some(self.max_tokens),
            instructions: self.instructions(),
            message_count: self.message_count(),
            last_user_message: self.last_user_message(),
            prompt_tokens: self.prompt_tokens(),
            reasoning: self.thinking().cloned(),
            hints: Value::Null,
            temperature: self.temperature,
            top_p: self.top_p,
            stop: self.stop_sequences.clone(),
            tools: self.tools.clone(),
            tool_choice: self.tool_choice.clone(),
            format: self.output_config.clone(),
            tool_results: self.tool_results(),
        }
    }

    fn frames(&self, reply: &Reply, script: &Script) -> MessageFrames {
        MessageFrames::new(&self.model, reply, script)
    }

    fn error(status: u16, message: Option<&str>, retry_after_seconds: Option<u64>) -> Response {
        AnthropicError::scripted(status, retry_after_seconds).saying(message).into_response()
    }
}

/// The upstream that the request's key belongs to.
fn authenticate(headers: &HeaderMap) -> Result<&str, AnthropicError> {
    let key = headers.get("x-api-key").and_then(|key| key.to_str().ok()).or_else(|| bearer_token(headers));
    key.and_then(upstream::of_key).ok_or_else(|| AnthropicError::wrong_key(key))
}

/// Errors have theirs already, as it is also in their body.
async fn add_request_id(mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::try_from(error::request_id()) {
        response.headers_mut().entry("request-id").or_insert(id);
    }
    response
}
