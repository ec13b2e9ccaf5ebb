//! The API for programs. It speaks as OpenAI's does, so whatever can use that one can use this one.
//! <https://platform.openai.com/docs/api-reference/chat>

mod answer;
mod error;
mod fields;
mod limits;
mod messages;
mod models;
mod request;
mod sampling;
mod tools;

use app::types::{Caller, ClientRequestId};
use axum::Extension;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, StatusCode, Uri};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub(crate) use self::error::V1Error;
pub(crate) use self::models::{find_model, list_models};
use self::request::ChatRequest;
use crate::middleware::request_id;
use crate::state::AppState;

/// The longest context of any model, in its worst encoding.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Answers a conversation. Whoever leaves before the end has it stopped, and is charged for what was said by then.
pub(crate) async fn complete_chat(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let request_id = request_id(request.extensions());
    let answer = async {
        let headers = request.headers().clone();
        let body = read_body(request).await?;
        let id = client_request_id(caller, &headers, &body);
        let request = ChatRequest::parse(&body)?;
        let options = request.options();
        let request = request.into_generation(id, caller.api_key_id)?;
        let begun = state.completions.begin(caller, request).await;
        let reply =
            begun.map_err(|error| V1Error::from(error.into_api(&request_id)))?.map_err(V1Error::refused)?;
        answer::respond(state.completions.clone(), caller, reply, options).await
    };
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

/// Whatever else is asked for below `/v1`.
pub(crate) async fn not_found(uri: Uri) -> V1Error {
    let below = uri.path().strip_prefix("/v1/responses");
    V1Error::not_found(match below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        true => NO_RESPONSES,
        false => {
            "There is nothing here. Chat completions are at POST /v1/chat/completions, models at GET /v1/models."
        }
    })
}

/// Whoever comes here uses a client that asks there unless it is told otherwise.
const NO_RESPONSES: &str = "There is no Responses API here; have your client use Chat Completions. AI SDK: `.chat(model)`, or `@ai-sdk/openai-compatible`. Agents SDK: `set_default_openai_api(\"chat_completions\")`. The `openai` packages: `client.chat.completions`.";

async fn read_body(request: Request) -> Result<Bytes, V1Error> {
    let too_long = |_| {
        let error = V1Error::invalid("This request is too long, or did not arrive in time.");
        error.with_status(StatusCode::PAYLOAD_TOO_LARGE)
    };
    to_bytes(request.into_body(), MAX_BODY_BYTES).await.map_err(too_long)
}

/// The same key with the same body is the same request, so that a client may safely send it again; with another body it is
/// another one.
fn client_request_id(caller: Caller, headers: &HeaderMap, body: &[u8]) -> ClientRequestId {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return ClientRequestId(Uuid::now_v7());
    };
    let mut hash = Sha256::new();
    hash.update(caller.api_key_id.0.as_bytes());
    hash.update(Sha256::digest(key.as_bytes()));
    hash.update(body);
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    ClientRequestId(uuid::Builder::from_random_bytes(id).into_uuid())
}
