//! Requests whose body comes too slowly.

use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures::{TryStreamExt, stream};
use tokio::time::{Instant, timeout_at};

/// A body that is not there in time breaks off, as one does whose client has left: that is no fault of ours, and nobody
/// takes half a body for a whole one.
pub(super) async fn break_off(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    let request = match request.body().is_end_stream() {
        true => request,
        false => request.map(|body| in_time(body, timeout)),
    };
    next.run(request).await
}

fn in_time(body: Body, timeout: Duration) -> Body {
    let deadline = Instant::now() + timeout;
    let pieces = stream::try_unfold(body.into_data_stream(), move |mut pieces| async move {
        let piece = timeout_at(deadline, pieces.try_next()).await??;
        Ok::<_, BoxError>(piece.map(|piece| (piece, pieces)))
    });
    Body::from_stream(pieces)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Bytes, to_bytes};
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use futures::StreamExt;
    use http::StatusCode;
    use tower::ServiceExt;

    use super::*;

    async fn read(body: Body) -> StatusCode {
        match to_bytes(body, 100).await {
            Ok(body) if body == "whole" => StatusCode::OK,
            Ok(_) => StatusCode::ACCEPTED,
            Err(_) => StatusCode::BAD_REQUEST,
        }
    }

    async fn send(body: Body) -> StatusCode {
        let limit = from_fn_with_state(Duration::from_secs(1), break_off);
        let router = Router::new().route("/", post(read)).layer(limit);
        let request = Request::post("/").body(body).expect("a request");
        router.oneshot(request).await.expect("an answer").status()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_too_slowly_breaks_off_and_any_other_arrives_whole() {
        let piece = |text: &'static str| Ok::<_, BoxError>(Bytes::from_static(text.as_bytes()));
        let pieces = || stream::iter([piece("who"), piece("le")]);
        assert_eq!(send(Body::from("whole")).await, StatusCode::OK);
        assert_eq!(send(Body::from_stream(pieces())).await, StatusCode::OK);
        assert_eq!(send(Body::empty()).await, StatusCode::ACCEPTED);
        let unfinished = pieces().chain(stream::pending());
        assert_eq!(send(Body::from_stream(unfinished)).await, StatusCode::BAD_REQUEST);
    }
}
