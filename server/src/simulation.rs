//! What other limits would have done to requests that were made. Only arithmetic over recorded requests, in the same
//! windows as the limits that are in force: the last 60 seconds, the last 24 hours, the replies being written, and the
//! credit of the calendar month. A refused request uses nothing.

mod account;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use app::types::{AccountId, Nanos};
use chrono::{DateTime, Utc};

use self::account::AccountReplay;

/// The limits to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub requests_per_minute: u32,
    pub requests_per_day: u32,
    /// Of input and output. None: as many as they like.
    pub tokens_per_minute: Option<u64>,
    pub concurrent_replies: u32,
    pub monthly_credit: Nanos,
}

/// A request that was admitted at the time, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    pub account_id: AccountId,
    pub at: DateTime<Utc>,
    /// When its reply ended. None: it is still being written.
    pub ended_at: Option<DateTime<Utc>>,
    /// Read and written.
    pub tokens: u64,
    pub charged: Nanos,
    /// What it cost us.
    pub cost: Nanos,
}

/// Which limit refuses a request, in the order in which they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    ConcurrentReplies,
    RequestsPerMinute,
    RequestsPerDay,
    TokensPerMinute,
    MonthlyCredit,
}

impl Refusal {
    pub const ALL: [Self; 5] = [
        Self::ConcurrentReplies,
        Self::RequestsPerMinute,
        Self::RequestsPerDay,
        Self::TokensPerMinute,
        Self::MonthlyCredit,
    ];
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ConcurrentReplies => "concurrent replies",
            Self::RequestsPerMinute => "requests per minute",
            Self::RequestsPerDay => "requests per day",
            Self::TokensPerMinute => "tokens per minute",
            Self::MonthlyCredit => "monthly credit",
        })
    }
}

/// Some requests, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub requests: u64,
    pub charged: Nanos,
    pub cost: Nanos,
}

impl Tally {
    fn add(&mut self, request: &RecordedRequest) {
        *self += Self { requests: 1, charged: request.charged, cost: request.cost };
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.charged += other.charged;
        self.cost += other.cost;
    }
}

/// An account of which at least one request would have been refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoppedAccount {
    pub id: AccountId,
    pub requests: u64,
    pub refused: u64,
}

/// What would have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many accounts asked for anything.
    pub accounts: u64,
    pub admitted: Tally,
    pub refused: BTreeMap<Refusal, Tally>,
    /// The most often refused first.
    pub stopped: Vec<StoppedAccount>,
}

impl Outcome {
    pub fn all_refused(&self) -> Tally {
        self.refused.values().fold(Tally::default(), |mut sum, tally| {
            sum += *tally;
            sum
        })
    }
}

/// A replay in progress. Takes the requests one by one, those of an account together and in the order of time, and keeps
/// no more of them than the windows of one account need.
pub struct Simulation {
    limits: Limits,
    since: DateTime<Utc>,
    account: Option<(StoppedAccount, AccountReplay)>,
    outcome: Outcome,
}

impl Simulation {
    /// Requests before `since` fill the windows and count nowhere else.
    pub fn new(limits: Limits, since: DateTime<Utc>) -> Self {
        Self { limits, since, account: None, outcome: Outcome::default() }
    }

    pub fn add(&mut self, request: &RecordedRequest) {
        if self.account.as_ref().is_none_or(|(account, _)| account.id != request.account_id) {
            self.close_account();
            let account = StoppedAccount { id: request.account_id, requests: 0, refused: 0 };
            self.account = Some((account, AccountReplay::new(self.limits)));
        }
        let Some((account, replay)) = &mut self.account else { return };
        let refusal = replay.decide(request);
        if request.at < self.since {
            return;
        }
        account.requests += 1;
        match refusal {
            None => self.outcome.admitted.add(request),
            Some(refusal) => {
                account.refused += 1;
                self.outcome.refused.entry(refusal).or_default().add(request);
            }
        }
    }

    pub fn finish(mut self) -> Outcome {
        self.close_account();
        self.outcome.stopped.sort_by_key(|account| (std::cmp::Reverse(account.refused), account.id));
        self.outcome
    }

    fn close_account(&mut self) {
        let Some((account, _)) = self.account.take() else { return };
        self.outcome.accounts += u64::from(account.requests > 0);
        if account.refused > 0 {
            self.outcome.stopped.push(account);
        }
    }
}

#[cfg(test)]
mod tests;
