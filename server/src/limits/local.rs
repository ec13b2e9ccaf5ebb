//! The limiter while Redis is away: this process alone, on purpose tighter than the plan, because other processes may
//! be counting beside it and nobody knows what was used before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::types::{AccountId, ClientRequestId, Limit, LimitName, Plan};
use chrono::Utc;

use super::Admission;

const MINUTE: Duration = Duration::from_secs(60);

/// The share of the plan's rate that is admitted, rounded up.
const SHARE: u32 = 2;

#[derive(Default)]
pub(super) struct LocalLimiter {
    accounts: Mutex<HashMap<AccountId, Vec<Entry>>>,
}

struct Entry {
    request_id: ClientRequestId,
    admitted_at: Instant,
    is_running: bool,
}

impl LocalLimiter {
    pub(super) fn admit(&self, account_id: AccountId, request_id: ClientRequestId, plan: &Plan) -> Admission {
        self.with_entries(account_id, |entries| {
            let limits = limits(entries, plan);
            if entries.iter().any(|entry| entry.request_id == request_id) {
                return Admission::Repeated(limits);
            }
            if let Some(limit) = limits.into_iter().find(|limit| limit.remaining == 0) {
                let wait = limit.resets_at.and_then(|time| (time - Utc::now()).to_std().ok());
                return Admission::Refused { limit, retry_after: wait.unwrap_or(Duration::from_secs(2)) };
            }
            entries.push(Entry { request_id, admitted_at: Instant::now(), is_running: true });
            Admission::Admitted(self::limits(entries, plan))
        })
    }

    pub(super) fn read(&self, account_id: AccountId, plan: &Plan) -> Vec<Limit> {
        self.with_entries(account_id, |entries| limits(entries, plan))
    }

    pub(super) fn finish(&self, account_id: AccountId, request_id: ClientRequestId) {
        self.with_entries(account_id, |entries| {
            entries
                .iter_mut()
                .filter(|entry| entry.request_id == request_id)
                .for_each(|entry| entry.is_running = false);
        });
    }

    pub(super) fn forget(&self, account_id: AccountId, request_id: ClientRequestId) {
        self.with_entries(account_id, |entries| entries.retain(|entry| entry.request_id != request_id));
    }

    fn with_entries<T>(&self, account_id: AccountId, act: impl FnOnce(&mut Vec<Entry>) -> T) -> T {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = accounts.entry(account_id).or_default();
        entries.retain(|entry| entry.is_running || entry.admitted_at.elapsed() < MINUTE);
        let result = act(entries);
        if entries.is_empty() {
            accounts.remove(&account_id);
        }
        result
    }
}

/// The day is not limited: nobody knows how much of it was used.
fn limits(entries: &[Entry], plan: &Plan) -> Vec<Limit> {
    let running = entries.iter().filter(|entry| entry.is_running).count();
    let recent: Vec<_> = entries.iter().filter(|entry| entry.admitted_at.elapsed() < MINUTE).collect();
    let resets_at =
        recent.first().map(|oldest| Utc::now() + MINUTE.saturating_sub(oldest.admitted_at.elapsed()));
    let limit = |name, limit: u32, used: usize, resets_at| {
        let used = u32::try_from(used).unwrap_or(u32::MAX);
        Limit { name, limit, used, remaining: limit.saturating_sub(used), resets_at }
    };
    vec![
        limit(LimitName::ConcurrentReplies, plan.concurrent_replies, running, None),
        limit(
            LimitName::RequestsPerMinute,
            plan.requests_per_minute.div_ceil(SHARE),
            recent.len(),
            resets_at,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use app::types::Nanos;
    use uuid::Uuid;

    use super::*;

    fn plan() -> Plan {
        Plan {
            key: "free".to_owned(),
            name: "Free".to_owned(),
            requests_per_minute: 5,
            requests_per_day: 100,
            concurrent_replies: 2,
            monthly_credit: Nanos::ZERO,
        }
    }

    fn request() -> ClientRequestId {
        ClientRequestId(Uuid::now_v7())
    }

    fn is_admitted(admission: &Admission) -> bool {
        matches!(admission, Admission::Admitted(_))
    }

    #[test]
    fn half_of_the_rate_is_admitted() {
        let (limiter, account) = (LocalLimiter::default(), AccountId(Uuid::now_v7()));
        let admitted = (0..10)
            .map(|_| request())
            .filter(|id| {
                let admission = limiter.admit(account, *id, &plan());
                limiter.finish(account, *id);
                is_admitted(&admission)
            })
            .count();
        assert_eq!(admitted, 3);
    }

    #[test]
    fn replies_in_progress_are_limited_as_by_the_plan() {
        let (limiter, account) = (LocalLimiter::default(), AccountId(Uuid::now_v7()));
        let admitted = (0..3).filter(|_| is_admitted(&limiter.admit(account, request(), &plan()))).count();
        assert_eq!(admitted, 2);
    }

    #[test]
    fn a_repeated_or_forgotten_request_uses_nothing() {
        let (limiter, account, id) = (LocalLimiter::default(), AccountId(Uuid::now_v7()), request());
        assert!(is_admitted(&limiter.admit(account, id, &plan())));
        assert!(matches!(limiter.admit(account, id, &plan()), Admission::Repeated(_)));
        limiter.forget(account, id);
        assert!(limiter.read(account, &plan()).iter().all(|limit| limit.used == 0));
    }
}
