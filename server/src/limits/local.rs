//! The limiter while Redis is away: this process alone, by its share of the plan, because the others count beside it and
//! nobody knows what was used before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::types::{Limit, LimitName};
use chrono::Utc;
use uuid::Uuid;

use super::windows::{REPLY_WAIT, Rates, whole_seconds};
use super::{Admission, Reached};

const MINUTE: Duration = Duration::from_secs(60);

/// With more keys than this, those that count nothing any more are dropped.
const MANY_KEYS: usize = 10_000;

/// The same rules as in `windows.lua`, by the same keys. The day is not limited: nobody knows how much of it was used.
pub(super) struct LocalLimiter {
    /// How many processes there are.
    replicas: u32,
    logs: Mutex<HashMap<String, Vec<Entry>>>,
}

struct Entry {
    id: Uuid,
    admitted_at: Instant,
    tokens: u32,
    is_running: bool,
}

impl Entry {
    fn is_recent(&self) -> bool {
        self.admitted_at.elapsed() < MINUTE
    }
}

impl LocalLimiter {
    pub(super) fn new(replicas: u32) -> Self {
        Self { replicas: replicas.max(1), logs: Mutex::default() }
    }

    pub(super) fn admit(&self, key: &str, id: Uuid, tokens: u32, rates: Rates) -> Admission {
        let rates = rates.share(self.replicas);
        self.with_entries(key, |entries| {
            let limits = limits(entries, rates);
            if let Some(limit) = limits.iter().find(|limit| !fits(limit, tokens)).cloned() {
                let reached = Reached { retry_after: wait(&limit), limit };
                return Admission::Refused { reached, limits };
            }
            let is_running = rates.concurrent_replies > 0;
            entries.push(Entry { id, admitted_at: Instant::now(), tokens, is_running });
            Admission::Admitted(self::limits(entries, rates))
        })
    }

    pub(super) fn read(&self, key: &str, rates: Rates) -> Vec<Limit> {
        let rates = rates.share(self.replicas);
        self.with_entries(key, |entries| limits(entries, rates))
    }

    pub(super) fn finish(&self, key: &str, id: Uuid, tokens: u32) {
        self.with_entries(key, |entries| {
            for entry in entries.iter_mut().filter(|entry| entry.id == id) {
                entry.is_running = false;
                entry.tokens = tokens;
            }
        });
    }

    pub(super) fn forget(&self, key: &str, id: Uuid) {
        self.with_entries(key, |entries| entries.retain(|entry| entry.id != id));
    }

    fn with_entries<T>(&self, key: &str, act: impl FnOnce(&mut Vec<Entry>) -> T) -> T {
        let is_counted = |entry: &Entry| entry.is_running || entry.is_recent();
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if logs.len() > MANY_KEYS {
            logs.retain(|_, entries| entries.iter().any(is_counted));
        }
        let entries = logs.entry(key.to_owned()).or_default();
        entries.retain(is_counted);
        let result = act(entries);
        if entries.is_empty() {
            logs.remove(key);
        }
        result
    }
}

/// A request with more tokens than there are at all fits an empty minute.
fn fits(limit: &Limit, tokens: u32) -> bool {
    match limit.name {
        LimitName::TokensPerMinute => limit.used == 0 || tokens <= limit.remaining,
        _ => limit.remaining > 0,
    }
}

/// Until the next request fits.
fn wait(limit: &Limit) -> Duration {
    let Some(resets_at) = limit.resets_at else { return REPLY_WAIT };
    whole_seconds((resets_at - Utc::now()).to_std().unwrap_or_default())
}

