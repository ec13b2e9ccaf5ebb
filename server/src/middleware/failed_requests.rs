//! Keeps which requests failed, by the number that people are told.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;

use super::request_id;
use crate::services::failed_requests::NewFailedRequest;
use crate::state::AppState;

/// Not 503: that is said on purpose, by switches, ceilings and shutdowns, or while nothing could be written.
pub(super) async fn keep(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = request_id(request.extensions()).parse();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let method = request.method().to_string();
    let response = next.run(request).await;
    let (status, route) = (response.status(), route.unwrap_or_default());
    if let Ok(id) = id
        && status.is_server_error()
        && status != StatusCode::SERVICE_UNAVAILABLE
    {
        state.failed_requests.keep(NewFailedRequest { id, method, route, status: status.as_u16().into() });
    }
    response
}
