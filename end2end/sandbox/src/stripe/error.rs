//! Errors as Stripe words them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What an operation answers.
pub(crate) type Answer<T = Value> = Result<T, StripeError>;

/// A refusal: a status and what goes into `error`.
#[derive(Clone, Debug)]
pub(crate) struct StripeError {
    pub(crate) status: StatusCode,
    pub(crate) error: Value,
}

impl StripeError {
    fn request(status: StatusCode, code: Option<&str>, param: Option<&str>, message: String) -> Self {
        let mut error = json!({"type": "invalid_request_error", "message": message});
        if let Some(code) = code {
            error["code"] = code.into();
            error["doc_url"] =
                format!("https://docs.stripe.com/error-codes/{}", code.replace('_', "-")).into();
        }
        if let Some(param) = param {
            error["param"] = param.into();
        }
        Self { status, error }
    }

    pub(crate) fn missing_parameter(param: &str) -> Self {
        let message = format!("Missing required param: {param}.");
        Self::request(StatusCode::BAD_REQUEST, Some("parameter_missing"), Some(param), message)
    }

    pub(crate) fn unknown_parameter(param: &str) -> Self {
        let message = format!("Received unknown parameter: {param}");
        Self::request(StatusCode::BAD_REQUEST, Some("parameter_unknown"), Some(param), message)
    }

    pub(crate) fn invalid(param: &str, message: String) -> Self {
        Self::request(StatusCode::BAD_REQUEST, Some("parameter_invalid"), Some(param), message)
    }

    /// The request is well-formed, but not for an object in this state.
    pub(crate) fn refused(code: Option<&str>, message: impl Into<String>) -> Self {
        Self::request(StatusCode::BAD_REQUEST, code, None, message.into())
    }

    /// The object that the address names is not there.
    pub(crate) fn not_found(kind: &str, id: &str) -> Self {
        let message = format!("No such {}: '{id}'", noun_of(kind));
        Self::request(StatusCode::NOT_FOUND, Some("resource_missing"), Some("id"), message)
    }

    /// The object that a parameter names is not there.
    pub(crate) fn no_such(kind: &str, id: &str, param: &str) -> Self {
        let message = format!("No such {}: '{id}'", noun_of(kind));
        Self::request(StatusCode::BAD_REQUEST, Some("resource_missing"), Some(param), message)
    }

    pub(crate) fn unknown_url(method: &str, path: &str) -> Self {
        let message =
            format!("Unrecognized request URL ({method}: {path}). The sandbox's Stripe does not have it.");
        Self::request(StatusCode::NOT_FOUND, None, None, message)
    }

    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::request(StatusCode::UNAUTHORIZED, None, None, message.to_owned())
    }

    /// A key that was used with another request before.
    pub(crate) fn idempotency(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try \
             using a key other than '{key}' if you meant to execute a different request."
        );
        Self {
            status: StatusCode::BAD_REQUEST,
            error: json!({"type": "idempotency_error", "message": message}),
        }
    }

    /// A payment that did not go through. `details` are the codes and the message.
    pub(crate) fn card(details: Value) -> Self {
        Self { status: StatusCode::PAYMENT_REQUIRED, error: details }
    }

    /// Stripe itself fails.
    pub(crate) fn down() -> Self {
        let message = "An unknown error occurred. (The sandbox was told to be down.)";
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: json!({"type": "api_error", "message": message}),
        }
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        json!({"error": self.error})
    }
}

impl IntoResponse for StripeError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}

/// The last part of the object's name, as in Stripe's messages.
fn noun_of(kind: &str) -> &str {
    kind.rsplit('.').next().unwrap_or(kind)
}
