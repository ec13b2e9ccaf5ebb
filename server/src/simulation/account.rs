//! The windows of one account.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use app::types::Nanos;
use chrono::{DateTime, Datelike, TimeDelta, Utc};

use super::{Limits, RecordedRequest, Refusal};

const MINUTE: TimeDelta = TimeDelta::minutes(1);
const DAY: TimeDelta = TimeDelta::hours(24);

/// What counts of an account's admitted requests.
pub(super) struct AccountReplay {
    limits: Limits,
    /// When the replies being written end, the soonest on top.
    replies: BinaryHeap<Reverse<DateTime<Utc>>>,
    /// When requests of the last minute were admitted, and their tokens.
    minute: VecDeque<(DateTime<Utc>, u64)>,
    minute_tokens: u64,
    /// When requests of the last 24 hours were admitted.
    day: VecDeque<DateTime<Utc>>,
    /// Year and month.
    month: (i32, u32),
    month_charged: Nanos,
}

impl AccountReplay {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            replies: BinaryHeap::new(),
            minute: VecDeque::new(),
            minute_tokens: 0,
            day: VecDeque::new(),
            month: (0, 0),
            month_charged: Nanos::ZERO,
        }
    }

    /// None: it is admitted, and counts from now on. Requests come in the order of time.
    pub(super) fn decide(&mut self, request: &RecordedRequest) -> Option<Refusal> {
        self.forget(request.at);
        let refusal = self.refusal(request);
        if refusal.is_none() {
            self.count(request);
        }
        refusal
    }

    /// An entry as old as its window has left it.
    fn forget(&mut self, now: DateTime<Utc>) {
        while self.replies.peek().is_some_and(|Reverse(ends_at)| *ends_at <= now) {
            self.replies.pop();
        }
        while let Some((_, tokens)) = self.minute.pop_front_if(|(at, _)| now - *at >= MINUTE) {
            self.minute_tokens -= tokens;
        }
        while self.day.pop_front_if(|at| now - *at >= DAY).is_some() {}
        let month = (now.year(), now.month());
        if self.month != month {
            (self.month, self.month_charged) = (month, Nanos::ZERO);
        }
    }

    fn refusal(&self, request: &RecordedRequest) -> Option<Refusal> {
        let is_at = |used: usize, limit: u32| used >= usize::try_from(limit).unwrap_or(usize::MAX);
        let Limits { requests_per_minute, requests_per_day, tokens_per_minute, .. } = self.limits;
        Refusal::ALL.into_iter().find(|refusal| match refusal {
            Refusal::ConcurrentReplies => is_at(self.replies.len(), self.limits.concurrent_replies),
            Refusal::RequestsPerMinute => is_at(self.minute.len(), requests_per_minute),
            Refusal::RequestsPerDay => is_at(self.day.len(), requests_per_day),
            Refusal::TokensPerMinute => tokens_per_minute.is_some_and(|limit| !self.fits(request, limit)),
            Refusal::MonthlyCredit => self.month_charged >= self.limits.monthly_credit,
        })
    }

    /// One that is larger than the whole limit fits an empty minute, as it does in the limit that is in force.
    fn fits(&self, request: &RecordedRequest, tokens_per_minute: u64) -> bool {
        self.minute_tokens == 0 || self.minute_tokens + request.tokens <= tokens_per_minute
    }

    fn count(&mut self, request: &RecordedRequest) {
        self.replies.push(Reverse(request.ended_at.unwrap_or(DateTime::<Utc>::MAX_UTC)));
        self.minute.push_back((request.at, request.tokens));
        self.minute_tokens += request.tokens;
        self.day.push_back(request.at);
        self.month_charged += request.charged;
    }
}
