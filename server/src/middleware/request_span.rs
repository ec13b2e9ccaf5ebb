//! One id and one span for each request.

use std::time::Duration;

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::middleware::Next;
use http::{Extensions, Request, Response};
use tower_http::request_id::{MakeRequestId, RequestId};
use tower_http::trace::MakeSpan;
use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

use super::REQUEST_ID;
use super::request_trace::TraceId;

/// Ours: an id that is not unique would mix up two requests in the logs.
#[derive(Clone, Copy)]
pub(super) struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        Uuid::now_v7().to_string().parse().ok().map(RequestId::new)
    }
}

/// Whatever the client calls it: [`SetRequestIdLayer`](tower_http::request_id::SetRequestIdLayer) would keep that.
pub(super) async fn forget_id(mut request: axum::extract::Request, next: Next) -> axum::response::Response {
    request.headers_mut().remove(REQUEST_ID);
    next.run(request).await
}

/// The id of the request these extensions belong to.
pub(crate) fn request_id(extensions: &Extensions) -> String {
    extensions
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

/// Names the path but never the query: it may hold codes. Who asks is known, and said, once the session is read; why it is
/// refused, when it is (`telemetry::set_refusal`).
#[derive(Clone, Copy)]
pub(super) struct RequestSpan;

impl MakeSpan<Body> for RequestSpan {
    fn make_span(&mut self, request: &Request<Body>) -> Span {
        tracing::info_span!(
            "request",
            http.method = %request.method(),
            http.route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str),
            http.path = request.uri().path(),
            request.id = request_id(request.extensions()),
            trace.id = request.extensions().get::<TraceId>().map(|TraceId(id)| display(id)),
            user.id = Empty,
            error.code = Empty,
            error.param = Empty,
        )
    }
}

pub(super) fn log_response(response: &Response<Body>, latency: Duration, _: &Span) {
    let status = response.status().as_u16();
    let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
    if status >= 500 {
        tracing::warn!(http.status = status, latency_ms, "Answered {status} in {latency_ms} ms");
    } else {
        tracing::info!(http.status = status, latency_ms, "Answered {status} in {latency_ms} ms");
    }
}
