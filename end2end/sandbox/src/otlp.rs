//! A collector of traces: takes them over OTLP, as protobuf or JSON, and keeps the spans, by the key of whoever sends.
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

mod decode;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Requests that were taken so far.
#[derive(Default)]
pub(crate) struct Otlp(Mutex<Vec<Taken>>);

struct Taken {
    key: String,
    body: Bytes,
    spans: Vec<Span>,
}

/// A span as tests read it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Span {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    /// Empty: it has none.
    pub(crate) parent_span_id: String,
    pub(crate) name: String,
    /// The number of the protocol: 1 is internal, 2 server, 3 client, 5 consumer.
    pub(crate) kind: i32,
    pub(crate) start_nanos: u64,
    pub(crate) end_nanos: u64,
    pub(crate) is_error: bool,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) resource: Map<String, Value>,
}

impl Otlp {
    fn lock(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The base of a collector's address. Basic credentials, as Langfuse wants them, are the key of whoever sends.
pub(crate) fn routes(otlp: Arc<Otlp>) -> Router {
    Router::new().route("/v1/traces", post(take_traces)).with_state(otlp)
}

/// What tests read, relative to `/control/otlp`.
pub(crate) fn control(otlp: Arc<Otlp>) -> Router {
    Router::new().route("/spans", get(list_spans)).route("/bodies", get(list_bodies)).with_state(otlp)
}

async fn take_traces(
    State(otlp): State<Arc<Otlp>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap) {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = text(CONTENT_TYPE).starts_with("application/json");
    let spans = if is_json { decode::from_json(&body) } else { decode::from_protobuf(&body) };
    let Some(spans) = spans else { return (StatusCode::BAD_REQUEST, HeaderMap::new()) };
    let key = text(AUTHORIZATION).to_owned();
    otlp.lock().push(Taken { key, body, spans });
    // An empty answer is a message with nothing in it: everything was taken.
    let content_type = headers.get(CONTENT_TYPE).map(|value| (CONTENT_TYPE, value.clone()));
    (StatusCode::OK, content_type.into_iter().collect())
}

#[derive(Deserialize)]
struct Filter {
    /// The value of the header `Authorization`.
    key: String,
    trace: Option<String>,
}

/// In the order in which they arrived.
async fn list_spans(State(otlp): State<Arc<Otlp>>, Query(filter): Query<Filter>) -> Json<Vec<Span>> {
    let is_wanted = |span: &&Span| filter.trace.as_ref().is_none_or(|trace| span.trace_id == *trace);
    let taken = otlp.lock();
    let spans = taken.iter().filter(|taken| taken.key == filter.key).flat_map(|taken| &taken.spans);
    Json(spans.filter(is_wanted).cloned().collect())
}

/// Every byte that was sent, as text as far as it is text.
async fn list_bodies(State(otlp): State<Arc<Otlp>>, Query(filter): Query<Filter>) -> String {
    let taken = otlp.lock();
    let bodies = taken.iter().filter(|taken| taken.key == filter.key);
    bodies.map(|taken| String::from_utf8_lossy(&taken.body).into_owned()).collect()
}
