//! Where Stripe tells us what happened.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

use crate::middleware::request_id;
use crate::state::AppState;

/// Events are a few kilobytes long; an invoice with many lines may be longer.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Takes a webhook. 200 only when it is kept: Stripe sends everything else again, for three days.
pub(crate) async fn receive_webhook(
    State(state): State<AppState>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let Some(cashier) = &state.cashier else { return StatusCode::NOT_FOUND.into_response() };
    let request_id = request_id(request.extensions());
    let Ok(body) = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    // The bytes as they came are what is signed. Events are UTF-8, so what is not is none.
    let body = std::str::from_utf8(&body).unwrap_or_default();
    match cashier.receive(body, signature).await {
        Ok(Ok(())) => StatusCode::OK.into_response(),
        Ok(Err(reason)) => {
            tracing::warn!(request.id = request_id, %reason, "A webhook was refused");
            StatusCode::BAD_REQUEST.into_response()
        }
        Err(error) => {
            let error = error.into_api(&request_id);
            let retry_after = error.retry_after_seconds().unwrap_or(60).to_string();
            (error.status(), [(header::RETRY_AFTER, retry_after)]).into_response()
        }
    }
}
