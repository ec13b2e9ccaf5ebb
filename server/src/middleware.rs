//! What happens around every request, in order.

mod address_limit;
mod compress;
mod headers;
mod maintenance;
mod operators;
mod referer;
mod request_facts;
mod request_metrics;
mod request_span;
mod request_trace;
mod session;

use std::any::Any;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use http::{HeaderName, StatusCode};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;

pub(crate) use self::headers::CspNonce;
pub(crate) use self::request_span::request_id;
use self::request_span::{NewRequestId, RequestSpan, log_response};
pub(crate) use self::session::{BrowserCookies, session_token};
use crate::routes::error_page;
use crate::state::AppState;

/// Until the head of the answer: streams may go on for as long as they like.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest prompt in its worst encoding, with room to spare.
const MAX_BODY_BYTES: usize = 256 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Around everything, outermost first.
pub(crate) fn around_all(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let layers = ServiceBuilder::new()
        .layer(middleware::from_fn(request_metrics::record))
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
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(middleware::from_fn_with_state(state.clone(), headers::set_headers))
        .layer(CatchPanicLayer::custom(answer_panic));
    router.layer(layers)
}

/// Around pages, server functions and sign-in, outermost first.
pub(crate) fn around_pages(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let layers = ServiceBuilder::new()
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn(referer::lead_back))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, HEAD_TIMEOUT))
        .layer(middleware::from_fn(compress::compress))
        .layer(middleware::from_fn_with_state(state.clone(), session::set_actor))
        .layer(middleware::from_fn(maintenance::close))
        .layer(middleware::from_fn_with_state(state.clone(), address_limit::limit_addresses))
        .layer(middleware::from_fn(operators::refuse_others))
        // Innermost: it changes the body's type.
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES));
    router.layer(layers)
}

/// The panic itself is logged by the hook for panics, with the request's span around it.
fn answer_panic(_: Box<dyn Any + Send + 'static>) -> Response<Body> {
    error_page::internal().into_response()
}
