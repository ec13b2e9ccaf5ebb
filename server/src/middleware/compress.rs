//! Compression of answers.

use app::api::{FollowReply, StartReply};
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use leptos::server_fn::ServerFn;
use tower::{Layer, ServiceExt};
use tower_http::compression::CompressionLayer;

/// Not around streams, whose words it would hold back: even unused, room for every compressor (5.8 kB) would be kept for as
/// long as each is open.
pub(super) async fn compress(request: Request, next: Next) -> Response {
    if [StartReply::PATH, FollowReply::PATH].contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match CompressionLayer::new().layer(next).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}
