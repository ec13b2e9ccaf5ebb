//! The only error on the wire, in words for people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use server_fn::codec::JsonEncoding;
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

use crate::types::{Cap, Credit, Limit};
use crate::wording::errors::{cap_sentence, credit_sentence, limit_sentence, model_sentence, pause_sentence};

pub type ApiResult<T> = Result<T, ApiError>;

/// Why something did not happen. `Display` is the sentence a person reads; it says what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ApiError {
    #[error("Sign in to go on.")]
    SignInRequired,
    #[error("There is nothing here, or it is not yours.")]
    NotFound,
    /// An operator who looks at the product as somebody else wants to change something: 403.
    #[error("You are looking at somebody else's account, so nothing can be changed. End the visit to go on.")]
    ReadOnly,
    /// An operator has suspended the account: 403.
    #[error("Your account is suspended, so there are no replies. Reading, export and billing stay open.")]
    Suspended,
    /// The request cannot be carried out as it is.
    #[error("{message}")]
    Invalid { message: String },
    /// A rate or concurrency limit is reached: 429.
    #[error("{}", limit_sentence(limit))]
    LimitReached { limit: Limit, retry_after_seconds: u32 },
    /// The month's credit does not cover another reply: 402.
    #[error("{}", credit_sentence(credit))]
    OutOfCredit { credit: Box<Credit> },
    /// The subscription's grace has passed without a payment: 402. `links::BILLING_PATH` leads to what fixes it.
    #[error("Replies are paused because your subscription could not be paid. Pay it under Billing to go on.")]
    Frozen { since: DateTime<Utc> },
    /// The bank or the card did not allow a payment: 402.
    #[error("{message}")]
    PaymentRefused { message: String },
    /// A cap the person has set, or their plan, leaves too little for another reply: 402.
    #[error("{}", cap_sentence(cap))]
    CapReached { cap: Box<Cap> },
    /// All people together have spent what the operator allows for a day: 503.
    #[error("New replies are paused for everybody, because today's budget of this service is used up. Your message is kept and nothing was charged. {}", pause_sentence(*retry_after_seconds))]
    Paused { retry_after_seconds: u32 },
    /// Operators let nobody in for a while: 503.
    #[error(
        "We are working on Plumbline, so it is closed for a while. Nothing is lost; try again in a few minutes."
    )]
    Maintenance,
    /// Operators let nobody change anything for a while: 503.
    #[error(
        "We are working on Plumbline, so nothing can be changed for a while. You can read and export everything; try again in a few minutes."
    )]
    ChangesPaused,
    /// Something we depend on is away for a moment: 503.
    #[error("We cannot do this right now. Nothing is lost; try again in {retry_after_seconds} seconds.")]
    Unavailable { retry_after_seconds: u32 },
    /// The model's provider failed: 502.
    #[error("{}", model_sentence(*failure))]
    Model {
        failure: ModelFailure,
        /// The part of the request that it did not accept, as it calls it. For programs: people send only words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        param: Option<String>,
    },
    /// A fault of ours: 500. The id leads operators to the log.
    #[error("Something went wrong on our side. If it happens again, tell us this number: {request_id}")]
    Internal { request_id: String },
    /// The server could not be reached, or its answer made no sense. Made in the browser only.
    #[error("The connection was lost. Check that you are online, then try again.")]
    Connection,
}

/// How the model's provider failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelFailure {
    /// Not reachable, or it answered with an error.
    Unavailable,
    /// It refused because too much is asked of it.
    Overloaded,
    /// It did not begin to answer in time.
    NoFirstToken,
    /// It stopped in mid-answer.
    Interrupted,
    /// It would not answer this request.
    Refused,
    /// Its filter ended the answer, or let none begin.
    Filtered,
    /// It ended without a word.
    Empty,
}

impl ApiError {
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    pub fn model(failure: ModelFailure) -> Self {
        Self::Model { failure, param: None }
    }

    /// Its name, for logs; on the wire it is the same.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SignInRequired => "sign_in_required",
            Self::NotFound => "not_found",
            Self::ReadOnly => "read_only",
            Self::Suspended => "suspended",
            Self::Invalid { .. } => "invalid",
            Self::LimitReached { .. } => "limit_reached",
            Self::OutOfCredit { .. } => "out_of_credit",
            Self::Frozen { .. } => "frozen",
            Self::PaymentRefused { .. } => "payment_refused",
            Self::CapReached { .. } => "cap_reached",
            Self::Paused { .. } => "paused",
            Self::Maintenance => "maintenance",
            Self::ChangesPaused => "changes_paused",
            Self::Unavailable { .. } => "unavailable",
            Self::Model { .. } => "model",
            Self::Internal { .. } => "internal",
            Self::Connection => "connection",
        }
    }

    /// The same request may succeed later, so a "Try again" makes sense.
    pub fn is_retryable(&self) -> bool {
        !matches!(
            self,
            Self::SignInRequired
                | Self::NotFound
                | Self::ReadOnly
                | Self::Suspended
                | Self::Invalid { .. }
                | Self::OutOfCredit { .. }
                | Self::Frozen { .. }
                | Self::PaymentRefused { .. }
        )
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    /// Errors of the transport itself. Their texts hold internals, so they are dropped.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        #[cfg(feature = "ssr")]
        if matches!(
            error,
            ServerFnErrorErr::Args(_)
                | ServerFnErrorErr::MissingArg(_)
                | ServerFnErrorErr::Deserialization(_)
        ) {
            let invalid = Self::invalid("This request could not be read. Reload the page and try again.");
            crate::api::set_error_status(&invalid);
            return invalid;
        }
        crate::reports::report_call(&error);
        Self::Connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_called_the_same_in_the_log_and_on_the_wire() {
        for error in [
            ApiError::SignInRequired,
            ApiError::NotFound,
            ApiError::ReadOnly,
            ApiError::Suspended,
            ApiError::invalid("No."),
            ApiError::Frozen { since: DateTime::UNIX_EPOCH },
            ApiError::PaymentRefused { message: String::new() },
            ApiError::Paused { retry_after_seconds: 1 },
            ApiError::Maintenance,
            ApiError::ChangesPaused,
            ApiError::Unavailable { retry_after_seconds: 1 },
            ApiError::model(ModelFailure::Empty),
            ApiError::Internal { request_id: String::new() },
            ApiError::Connection,
        ] {
            let sent = serde_json::to_value(&error).expect("JSON");
            assert_eq!(sent["type"], error.code());
        }
    }

    #[test]
    fn transport_errors_carry_no_internals() {
        let error =
            ApiError::from_server_fn_error(ServerFnErrorErr::Request("http://10.0.0.1 refused".to_owned()));
        assert!(!error.to_string().contains("10.0.0.1"));
    }
}
