//! The API going down on demand.

use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::stripe::lock;

/// How the API is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutageMode {
    /// 503, and nothing is done.
    Unavailable,
    /// The request is done, but its answer is a 503: an idempotency key tells.
    LoseAnswer,
    /// No answer for as long as the outage lasts; then 503.
    Stall,
}

/// An outage for so many seconds of the real clock, or so many requests if that is given.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outage {
    mode: OutageMode,
    #[serde(default = "a_minute")]
    seconds: u64,
    requests: Option<u32>,
}

fn a_minute() -> u64 {
    60
}

/// The outage that an account is in, if any.
#[derive(Debug, Default)]
pub(crate) struct Outages(Mutex<Option<Running>>);

#[derive(Clone, Copy, Debug)]
struct Running {
    mode: OutageMode,
    until: Instant,
    requests: Option<u32>,
}

impl Outages {
    pub(crate) fn begin(&self, outage: Outage) {
        let until = Instant::now() + Duration::from_secs(outage.seconds.min(86_400));
        *lock(&self.0) = Some(Running { mode: outage.mode, until, requests: outage.requests });
    }

    pub(crate) fn end(&self) {
        *lock(&self.0) = None;
    }

    /// What a request that comes now meets, and until when.
    pub(crate) fn meet(&self) -> Option<(OutageMode, Instant)> {
        let mut current = lock(&self.0);
        let running = current.as_mut().filter(|running| running.until > Instant::now())?;
        let met = (running.mode, running.until);
        if let Some(requests) = &mut running.requests {
            *requests = requests.saturating_sub(1);
            if *requests == 0 {
                *current = None;
            }
        }
        Some(met)
    }
}
