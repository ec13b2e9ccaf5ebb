//! Errors as OpenAI's clients read them. <https://platform.openai.com/docs/guides/error-codes>

use app::types::{Limit, LimitName};
use app::{ApiError, ModelFailure};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use super::limits::set_limits;
use crate::services::generation::{Refusal, RefusalReason};
use crate::telemetry;

/// Says what is wrong and what to do, to people in `message` and to programs in the rest.
#[derive(Debug, Serialize)]
pub(crate) struct V1Error {
    message: String,
    r#type: &'static str,
    /// The part of the request that is wrong.
    param: Option<String>,
    code: Option<&'static str>,
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
    /// Where the account stands with them, when one of them is reached.
    #[serde(skip)]
    limits: Vec<Limit>,
    /// The usual clients would try again in a moment, which cannot help.
    #[serde(skip)]
    is_lasting: bool,
}

/// How it stands in a body, and in a stream.
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a V1Error,
}

/// As the clients of OpenAI and Anthropic read it.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";

impl V1Error {
    fn new(status: StatusCode, r#type: &'static str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            r#type,
            param: None,
            code: None,
            status,
            retry_after_seconds: None,
            limits: Vec::new(),
            is_lasting: false,
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self { code: Some("not_found"), ..Self::new(StatusCode::NOT_FOUND, INVALID, message) }
    }

    pub(super) fn no_such_model(message: impl Into<String>) -> Self {
        Self { code: Some("model_not_found"), param: Some("model".to_owned()), ..Self::not_found(message) }
    }

    /// Without a key, or with one that is no good.
    pub(crate) fn no_key() -> Self {
        let message = "Send your API key as `Authorization: Bearer plb_…`. This one is missing, wrong or revoked; make one under API keys.";
        Self { code: Some("invalid_api_key"), ..Self::new(StatusCode::UNAUTHORIZED, INVALID, message) }
    }

    pub(super) fn about(self, param: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..self }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn with_code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Why a request gets no answer.
    pub(super) fn refused(refusal: Refusal) -> Self {
        let message = refusal.error.to_string();
        match refusal.reason {
            RefusalReason::TooLong => {
                Self::invalid(message).about("messages").with_code("context_length_exceeded")
            }
            RefusalReason::NoJson => {
                Self::invalid(message).about("response_format").with_code("unsupported_parameter")
            }
            RefusalReason::NoModel(_) => Self::no_such_model(message),
            RefusalReason::Limit(_) if !refusal.limits.is_empty() => {
                Self { limits: refusal.limits, ..refusal.error.into() }
            }
            _ => refusal.error.into(),
        }
    }

    fn not_accepted(self, param: &str) -> Self {
        let message = format!("The model's provider did not accept `{param}`. Change it, or leave it out.");
        Self { message, ..self.about(param) }
    }

    /// As the last thing in a stream.
    pub(super) fn frame(&self) -> String {
        serde_json::json!(ErrorBody { error: self }).to_string()
    }
}

impl From<ApiError> for V1Error {
    fn from(error: ApiError) -> Self {
        let (r#type, code, status) = match &error {
            ApiError::LimitReached { limit, .. } => {
                let r#type = if limit.name == LimitName::TokensPerMinute { "tokens" } else { "requests" };
                (r#type, Some("rate_limit_exceeded"), error.status())
            }
            ApiError::OutOfCredit { .. } | ApiError::CapReached { .. } | ApiError::Frozen { .. } => {
                ("insufficient_quota", Some("insufficient_quota"), error.status())
            }
            ApiError::Suspended => (INVALID, Some("account_suspended"), error.status()),
            ApiError::Model { failure: ModelFailure::Refused, .. } => {
                (INVALID, Some("refused"), StatusCode::BAD_REQUEST)
            }
            ApiError::Model { failure: ModelFailure::Filtered, .. } => {
                (INVALID, Some("content_filter"), StatusCode::BAD_REQUEST)
            }
            ApiError::Model { failure: ModelFailure::Overloaded, .. } => {
                (SERVER, Some("overloaded"), StatusCode::SERVICE_UNAVAILABLE)
            }
            _ if error.status().is_server_error() => (SERVER, None, error.status()),
            _ => (INVALID, None, error.status()),
        };
        let retry_after_seconds = error.retry_after_seconds();
        let told = Self { code, retry_after_seconds, ..Self::new(status, r#type, error.to_string()) };
        match error {
            ApiError::LimitReached { limit, .. } => {
                let is_lasting = limit.name == LimitName::RequestsPerDay;
                Self { is_lasting, limits: vec![limit], ..told }
            }
            ApiError::Model { param: Some(param), .. } => told.not_accepted(place(&param)),
            _ => Self { is_lasting: status == StatusCode::PAYMENT_REQUIRED, ..told },
        }
    }
}

/// Where it stands in the request that we were sent. Of messages providers number those that they were sent: instructions
/// are one of them, and silent answers none.
fn place(param: &str) -> &str {
    if param.starts_with("messages") { "messages" } else { param }
}

impl IntoResponse for V1Error {
    fn into_response(self) -> Response {
        telemetry::set_refusal(self.code.unwrap_or(self.r#type), self.param.as_deref());
        let mut response = (self.status, Json(ErrorBody { error: &self })).into_response();
        set_limits(response.headers_mut(), &self.limits);
        if self.is_lasting {
            response.headers_mut().insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
