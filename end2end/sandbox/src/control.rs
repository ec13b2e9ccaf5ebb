//! What tests and people steer and read. The product never comes here.

mod faults;
mod page;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::Model;
use crate::model::journal::Entry;
use crate::model::script::Script;

/// The control endpoints, relative to `/control`.
pub(crate) fn routes(model: Arc<Model>) -> Router {
    Router::new()
        .route("/", get(page::show_page))
        .route("/faults", get(faults::list_faults).put(faults::switch_fault).delete(faults::clear_faults))
        .route("/faults/switch", post(page::switch_fault))
        .route("/faults/clear", post(page::clear_faults))
        .route("/model/scripts", post(register_script).delete(clear_scripts))
        .route("/model/journal", get(list_journal))
        .with_state(model)
}

async fn register_script(
    State(model): State<Arc<Model>>,
    Json(script): Json<Script>,
) -> (StatusCode, Json<Value>) {
    match model.scripts.register(script.clone()) {
        Ok(()) => (StatusCode::CREATED, Json(json!(script))),
        Err(message) => (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": message}))),
    }
}

#[derive(Deserialize)]
struct ScriptFilter {
    #[serde(rename = "match")]
    matches: Option<String>,
}

async fn clear_scripts(State(model): State<Arc<Model>>, Query(filter): Query<ScriptFilter>) -> StatusCode {
    model.scripts.clear(filter.matches.as_deref());
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct JournalFilter {
    #[serde(default)]
    contains: String,
    upstream: Option<String>,
}

async fn list_journal(
    State(model): State<Arc<Model>>,
    Query(filter): Query<JournalFilter>,
) -> Json<Vec<Entry>> {
    let is_wanted = |entry: &Entry| filter.upstream.as_ref().is_none_or(|only| *only == entry.upstream);
    Json(model.journal.list_containing(&filter.contains).into_iter().filter(is_wanted).collect())
}
