//! One event on its way to one endpoint.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::time::Instant;

/// Pauses before the second and later attempts, by the real clock: nobody waits for Stripe's hours.
const RETRY_PAUSES_MS: [u64; 4] = [250, 1_000, 3_000, 10_000];

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryState {
    /// Waits for its first or next attempt.
    Pending,
    /// Waits to be released.
    Held,
    Delivered,
    /// The last attempt failed too.
    Failed,
    /// Lost on purpose.
    Dropped,
}

/// An attempt: the status of the answer, or why there was none.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AttemptRecord {
    pub(crate) at: DateTime<Utc>,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
}

/// A delivery, as the journal shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Delivery {
    pub(crate) number: usize,
    pub(crate) event: String,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) endpoint: String,
    pub(crate) url: String,
    pub(crate) state: DeliveryState,
    pub(crate) attempts: Vec<AttemptRecord>,
    #[serde(skip)]
    pub(crate) payload: String,
    #[serde(skip)]
    pub(crate) secret: String,
    #[serde(skip)]
    pub(crate) not_before: Instant,
    /// Its place among those that are due.
    #[serde(skip)]
    pub(crate) place: u64,
}

impl Delivery {
    /// Notes an attempt, and decides whether there is another one.
    pub(super) fn note(&mut self, attempt: AttemptRecord) {
        let is_accepted = attempt.status.is_some_and(|status| (200..300).contains(&status));
        let pause = RETRY_PAUSES_MS.get(self.attempts.len());
        self.attempts.push(attempt);
        self.state = match pause {
            _ if is_accepted => DeliveryState::Delivered,
            Some(pause) => {
                self.not_before = Instant::now() + Duration::from_millis(*pause);
                DeliveryState::Pending
            }
            None => DeliveryState::Failed,
        };
    }
}
