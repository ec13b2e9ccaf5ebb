//! Errors in OpenAI's shape.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

/// An error response.
#[derive(Clone, Debug)]
pub(crate) struct OpenaiError {
    status: StatusCode,
    retry_after_seconds: Option<u64>,
    detail: Detail,
}

/// The `error` object, in a response or in the middle of a stream.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Detail {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

impl OpenaiError {
    /// 401, without repeating the key.
    pub(crate) fn wrong_key(key: Option<&str>) -> Self {
        let message = match key {
            Some(_) => {
                "Incorrect API key provided. The sandbox accepts `sandbox-key` and `sandbox-key-<name>`."
            }
            None => "You didn't provide an API key. The sandbox accepts `Authorization: Bearer sandbox-key`.",
        };
        Self::new(401, message, "invalid_request_error", key.map(|_| "invalid_api_key"))
    }

    /// 400.
    pub(crate) fn invalid_request(message: &str, param: Option<&'static str>) -> Self {
        let mut error = Self::new(400, message, "invalid_request_error", None);
        error.detail.param = param;
        error
    }

    /// 400 for a parameter that this model does not know.
    pub(crate) fn unsupported(param: &'static str) -> Self {
        let message = format!("Unsupported parameter: '{param}' is not supported with this model.");
        let error = Self::invalid_request(&message, Some(param));
        Self { detail: Detail { code: Some("unsupported_parameter"), ..error.detail }, ..error }
    }

    /// 404 for a model that is not served.
    pub(crate) fn model_not_found(model: &str) -> Self {
        let message = format!("The model `{model}` does not exist or you do not have access to it.");
        Self::new(404, &message, "invalid_request_error", Some("model_not_found"))
    }

    /// The error a script asks for by its status.
    pub(crate) fn scripted(status: u16, retry_after_seconds: Option<u64>) -> Self {
        let (message, kind, code) = match status {
            401 => ("Incorrect API key provided.", "invalid_request_error", Some("invalid_api_key")),
            404 => ("The model does not exist.", "invalid_request_error", Some("model_not_found")),
            429 => ("Rate limit reached for requests.", "requests", Some("rate_limit_exceeded")),
            503 => ("The engine is currently overloaded, please try again later.", "server_error", None),
            500.. => ("The server had an error while processing your request.", "server_error", None),
            _ => ("Your request was refused.", "invalid_request_error", None),
        };
        Self { retry_after_seconds, ..Self::new(status, message, kind, code) }
    }

    /// The same in other words, if there are any.
    pub(crate) fn saying(mut self, message: Option<&str>) -> Self {
        if let Some(message) = message {
            message.clone_into(&mut self.detail.message);
        }
        self
    }

    /// The `error` object alone.
    pub(crate) fn into_detail(self) -> Detail {
        self.detail
    }

    fn new(status: u16, message: &str, kind: &'static str, code: Option<&'static str>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            retry_after_seconds: None,
            detail: Detail { message: message.to_owned(), kind, param: None, code },
        }
    }
}

impl IntoResponse for OpenaiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({"error": self.detail}))).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
