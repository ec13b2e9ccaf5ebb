//! The server's error: keeps the cause for the log and tells people only what helps them.

use app::types::Actor;
use app::{ApiError, ApiResult};

use crate::providers::identity::IdentityError;
use crate::providers::stripe::StripeError;
use crate::store::StoreError;

pub type AppResult<T> = Result<T, AppError>;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Decided by a rule, and meant to be read by people. Not a fault.
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Stripe(#[from] StripeError),
    /// A task of ours panicked or was cut off.
    #[error("a task ended without a result")]
    TaskLost,
}

/// How long a client should wait when Stripe is away.
const STRIPE_RETRY_AFTER_SECONDS: u32 = 10;

/// How long a client should wait when the database is busy or away.
const RETRY_AFTER_SECONDS: u32 = 2;

impl AppError {
    /// What people are told. Faults are logged here, once, with the request's id.
    pub fn into_api(self, request_id: &str) -> ApiError {
        match self {
            Self::Api(error) => error,
            Self::Store(StoreError::NotFound) => ApiError::NotFound,
            Self::Store(error @ (StoreError::PoolExhausted | StoreError::Unavailable(_))) => {
                tracing::error!(request.id = request_id, %error, "Answered 503");
                ApiError::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS }
            }
            Self::Stripe(StripeError::PaymentRefused(message)) => ApiError::PaymentRefused { message },
            Self::Stripe(error @ StripeError::Unavailable(_)) => {
                tracing::error!(request.id = request_id, %error, "Answered 503: Stripe is away");
                ApiError::Unavailable { retry_after_seconds: STRIPE_RETRY_AFTER_SECONDS }
            }
            fault => {
                tracing::error!(request.id = request_id, error = %fault, "Answered with an internal error");
                ApiError::Internal { request_id: request_id.to_owned() }
            }
        }
    }
}

/// Runs a service's work and turns its error into what people are told.
pub(crate) async fn reported<T>(actor: &Actor, work: impl Future<Output = AppResult<T>>) -> ApiResult<T> {
    work.await.map_err(|error| error.into_api(&actor.request_id))
}
