//! The script that counts, and what its answer means.

use std::time::Duration;

use app::types::{Limit, LimitName, Plan};
use chrono::DateTime;
use redis::{Script, ScriptInvocation};
use uuid::Uuid;

use super::{Admission, Reached};

/// The most that is admitted; 0: there is no such limit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    pub(super) requests_per_minute: u32,
    pub(super) requests_per_day: u32,
    pub(super) tokens_per_minute: u32,
    pub(super) concurrent_replies: u32,
}

impl From<&Plan> for Rates {
    fn from(plan: &Plan) -> Self {
        Self {
            requests_per_minute: plan.requests_per_minute,
            requests_per_day: plan.requests_per_day,
            tokens_per_minute: plan.tokens_per_minute,
            concurrent_replies: plan.concurrent_replies,
        }
    }
}

impl Rates {
    /// What one of so many processes admits by itself: at least one of each that there is.
    pub(super) fn share(self, replicas: u32) -> Self {
        Self {
            requests_per_minute: self.requests_per_minute.div_ceil(replicas),
            requests_per_day: self.requests_per_day.div_ceil(replicas),
            tokens_per_minute: self.tokens_per_minute.div_ceil(replicas),
            concurrent_replies: self.concurrent_replies.div_ceil(replicas),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// With the tokens it may use.
    Admit(Uuid, u32),
    /// The same of one that was admitted without Redis, so whether it fits is no question.
    Count(Uuid, u32),
    Read,
    /// With the tokens it has used.
    Finish(Uuid, u32),
    Forget(Uuid),
}

/// Nobody knows when a reply ends: a few seconds.
pub(super) const REPLY_WAIT: Duration = Duration::from_secs(2);

pub(super) fn script() -> Script {
    Script::new(include_str!("windows.lua"))
}

pub(super) fn invocation<'a>(
    script: &'a Script,
    key: &str,
    action: Action,
    rates: Rates,
    reply_lease: Duration,
) -> ScriptInvocation<'a> {
    let (name, id, tokens) = match action {
        Action::Admit(id, tokens) => ("admit", Some(id), tokens),
        Action::Count(id, tokens) => ("count", Some(id), tokens),
        Action::Read => ("read", None, 0),
        Action::Finish(id, tokens) => ("finish", Some(id), tokens),
        Action::Forget(id) => ("forget", Some(id), 0),
    };
    let mut call = script.prepare_invoke();
    call.key(key)
        .arg(name)
        .arg(id.map(|id| id.as_bytes().to_vec()).unwrap_or_default())
        .arg(tokens)
        .arg(rates.requests_per_minute)
        .arg(rates.requests_per_day)
        .arg(rates.tokens_per_minute)
        .arg(rates.concurrent_replies)
        .arg(reply_lease.as_secs());
    call
}

/// The script's answer; times are in microseconds by Redis' clock.
pub(super) struct Windows {
    /// 0 admitted, 1 to 4 refused by concurrency, minute, day, tokens.
    outcome: i64,
    replies: i64,
    /// Each with its reset, 0 when there is none.
    minute: (i64, i64),
    day: (i64, i64),
    tokens: (i64, i64),
    /// Of the tokens, what replies in progress may still use.
    held_tokens: i64,
    now: i64,
}

impl From<[i64; 10]> for Windows {
    fn from(numbers: [i64; 10]) -> Self {
        let [outcome, replies, minute, minute_resets_at, day, day_resets_at, rest @ ..] = numbers;
        let [tokens, tokens_reset_at, held_tokens, now] = rest;
        Self {
            outcome,
            replies,
            minute: (minute, minute_resets_at),
            day: (day, day_resets_at),
            tokens: (tokens, tokens_reset_at),
            held_tokens,
            now,
        }
    }
}

impl Windows {
    pub(super) fn limits(&self, rates: Rates) -> Vec<Limit> {
        let tokens = limit(LimitName::TokensPerMinute, rates.tokens_per_minute, self.tokens);
        vec![
            limit(LimitName::ConcurrentReplies, rates.concurrent_replies, (self.replies, 0)),
            limit(LimitName::RequestsPerMinute, rates.requests_per_minute, self.minute),
            limit(LimitName::RequestsPerDay, rates.requests_per_day, self.day),
            Limit { held: whole(self.held_tokens), ..tokens },
        ]
    }

    pub(super) fn admission(&self, rates: Rates) -> Admission {
        let limits = self.limits(rates);
        let refusing = usize::try_from(self.outcome - 1).ok().and_then(|index| limits.get(index)).cloned();
        match refusing {
            Some(limit) => {
                Admission::Refused { reached: Reached { retry_after: self.wait(&limit), limit }, limits }
            }
            None => Admission::Admitted(limits),
        }
    }

    /// Until the next request fits.
    fn wait(&self, limit: &Limit) -> Duration {
        let Some(resets_at) = limit.resets_at else { return REPLY_WAIT };
        let micros = u64::try_from(resets_at.timestamp_micros() - self.now).unwrap_or(0);
        whole_seconds(Duration::from_micros(micros))
    }
}

/// As people are told to wait: not too short, and at least one.
pub(super) fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(Duration::from_secs(1))
}

fn limit(name: LimitName, limit: u32, (used, resets_at_micros): (i64, i64)) -> Limit {
    let used = whole(used);
    let resets_at = (resets_at_micros > 0).then(|| DateTime::from_timestamp_micros(resets_at_micros));
    let remaining = limit.saturating_sub(used);
    Limit { name, limit, used, held: 0, remaining, resets_at: resets_at.flatten() }
}

fn whole(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
