//! What happens around every request, in order.

mod api_key;
mod call_limits;
mod compress;
mod error_format;
mod failed_requests;
mod headers;
mod maintenance;
mod operators;
mod referer;
mod request_facts;
mod request_metrics;
mod request_span;
mod request_trace;
mod session;
mod slow_bodies;
mod unanswered;

use std::time::Duration;

use app::types::Prompt;
use axum::{Router, middleware};
use http::HeaderName;
use tower::ServiceBuilder;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};

pub(crate) use self::error_format::ErrorFormat;
pub(crate) use self::headers::CspNonce;
pub(crate) use self::request_span::request_id;
use self::request_span::{NewRequestId, RequestSpan, log_response};
pub(crate) use self::session::{BrowserCookies, session_token};
use crate::state::AppState;

/// The longest prompt in its worst encoding, with room to spare: in JSON a character may be written in twelve bytes.
const MAX_BODY_BYTES: usize = 14 * Prompt::MAX_CHARS;

/// Mail programs send nothing but the token in an address.
const MAX_BYTES_OF_MAIL_PROGRAMS: usize = 64 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Around everything, outermost first.
pub(crate) fn around_all(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let layers = ServiceBuilder::new()
        .layer(middleware::from_fn(request_metrics::record))
        .layer(middleware::from_fn(request_span::forget_id))
        .layer(SetRequestIdLayer::new(REQUEST_ID, NewRequestId))
        .layer(middleware::from_fn(request_trace::keep))
        .layer(
            tower_http::trace::TraceLayer::new_for_http()
                .make_span_with(RequestSpan)
                .on_request(())
                .on_response(log_response)
                .on_failure(()),
        )
        .layer(middleware::from_fn(request_facts::keep))
        .layer(middleware::from_fn_with_state(state.clone(), failed_requests::keep))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(middleware::from_fn_with_state(state.clone(), headers::set_headers))
        .layer(middleware::from_fn(unanswered::catch_panics));
    router.layer(layers)
}

/// Around what mail programs ask for: from elsewhere, and without a session.
pub(crate) fn around_mail_programs(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let layers = ServiceBuilder::new()
        .layer(middleware::from_fn(unanswered::limit_time))
        .layer(middleware::from_fn_with_state(state.clone(), session::set_actor))
        .layer(middleware::from_fn_with_state(state.clone(), call_limits::limit_calls))
        .layer(middleware::from_fn_with_state(state.server.body_timeout, slow_bodies::break_off))
        .layer(RequestBodyLimitLayer::new(MAX_BYTES_OF_MAIL_PROGRAMS));
    router.layer(layers)
}

/// Around what programs ask for: with a key, and without cookies. An answer may take as long as the model does.
pub(crate) fn around_programs(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let layers = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(state.clone(), api_key::set_caller))
        .layer(middleware::from_fn_with_state(state.server.body_timeout, slow_bodies::break_off));
    router.layer(layers)
}

/// Around what programs ask for besides answers, within the above. Answers are limited by the plan alone, as those on the
/// page are. What is refused of them uses up nothing, but can do no harm either: an account's requests wait in a short line
/// to be admitted one at a time, so they keep one connection busy at most. One that makes no sense costs its own reading
/// and the look-up of its key.
pub(crate) fn around_program_calls(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    router.layer(middleware::from_fn_with_state(state.clone(), api_key::limit_calls))
}

/// Around what needs neither session nor form: probes, and webhooks, whose handler limits how long they are.
pub(crate) fn around_probes_and_webhooks<S>(router: Router<S>, body_timeout: Duration) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let layers = ServiceBuilder::new()
        .layer(middleware::from_fn(unanswered::limit_time))
        .layer(middleware::from_fn_with_state(body_timeout, slow_bodies::break_off));
    router.layer(layers)
}

/// Around pages, server functions and sign-in, outermost first.
pub(crate) fn around_pages(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let layers = ServiceBuilder::new()
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn(referer::lead_back))
        .layer(middleware::from_fn(unanswered::limit_time))
        .layer(middleware::from_fn(compress::compress))
        .layer(middleware::from_fn_with_state(state.clone(), session::set_actor))
        .layer(middleware::from_fn(headers::keep_private))
        .layer(middleware::from_fn(maintenance::close))
        .layer(middleware::from_fn_with_state(state.clone(), call_limits::limit_calls))
        .layer(middleware::from_fn(operators::refuse_others))
        .layer(middleware::from_fn_with_state(state.server.body_timeout, slow_bodies::break_off))
        // Innermost: it changes the body's type.
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES));
    router.layer(layers)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::body::Body;
    use axum::extract::Request;
    use axum::routing::post;
    use http::StatusCode;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn programs_are_answered_in_time_whatever_happens() {
        let hooks: Router = Router::new().route("/hook", post(pending::<StatusCode>));
        let request = Request::post("/hook").body(Body::from("news")).expect("a request");
        let answer = around_probes_and_webhooks(hooks, Duration::from_secs(1)).oneshot(request).await;
        assert_eq!(answer.expect("an answer").status(), StatusCode::GATEWAY_TIMEOUT);
    }
}
