//! A settled reply, as operators count it.

use std::time::Duration;

use app::types::Nanos;
use chrono::TimeDelta;

use crate::store::generations::state_text;
use crate::store::settlements::Settlement;
use crate::telemetry::metrics::{self, SettledReply};

pub(super) fn count(settlement: &Settlement) {
    let Settlement { attempts, usage, .. } = settlement;
    metrics::reply_settled(&SettledReply {
        model: &settlement.model,
        state: state_text(settlement.state),
        duration: duration(settlement),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        charged_nanos: count_of(settlement.charged),
    });
    for attempt in attempts {
        let first_token = attempt.first_token_ms.map(|ms| Duration::from_millis(ms.into()));
        metrics::attempt_ended(&attempt.route_key, &attempt.outcome, first_token, count_of(attempt.cost));
    }
}

/// From the begin of the first attempt to the end of the last.
fn duration(settlement: &Settlement) -> Option<Duration> {
    let (first, last) = (settlement.attempts.first()?, settlement.attempts.last()?);
    let until = last.started_at + TimeDelta::milliseconds(last.duration_ms.into());
    (until - first.started_at).to_std().ok()
}

fn count_of(nanos: Nanos) -> u64 {
    u64::try_from(nanos.0).unwrap_or(0)
}
