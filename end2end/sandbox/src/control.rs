//! What tests steer and read. The product never comes here.

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
}

async fn list_journal(
    State(model): State<Arc<Model>>,
    Query(filter): Query<JournalFilter>,
) -> Json<Vec<Entry>> {
    Json(model.journal.list_containing(&filter.contains))
}
