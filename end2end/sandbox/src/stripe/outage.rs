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
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outage {
    mode: OutageMode,
    #[serde(default = "a_minute")]
    seconds: u64,
    requests: Option<u32>,
    /// So many requests pass first.
    #[serde(default)]
    after: u32,
    /// Only requests to these paths meet it: `/v1/events` and all below.
    #[serde(default)]
    path: String,
}

fn a_minute() -> u64 {
    60
}

/// The outage that an account is in, if any.
#[derive(Debug, Default)]
pub(crate) struct Outages(Mutex<Option<Running>>);

#[derive(Clone, Debug)]
struct Running {
    outage: Outage,
    until: Instant,
}

impl Outages {
    pub(crate) fn begin(&self, outage: Outage) {
        let until = Instant::now() + Duration::from_secs(outage.seconds.min(86_400));
        *lock(&self.0) = Some(Running { outage, until });
    }

    pub(crate) fn end(&self) {
        *lock(&self.0) = None;
    }

    /// What a request to a path that comes now meets, and until when.
    pub(crate) fn meet(&self, path: &str) -> Option<(OutageMode, Instant)> {
        let mut current = lock(&self.0);
        let Running { outage, until } = current.as_mut().filter(|running| running.until > Instant::now())?;
        if !path.contains(&outage.path) {
            return None;
        }
        if outage.after > 0 {
            outage.after -= 1;
            return None;
        }
        let met = (outage.mode, *until);
        if let Some(requests) = &mut outage.requests {
            *requests = requests.saturating_sub(1);
            if *requests == 0 {
                *current = None;
            }
        }
        Some(met)
    }
}
