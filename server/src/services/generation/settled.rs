//! A settled reply, as operators count it.

use std::time::Duration;

use app::types::Nanos;
use chrono::TimeDelta;

use crate::store::Attempt;
use crate::store::catalog::Route;
use crate::store::settlements::Settlement;
use crate::telemetry::metrics::{self, EndedAttempt, SettledReply};

/// `routes` are those of its model.
pub(super) fn count(settlement: &Settlement, routes: &[Route]) {
    let Settlement { attempts, usage, .. } = settlement;
    let answering = attempts.last().map(|attempt| attempt.route_key.as_str());
    metrics::reply_settled(&SettledReply {
        model: &settlement.model,
        provider: provider(routes, answering),
        state: settlement.state.as_str(),
        duration: duration(settlement),
        usage: *usage,
        charged_nanos: count_of(settlement.charged),
    });
    for (index, attempt) in attempts.iter().enumerate() {
        metrics::attempt_ended(&EndedAttempt {
            model: &settlement.model,
            provider: provider(routes, Some(&attempt.route_key)),
            route: &attempt.route_key,
            kind: kind(&attempts[..index], attempt),
            outcome: attempt.outcome.as_str(),
            first_token: attempt.first_token_ms.map(|ms| Duration::from_millis(ms.into())),
            cost_nanos: count_of(attempt.cost),
        });
    }
}

/// Why it was made, by those before it.
fn kind(earlier: &[Attempt], attempt: &Attempt) -> &'static str {
    if earlier.is_empty() {
        "first"
    } else if earlier.iter().any(|other| other.route_key == attempt.route_key) {
        "retry"
    } else {
        "fallback"
    }
}

fn provider(routes: &[Route], route_key: Option<&str>) -> &'static str {
    let route = routes.iter().find(|route| Some(route.key.as_str()) == route_key);
    route.map_or("none", |route| route.provider.key())
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
