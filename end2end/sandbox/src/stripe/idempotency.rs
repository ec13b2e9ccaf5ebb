//! Idempotency keys: the same request with the same key gets the first answer again.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde_json::Value;

use crate::stripe::error::StripeError;

/// What was answered, by key.
#[derive(Debug, Default)]
pub(crate) struct Answers(HashMap<String, Kept>);

#[derive(Clone, Debug)]
struct Kept {
    request: Vec<u8>,
    status: StatusCode,
    body: Value,
}

impl Answers {
    /// The answer that a key has already, if any.
    ///
    /// # Errors
    ///
    /// When the key came with another request.
    pub(crate) fn recall(
        &self,
        key: &str,
        request: &[u8],
    ) -> Result<Option<(StatusCode, Value)>, StripeError> {
        match self.0.get(key) {
            None => Ok(None),
            Some(kept) if kept.request == request => Ok(Some((kept.status, kept.body.clone()))),
            Some(_) => Err(StripeError::idempotency(key)),
        }
    }

    /// Keeps an answer. Requests that were not understood are not kept, as nothing was done.
    pub(crate) fn keep(&mut self, key: &str, request: &[u8], status: StatusCode, body: &Value) {
        if status != StatusCode::BAD_REQUEST && status != StatusCode::NOT_FOUND {
            let kept = Kept { request: request.to_vec(), status, body: body.clone() };
            self.0.insert(key.to_owned(), kept);
        }
    }
}
