//! Switching faults on and off, as JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::model::Model;
use crate::model::dice::{DiceState, Switch};

pub(super) async fn list_faults(State(model): State<Arc<Model>>) -> Json<DiceState> {
    Json(model.dice.state())
}

pub(super) async fn switch_fault(State(model): State<Arc<Model>>, Json(switch): Json<Switch>) -> Response {
    match model.dice.set(switch) {
        Ok(()) => Json(model.dice.state()).into_response(),
        Err(message) => (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": message}))).into_response(),
    }
}

#[derive(Deserialize)]
pub(super) struct UpstreamFilter {
    upstream: Option<String>,
}

pub(super) async fn clear_faults(
    State(model): State<Arc<Model>>,
    Query(filter): Query<UpstreamFilter>,
) -> StatusCode {
    model.dice.clear(filter.upstream.as_deref());
    StatusCode::NO_CONTENT
}
