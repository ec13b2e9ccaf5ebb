//! Errors in Anthropic's shape.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

/// An error response.
#[derive(Clone, Debug)]
pub(crate) struct AnthropicError {
    status: StatusCode,
    retry_after_seconds: Option<u64>,
    kind: &'static str,
    message: String,
}

impl AnthropicError {
    /// 401, without repeating the key.
    pub(crate) fn wrong_key(key: Option<&str>) -> Self {
        Self::new(401, if key.is_some() { "invalid x-api-key" } else { "x-api-key header is required" })
    }

    /// 400.
    pub(crate) fn invalid_request(message: &str) -> Self {
        Self::new(400, message)
    }

    /// 404 for a model that is not served.
    pub(crate) fn model_not_found(model: &str) -> Self {
        Self::new(404, &format!("model: {model}"))
    }

    /// The error a script asks for by its status.
    pub(crate) fn scripted(status: u16, retry_after_seconds: Option<u64>) -> Self {
        let message = match status {
            401 => "invalid x-api-key",
            404 => "Not found",
            429 => "This request would exceed your organization's rate limit.",
            529 => "Overloaded",
            500.. => "Internal server error",
            _ => "Your request was refused.",
        };
        Self { retry_after_seconds, ..Self::new(status, message) }
    }

    /// The same in other words, if there are any.
    pub(crate) fn saying(mut self, message: Option<&str>) -> Self {
        if let Some(message) = message {
            message.clone_into(&mut self.message);
        }
        self
    }

    /// The error as it comes in the middle of a stream.
    pub(crate) fn to_event(&self) -> Value {
        json!({"type": "error", "error": {"type": self.kind, "message": self.message}})
    }

    fn new(status: u16, message: &str) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            retry_after_seconds: None,
            kind: kind(status),
            message: message.to_owned(),
        }
    }
}

/// The vendor's name for a status.
fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// A fresh id for support desks, as it is in the header `request-id` and in errors.
pub(crate) fn request_id() -> String {
    format!("req_{}", Uuid::new_v4().simple())
}

impl IntoResponse for AnthropicError {
    fn into_response(self) -> Response {
        let (mut body, id) = (self.to_event(), request_id());
        body["request_id"] = json!(id);
        let mut response = (self.status, Json(body)).into_response();
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert("request-id", id);
        }
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_the_vendors_names() {
        let names = [
            (400, "invalid_request_error"),
            (401, "authentication_error"),
            (404, "not_found_error"),
            (429, "rate_limit_error"),
            (500, "api_error"),
            (503, "api_error"),
            (529, "overloaded_error"),
        ];
        for (status, name) in names {
            let event = AnthropicError::scripted(status, None).to_event();
            assert_eq!(
                (&event["type"], &event["error"]["type"]),
                (&json!("error"), &json!(name)),
                "{status}"
            );
        }
    }
}