fn limits(entries: &[Entry], rates: Rates) -> Vec<Limit> {
    let running = entries.iter().filter(|entry| entry.is_running).count();
    let recent = || entries.iter().filter(|entry| entry.is_recent());
    let add_up = |sum: u32, entry: &Entry| sum.saturating_add(entry.tokens);
    let tokens = recent().fold(0, add_up);
    let held = recent().filter(|entry| entry.is_running).fold(0, add_up);
    let resets_at =
        recent().next().map(|oldest| Utc::now() + MINUTE.saturating_sub(oldest.admitted_at.elapsed()));
    let count = |entries: usize| u32::try_from(entries).unwrap_or(u32::MAX);
    let limit = |name, limit: u32, used: u32, resets_at| {
        let remaining = limit.saturating_sub(used);
        (limit > 0).then_some(Limit { name, limit, used, held: 0, remaining, resets_at })
    };
    let tokens = limit(LimitName::TokensPerMinute, rates.tokens_per_minute, tokens, resets_at);
    let limits = [
        limit(LimitName::ConcurrentReplies, rates.concurrent_replies, count(running), None),
        limit(LimitName::RequestsPerMinute, rates.requests_per_minute, count(recent().count()), resets_at),
        tokens.map(|tokens| Limit { held, ..tokens }),
    ];
    limits.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates {
        requests_per_minute: 5,
        requests_per_day: 100,
        tokens_per_minute: 1000,
        concurrent_replies: 2,
    };

    fn request() -> Uuid {
        Uuid::now_v7()
    }

    fn is_admitted(admission: &Admission) -> bool {
        matches!(admission, Admission::Admitted(_))
    }

    #[test]
    fn each_process_admits_its_share_of_the_rate_and_at_least_one_request() {
        for (replicas, share) in [(1, 5), (2, 3), (10, 1)] {
            let limiter = LocalLimiter::new(replicas);
            let admitted = (0..10)
                .map(|_| request())
                .filter(|id| {
                    let admission = limiter.admit("ada", *id, 1, RATES);
                    limiter.finish("ada", *id, 1);
                    is_admitted(&admission)
                })
                .count();
            assert_eq!(admitted, share, "of {replicas}");
        }
    }

    #[test]
    fn half_of_the_tokens_are_admitted_and_unused_ones_are_free_again() {
        let rates = Rates { concurrent_replies: 10, ..RATES };
        let (limiter, first) = (LocalLimiter::new(2), request());
        assert!(is_admitted(&limiter.admit("ada", first, 2000, rates)), "an empty minute takes any request");
        let refused = limiter.admit("ada", request(), 1, rates);
        assert!(
            matches!(refused, Admission::Refused { reached, .. } if reached.limit.name == LimitName::TokensPerMinute)
        );
        limiter.finish("ada", first, 100);
        assert!(is_admitted(&limiter.admit("ada", request(), 400, rates)));
        assert!(!is_admitted(&limiter.admit("ada", request(), 1, rates)));
    }

    #[test]
    fn so_it_does_of_replies_in_progress_and_tells_the_tokens_they_hold() {
        for (replicas, share) in [(1, 2), (2, 1), (10, 1)] {
            let limiter = LocalLimiter::new(replicas);
            let is_next_admitted = |_: &i32| is_admitted(&limiter.admit("ada", request(), 7, RATES));
            assert_eq!((0..3).filter(is_next_admitted).count(), share, "of {replicas}");
            let held = limiter.read("ada", RATES).iter().map(|limit| limit.held).max();
            assert_eq!(held, u32::try_from(share * 7).ok());
        }
    }

    #[test]
    fn a_forgotten_request_uses_nothing() {
        let (limiter, id) = (LocalLimiter::new(2), request());
        assert!(is_admitted(&limiter.admit("ada", id, 1, RATES)));
        limiter.forget("ada", id);
        assert!(limiter.read("ada", RATES).iter().all(|limit| limit.used == 0));
    }

    #[test]
    fn whoever_is_refused_is_told_to_wait_for_whole_seconds_and_never_for_none() {
        let rates = Rates { requests_per_minute: 1, concurrent_replies: 0, ..RATES };
        let limiter = LocalLimiter::new(1);
        limiter.admit("ada", request(), 1, rates);
        for (millis_ago, expected) in [(500, 60), (58_500, 2), (59_100, 1)] {
            let ago = Duration::from_millis(millis_ago);
            limiter.with_entries("ada", |entries| {
                entries[0].admitted_at = Instant::now().checked_sub(ago).expect("a time");
            });
            let Admission::Refused { reached, .. } = limiter.admit("ada", request(), 1, rates) else {
                panic!("admitted after {ago:?}")
            };
            assert_eq!(reached.retry_after, Duration::from_secs(expected), "{ago:?}");
        }
    }
}
