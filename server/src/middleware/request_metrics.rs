//! Counts and times every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;

use crate::telemetry::metrics;

/// By the pattern of the route: paths hold ids, and there is no end of paths that nothing serves.
pub(super) async fn record(request: Request, next: Next) -> Response {
    let begins = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = method_name(request.method());
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    metrics::request_answered(route, method, response.status().as_u16(), begins.elapsed());
    response
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        _ => "other",
    }
}
