//! Probes for whoever runs the process.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;

use crate::limits::Mode;
use crate::state::AppState;

#[derive(Serialize)]
pub(crate) struct Readiness {
    status: &'static str,
    database: &'static str,
    redis: &'static str,
    limiter: Mode,
}

/// The process runs.
pub(crate) async fn live() -> &'static str {
    "ok"
}

/// Requests may be sent here. Without the database nothing works: 503. Without Redis everything works with tighter
/// limits: 200 and `degraded`. A process that is shutting down takes no more: 503.
pub(crate) async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Readiness>) {
    let (database, redis) = tokio::join!(state.db.is_up(), state.limiter.is_up());
    let (code, status) = match (database, redis) {
        _ if state.is_ending() => (StatusCode::SERVICE_UNAVAILABLE, "shutting down"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        (_, false) => (StatusCode::OK, "degraded"),
        _ => (StatusCode::OK, "ok"),
    };
    let word = |is_up| if is_up { "up" } else { "down" };
    let limiter = state.limiter.mode();
    (code, Json(Readiness { status, database: word(database), redis: word(redis), limiter }))
}
