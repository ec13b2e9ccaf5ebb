//! What a person may use, and what they have left.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Alert, Cap, CapTerms, Nanos, ThreadId};

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
    /// Requests that came at the same moment and wait to be admitted.
    WaitingRequests,
}

impl LimitName {
    /// As in JSON and in metrics.
    pub fn key(self) -> &'static str {
        match self {
            Self::ConcurrentReplies => "concurrent_replies",
            Self::RequestsPerMinute => "requests_per_minute",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::RequestsPerDay => "requests_per_day",
            Self::RequestsPerAddress => "requests_per_address",
            Self::WaitingRequests => "waiting_requests",
        }
    }
}

/// One limit and where the account stands with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    pub name: LimitName,
    pub limit: u32,
    pub used: u32,
    /// Of what is used, the tokens that replies in progress may still use. None of the other limits has any.
    #[serde(default)]
    pub held: u32,
    pub remaining: u32,
    /// When the next request fits (at the limit) or the oldest one stops counting (below it). None: nothing counts now,
    /// or it depends on when a reply ends.
    pub resets_at: Option<DateTime<Utc>>,
}

/// Money left to spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// What there was to spend in this month or billing period: what it began with and what was given since.
    pub granted: Nanos,
    /// Set aside for replies in progress.
    pub held: Nanos,
    /// What a new reply may cost: below zero when the last reply cost more than was left.
    pub available: Nanos,
    /// When the month's credit is given anew.
    pub resets_at: DateTime<Utc>,
    /// Pay as you go. None: it is off.
    #[serde(default)]
    pub overage: Option<Overage>,
}

impl Credit {
    /// What replies have cost of it.
    pub fn used(&self) -> Nanos {
        let held = self.held - self.overage.map_or(Nanos::ZERO, |overage| overage.held);
        (self.granted - held - self.available).or_zero()
    }

    /// What a new reply may cost in all.
    pub fn spendable(&self) -> Nanos {
        self.available + self.overage.map_or(Nanos::ZERO, |overage| overage.left())
    }

    /// Replies cost more than there is credit: what comes next is on the next invoice.
    pub fn is_used_up(&self) -> bool {
        self.available <= Nanos::ZERO
    }
}

/// What replies may cost beyond credit, to be paid with the next invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overage {
    /// The most in a billing period.
    pub cap: Nanos,
    /// In this one.
    pub used: Nanos,
    /// Set aside for replies in progress; part of what credit has held.
    pub held: Nanos,
}

impl Overage {
    pub fn left(&self) -> Nanos {
        (self.cap - self.used - self.held).or_zero()
    }
}

/// Everything an account has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub plan_name: String,
    pub limits: Vec<Limit>,
    pub credit: Credit,
    /// The month's, if there is one, then those of conversations, last changed first.
    #[serde(default)]
    pub caps: Vec<Cap>,
    /// What was passed this month and not dismissed yet, the highest first.
    #[serde(default)]
    pub alerts: Vec<Alert>,
    /// The plan's cap for the month, whatever the person has set.
    #[serde(default)]
    pub plan_cap: Option<CapTerms>,
    /// The plan's cap for each conversation. Conversations that have no other are not in `caps`.
    #[serde(default)]
    pub plan_thread_cap: Option<CapTerms>,
}

impl Quota {
    pub fn limit(&self, name: LimitName) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.name == name)
    }

    pub fn monthly_cap(&self) -> Option<&Cap> {
        self.caps.iter().find(|cap| cap.thread_id().is_none())
    }

    pub fn thread_cap(&self, id: ThreadId) -> Option<&Cap> {
        self.caps.iter().find(|cap| cap.thread_id() == Some(id))
    }
}

#[cfg(test)]
impl Quota {
    /// Of a plan with a hundred requests a minute and a day, of which so many are left.
    pub fn with_left(minute: u32, day: u32) -> Self {
        let limit = |name, remaining| Limit {
            name,
            limit: 100,
            used: 100 - remaining,
            held: 0,
            remaining,
            resets_at: None,
        };
        let credit = Credit {
            granted: Nanos::from_cents(50),
            held: Nanos::ZERO,
            available: Nanos::from_cents(48),
            resets_at: DateTime::UNIX_EPOCH,
            overage: None,
        };
        Self {
            plan_name: "Free".to_owned(),
            limits: vec![limit(LimitName::RequestsPerMinute, minute), limit(LimitName::RequestsPerDay, day)],
            credit,
            caps: vec![],
            alerts: vec![],
            plan_cap: None,
            plan_thread_cap: None,
        }
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
    /// How long an answer becomes at most when its request does not say.
    #[serde(default)]
    pub default_output_tokens: u32,
    pub monthly_credit: Nanos,
    /// For everybody who sets none of their own.
    #[serde(default)]
    pub monthly_cap: Option<CapTerms>,
    /// For each conversation that has none of its own.
    #[serde(default)]
    pub thread_cap: Option<CapTerms>,
    /// The most a month may cost beyond the credit, for those who switch that on. None: nothing.
    #[serde(default)]
    pub overage_max: Option<Nanos>,
}
