//! Circuit breakers: a route that fails is left alone for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::types::BreakerState;
use redis::Script;

use super::connection::Connection;

const FIRST_OPEN: Duration = Duration::from_secs(5);
const LONGEST_OPEN: Duration = Duration::from_secs(60);
/// A probe that is not heard of for so long has failed silently: the next one may go.
const PROBE: Duration = Duration::from_secs(30);

/// The breakers of all routes, shared through Redis; while it is away each process keeps its own, and knows nothing of
/// those that an operator holds open.
#[derive(Clone)]
pub struct Breakers {
    redis: Connection,
    key_prefix: String,
    /// Failures in a row that open one.
    threshold: u32,
    script: Arc<Script>,
    local: Arc<Mutex<HashMap<String, Breaker>>>,
}

impl Breakers {
    pub(super) fn new(redis: Connection, key_prefix: String, threshold: u32) -> Self {
        let script = Arc::new(Script::new(include_str!("breaker.lua")));
        Self { redis, key_prefix, threshold, script, local: Arc::default() }
    }

    /// Whether this route may be asked now. At the end of its time open one caller is let through to try.
    pub async fn admits(&self, route_key: &str) -> bool {
        match self.run("admit", route_key).await {
            Some(answer) => answer == 1,
            None => self.with_local(route_key, |breaker| breaker.admits(Instant::now())),
        }
    }

    pub async fn succeeded(&self, route_key: &str) {
        self.with_local(route_key, |breaker| *breaker = Breaker::default());
        self.run("success", route_key).await;
    }

    pub async fn failed(&self, route_key: &str) {
        self.with_local(route_key, |breaker| breaker.fail(self.threshold, Instant::now()));
        self.run("failure", route_key).await;
    }

    /// None: Redis is away, and every process decides by itself.
    pub async fn state(&self, route_key: &str) -> Option<BreakerState> {
        Some(match self.run("state", route_key).await? {
            0 => BreakerState::Closed,
            ..0 => BreakerState::Held,
            millis => BreakerState::Open { seconds: u32::try_from(millis / 1000 + 1).unwrap_or(u32::MAX) },
        })
    }

    /// Lets nothing through until somebody closes it. False: Redis is away, so nothing was done.
    pub async fn hold_open(&self, route_key: &str) -> bool {
        self.run("hold", route_key).await.is_some()
    }

    /// Forgets all failures. False: Redis is away, so nothing was done.
    pub async fn close(&self, route_key: &str) -> bool {
        self.run("close", route_key).await.is_some()
    }

    /// None: Redis is away.
    async fn run(&self, action: &str, route_key: &str) -> Option<i64> {
        let mut call = self.script.prepare_invoke();
        call.key(format!("{}breaker:{route_key}", self.key_prefix)).arg(action).arg(self.threshold);
        for time in [FIRST_OPEN, LONGEST_OPEN, PROBE] {
            call.arg(time.as_secs() * 1000);
        }
        self.redis.ask(|mut redis| async move { call.invoke_async(&mut redis).await }).await
    }

    fn with_local<T>(&self, route_key: &str, act: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        act(local.entry(route_key.to_owned()).or_default())
    }
}

/// The same rules as in `breaker.lua`.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    openings: u32,
    open_until: Option<Instant>,
    probe_until: Option<Instant>,
}

impl Breaker {
    fn admits(&mut self, now: Instant) -> bool {
        let is_closed = self.open_until.is_none();
        let is_waiting = self.open_until.max(self.probe_until).is_some_and(|until| now < until);
        if !is_closed && !is_waiting {
            self.probe_until = Some(now + PROBE);
        }
        is_closed || !is_waiting
    }

    fn fail(&mut self, threshold: u32, now: Instant) {
        self.failures += 1;
        if self.failures >= threshold {
            let open = FIRST_OPEN.saturating_mul(1 << self.openings.min(16)).min(LONGEST_OPEN);
            self.openings += 1;
            self.open_until = Some(now + open);
            self.probe_until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(times: u32, now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        (0..times).for_each(|_| breaker.fail(5, now));
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        let now = Instant::now();
        assert!(failed(4, now).admits(now));
        assert!(!failed(5, now).admits(now));
    }

    #[test]
    fn one_probe_at_a_time_is_let_through_after_a_while() {
        let now = Instant::now();
        let mut breaker = failed(5, now);
        let later = now + FIRST_OPEN;
        assert!(breaker.admits(later));
        assert!(!breaker.admits(later), "the probe is under way");
        breaker.fail(5, later);
        assert!(!breaker.admits(later + FIRST_OPEN), "open for twice as long");
        assert!(breaker.admits(later + 2 * FIRST_OPEN));
    }

    #[test]
    fn it_never_stays_open_for_longer_than_a_minute() {
        let now = Instant::now();
        assert!(failed(40, now).admits(now + LONGEST_OPEN));
    }
}
