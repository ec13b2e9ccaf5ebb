//! Requests that nothing answers: what panics, and what takes too long.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use app::ApiError;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use http::StatusCode;

use super::error_format::ErrorFormat;
use super::request_id;

/// Until the head of the answer: streams may go on for as long as they like.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The panic itself is logged by the hook for panics, with the request's span around it.
pub(super) async fn catch_panics(request: Request, next: Next) -> Response {
    let question = Question::of(&request);
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => question.answer(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

pub(super) async fn limit_time(request: Request, next: Next) -> Response {
    let question = Question::of(&request);
    match tokio::time::timeout(HEAD_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(request.id = question.request_id, "Answered 504: nothing came in time");
            question.answer(StatusCode::GATEWAY_TIMEOUT)
        }
    }
}

/// What is still known of a request when it is lost.
struct Question {
    request_id: String,
    error_format: ErrorFormat,
}

impl Question {
    fn of(request: &Request) -> Self {
        Self { request_id: request_id(request.extensions()), error_format: ErrorFormat::of(request) }
    }

    fn answer(self, status: StatusCode) -> Response {
        let error = ApiError::Internal { request_id: self.request_id.clone() };
        let mut response = self.error_format.answer(error, &self.request_id);
        *response.status_mut() = status;
        response
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn;
    use http::HeaderValue;
    use http::header::ACCEPT;
    use tower::ServiceExt;
    use tower_http::request_id::RequestId;
    use tracing::{Event, Level, Subscriber};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    use super::*;

    const ID: &str = "0190a0b0-0000-7000-8000-000000000001";

    async fn ask(router: Router, path: &str, accept: &str) -> (StatusCode, String) {
        let id = RequestId::new(HeaderValue::from_static(ID));
        let request = Request::builder().uri(path).header(ACCEPT, accept).extension(id).body(Body::empty());
        let response = router.oneshot(request.expect("a request")).await.expect("an answer");
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn panics() -> StatusCode {
        panic!("on purpose")
    }

    /// Browsers that show the answer get a page, server functions an error in their own format.
    async fn is_told_the_number(router: Router, status: StatusCode) {
        for (path, accept) in [("/page", "text/html"), ("/page", "*/*"), ("/api/call", "text/html,*/*")] {
            let (answered, body) = ask(router.clone(), path, accept).await;
            assert_eq!(answered, status, "{path}");
            assert!(body.starts_with("<!doctype html>") && body.contains(ID), "{path}: {body}");
        }
        let (answered, body) = ask(router, "/api/call", "application/json").await;
        let error: ApiError = serde_json::from_str(&body).expect("an error");
        assert_eq!((answered, error), (status, ApiError::Internal { request_id: ID.to_owned() }));
    }

    #[tokio::test]
    async fn whoever_meets_a_panic_is_told_the_number_that_leads_to_it() {
        let router = Router::new().fallback(panics).layer(from_fn(catch_panics));
        is_told_the_number(router, StatusCode::INTERNAL_SERVER_ERROR).await;
    }

    /// Counts the errors that are logged.
    #[derive(Clone, Default)]
    struct Errors(Arc<AtomicUsize>);

    impl<S: Subscriber> Layer<S> for Errors {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let is_error = *event.metadata().level() == Level::ERROR;
            self.0.fetch_add(usize::from(is_error), Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_too_long_is_told_the_number_that_leads_to_the_logged_error() {
        let errors = Errors::default();
        let _logging = tracing::subscriber::set_default(tracing_subscriber::registry().with(errors.clone()));
        let router = Router::new().fallback(std::future::pending::<StatusCode>).layer(from_fn(limit_time));
        is_told_the_number(router, StatusCode::GATEWAY_TIMEOUT).await;
        assert_eq!(errors.0.load(Ordering::Relaxed), 4, "one for each request");
    }
}
