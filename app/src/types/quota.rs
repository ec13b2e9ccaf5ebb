//! What a person may use, and what they have left.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Nanos;

/// The names of the limits, most pressing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    /// Replies being written at this moment.
    ConcurrentReplies,
    /// Requests in the last 60 seconds.
    RequestsPerMinute,
    /// Requests in the last 24 hours.
    RequestsPerDay,
    /// Tokens read and written by the requests of the last 60 seconds; what a reply in progress may still use is counted.
    TokensPerMinute,
    /// Requests in the last 60 seconds of people who have not signed in, from one network address.
    RequestsPerAddress,
}

/// One limit and where the account stands with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    pub name: LimitName,
    pub limit: u32,
    pub used: u32,
    pub remaining: u32,
    /// When the next request fits (at the limit) or the oldest one stops counting (below it). None: nothing counts now,
    /// or it depends on when a reply ends.
    pub resets_at: Option<DateTime<Utc>>,
}

/// Money left to spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// What this month's credit started with.
    pub granted: Nanos,
    /// Set aside for replies in progress.
    pub held: Nanos,
    /// What a new reply may cost: below zero when the last reply cost more than was left.
    pub available: Nanos,
    /// When the month's credit is given anew.
    pub resets_at: DateTime<Utc>,
}

/// Everything an account has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub plan_name: String,
    pub limits: Vec<Limit>,
    pub credit: Credit,
}

impl Quota {
    pub fn limit(&self, name: LimitName) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.name == name)
    }
}

/// What can be subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Stable, as stored: `free`.
    pub key: String,
    pub name: String,
    pub requests_per_minute: u32,
    pub requests_per_day: u32,
    pub tokens_per_minute: u32,
    pub concurrent_replies: u32,
    pub monthly_credit: Nanos,
}
