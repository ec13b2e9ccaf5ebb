//! The model as OpenAI serves it: `/models` and `/chat/completions`.

mod error;
mod frames;
mod request;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::Model;
use crate::model::journal::{OpenEntry, ReplyState, Request};
use crate::model::openai::error::OpenaiError;
use crate::model::openai::frames::ChatFrames;
use crate::model::openai::request::ChatRequest;
use crate::model::playback;
use crate::model::reply::Reply;
use crate::model::script::{Ending, Script};
use crate::sign_in::client::bearer_token;

/// The one key that is accepted.
pub(crate) const API_KEY: &str = "sandbox-key";
/// The models that are served.
pub(crate) const MODELS: [&str; 2] = ["sandbox-small", "sandbox-large"];

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
    authenticate(&headers)?;
    let request = ChatRequest::parse(&body)?;
    if !MODELS.contains(&request.model.as_str()) {
        return Err(OpenaiError::model_not_found(&request.model));
    }
    let (prompt, prompt_tokens) = (request.last_user_message(), request.prompt_tokens());
    let script = model.scripts.take(&prompt).unwrap_or_default();
    let entry = model.journal.open(Request {
        model: request.model.clone(),
        stream: request.stream(),
        max_tokens: request.max_tokens(),
        message_count: request.message_count(),
        last_user_message: prompt.clone(),
        prompt_tokens,
    });
    if let Some(status) = script.status {
        return Err(fail(status, &script, &entry).await);
    }
    let reply = Reply::write(&prompt, prompt_tokens, request.max_tokens(), &script);
    let frames = ChatFrames::new(&request, &reply, &script);
    if request.stream() {
        return Ok(send_streamed(reply, frames, &script, entry));
    }
    send_whole(reply, frames, &script, entry).await
}

fn authenticate(headers: &HeaderMap) -> Result<(), OpenaiError> {
    match bearer_token(headers) {
        Some(API_KEY) => Ok(()),
        key => Err(OpenaiError::wrong_key(key)),
    }
}

async fn fail(status: u16, script: &Script, entry: &OpenEntry) -> OpenaiError {
    tokio::time::sleep(Duration::from_millis(script.first_token_delay_ms.unwrap_or(0))).await;
    entry.close(ReplyState::Failed);
    OpenaiError::scripted(status, script.retry_after_seconds)
}

fn send_streamed(reply: Reply, frames: ChatFrames, script: &Script, entry: OpenEntry) -> Response {
    let body = playback::body(playback::streamed(reply), frames, entry, script.split_bytes);
    let headers = [(CONTENT_TYPE, "text/event-stream; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (headers, body).into_response()
}

/// Holds even the headers back until the answer is there, as the vendor does.
async fn send_whole(
    reply: Reply,
    frames: ChatFrames,
    script: &Script,
    entry: OpenEntry,
) -> Result<Response, OpenaiError> {
    tokio::time::sleep(reply.duration()).await;
    match reply.ending {
        Some(Ending::Stall(_)) => std::future::pending().await,
        Some(Ending::Error(_)) => {
            entry.close(ReplyState::Failed);
            return Err(OpenaiError::scripted(500, None));
        }
        _ => {}
    }
    let text = reply.chunks.concat();
    entry.count_chunk(&text);
    let json = Bytes::from(frames.whole(&text));
    let body = playback::body(playback::whole(json, reply.ending), frames, entry, script.split_bytes);
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// Support desks ask for it, so clients log it.
async fn add_request_id(mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::try_from(format!("req_{}", Uuid::new_v4().simple())) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}
