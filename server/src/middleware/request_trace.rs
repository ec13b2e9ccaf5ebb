//! A trace for each request, beside its id.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;

use super::request_id;
use crate::telemetry::traces::Span;

/// Of the trace that the request belongs to, if it is recorded.
#[derive(Clone)]
pub(super) struct TraceId(pub(super) String);

/// Named by the pattern of the route. It ends with the head of the answer; what goes on behind it has spans of its own.
pub(super) async fn keep(mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let Some(route) = route.as_ref().map(MatchedPath::as_str).filter(|route| is_traced(route)) else {
        return next.run(request).await;
    };
    let method = request.method().to_string();
    let traceparent = traceparent(route, request.headers());
    let span = Span::request(format!("{method} {route}"), area(route), traceparent);
    let Some(trace_id) = span.trace_id() else { return span.around(next.run(request)).await };
    span.set("http.request.method", method);
    span.set("http.route", route.to_owned());
    span.set("request.id", request_id(request.extensions()));
    request.extensions_mut().insert(TraceId(trace_id));
    let response = span.around(next.run(request)).await;
    let status = response.status();
    span.set("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.fail(status.as_str());
    }
    response
}

/// Probes and files never are.
fn is_traced(route: &str) -> bool {
    !["/health/", "/pkg/"].iter().any(|prefix| route.starts_with(prefix))
}

/// `chat` of `/api/chat/start_reply`, `webhooks` of `/webhooks/stripe`.
fn area(route: &str) -> &str {
    let path = route.strip_prefix("/api").unwrap_or(route);
    path.split('/').nth(1).filter(|area| !area.is_empty()).unwrap_or("home")
}

/// Programs may make a request a part of their own trace. Links to pages and webhooks may not.
fn traceparent<'a>(route: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    let is_api = route.starts_with("/api/");
    headers.get("traceparent").filter(|_| is_api).and_then(|value| value.to_str().ok())
}
