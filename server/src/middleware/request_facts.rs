//! What a fault in the middle of a request is reported with.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

use super::request_id;
use super::request_trace::TraceId;
use crate::telemetry::faults;

/// The id, the method and the pattern of the route; the person comes with the session.
pub(super) async fn keep(request: Request, next: Next) -> Response {
    let id = request_id(request.extensions());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let method = request.method().clone();
    let trace = request.extensions().get::<TraceId>().cloned();
    let facts = [("request.id", id.as_str()), ("http.route", route), ("http.method", method.as_str())];
    let trace = trace.as_ref().map(|TraceId(id)| ("trace.id", id.as_str()));
    let facts: Vec<_> = facts.into_iter().chain(trace).collect();
    faults::apart(&facts, next.run(request)).await
}
