//! Server functions that are not there: a page of another version may call them while a deployment rolls.

use app::ApiError;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;

use crate::middleware::{ErrorFormat, request_id};

pub(crate) async fn not_found(request: Request) -> Response {
    let error =
        ApiError::invalid("This page is of another version than the server. Reload it and try again.");
    let mut response = ErrorFormat::of(&request).answer(error, &request_id(request.extensions()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
