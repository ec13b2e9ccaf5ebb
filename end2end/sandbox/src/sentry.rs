//! Sentry's way in: takes envelopes and keeps the events in them, by the key of the DSN.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

/// What was reported so far.
#[derive(Default)]
pub(crate) struct Sentry {
    events: Mutex<Vec<(String, Value)>>,
}

impl Sentry {
    /// Those reported with this key, oldest first.
    pub(crate) fn events(&self, key: &str) -> Vec<Value> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().filter(|(of, _)| of == key).map(|(_, event)| event.clone()).collect()
    }

    fn add(&self, key: &str, event: Value) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push((key.to_owned(), event));
    }
}

/// A DSN is `http://KEY@127.0.0.1:PORT/sentry/1`.
pub(crate) fn routes(sentry: Arc<Sentry>) -> Router {
    Router::new().route("/api/{project}/envelope/", post(take_envelope)).with_state(sentry)
}

/// What tests read, relative to `/control/sentry`.
pub(crate) fn control(sentry: Arc<Sentry>) -> Router {
    Router::new().route("/events", get(list_events)).with_state(sentry)
}

#[derive(Deserialize)]
struct EventFilter {
    key: String,
}

async fn list_events(
    State(sentry): State<Arc<Sentry>>,
    Query(filter): Query<EventFilter>,
) -> Json<Vec<Value>> {
    Json(sentry.events(&filter.key))
}

/// <https://develop.sentry.dev/sdk/data-model/envelopes/>
async fn take_envelope(
    State(sentry): State<Arc<Sentry>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let auth = headers.get("x-sentry-auth").and_then(|auth| auth.to_str().ok()).unwrap_or_default();
    let key = auth.split([' ', ',']).find_map(|part| part.strip_prefix("sentry_key="));
    let Some(key) = key else { return (StatusCode::FORBIDDEN, Json(json!({ "detail": "no sentry_key" }))) };
    // A line about the envelope, then for each item a line about it and one with it.
    let mut lines = body.split(|byte| *byte == b'\n').skip(1);
    while let (Some(about), Some(item)) = (lines.next(), lines.next()) {
        let about: Value = serde_json::from_slice(about).unwrap_or_default();
        if let ("event", Ok(event)) =
            (about["type"].as_str().unwrap_or_default(), serde_json::from_slice(item))
        {
            sentry.add(key, event);
        }
    }
    (StatusCode::OK, Json(json!({})))
}
