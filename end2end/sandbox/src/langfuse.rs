//! Langfuse's way in for scores, by the public key of whoever tells them. <https://api.reference.langfuse.com>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

const SECRET_KEY: &str = "sandbox-secret";

/// Scores by public key and id.
#[derive(Default)]
pub(crate) struct Langfuse(Mutex<BTreeMap<(String, String), Value>>);

impl Langfuse {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Any public key, with the secret key `sandbox-secret`.
pub(crate) fn routes(langfuse: Arc<Langfuse>) -> Router {
    Router::new()
        .route("/api/public/scores", post(put_score))
        .route("/api/public/scores/{id}", delete(delete_score))
        .with_state(langfuse)
}

/// What tests read, relative to `/control/langfuse`.
pub(crate) fn control(langfuse: Arc<Langfuse>) -> Router {
    Router::new().route("/scores", get(list_scores)).with_state(langfuse)
}

async fn put_score(
    State(langfuse): State<Arc<Langfuse>>,
    headers: HeaderMap,
    Json(score): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let Some(key) = public_key(&headers) else { return refuse(StatusCode::UNAUTHORIZED, "no such key") };
    let text = |field: &str| score[field].as_str().filter(|text| !text.is_empty());
    let (Some(id), Some(_), Some(_)) = (text("id"), text("traceId"), text("name")) else {
        return refuse(StatusCode::BAD_REQUEST, "a score needs id, traceId and name");
    };
    let answer = json!({ "id": id });
    langfuse.lock().insert((key, id.to_owned()), score);
    (StatusCode::OK, Json(answer))
}

async fn delete_score(
    State(langfuse): State<Arc<Langfuse>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    let Some(key) = public_key(&headers) else { return refuse(StatusCode::UNAUTHORIZED, "no such key") };
    match langfuse.lock().remove(&(key, id)) {
        Some(_) => (StatusCode::ACCEPTED, Json(json!({}))),
        None => refuse(StatusCode::NOT_FOUND, "no such score"),
    }
}

fn refuse(status: StatusCode, message: &str) -> (StatusCode, Json<Value>) {
    (status, Json(json!({ "message": message })))
}

fn public_key(headers: &HeaderMap) -> Option<String> {
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let credentials = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (public_key, secret_key) = credentials.split_once(':')?;
    (secret_key == SECRET_KEY).then(|| public_key.to_owned())
}

#[derive(Deserialize)]
struct Filter {
    key: String,
}

async fn list_scores(
    State(langfuse): State<Arc<Langfuse>>,
    Query(filter): Query<Filter>,
) -> Json<Vec<Value>> {
    let scores = langfuse.lock();
    Json(scores.iter().filter(|((key, _), _)| *key == filter.key).map(|(_, score)| score.clone()).collect())
}
