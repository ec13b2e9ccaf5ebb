//! Circuit breakers: a route that fails is left alone for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::types::BreakerState;
use redis::Script;
use tokio::runtime::Handle;

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

    /// The pass for asking this route now. None: it is left alone. At the end of its time open one caller is let through to
    /// try.
    pub async fn admit(&self, route_key: &str) -> Option<Pass> {
        let verdict = match self.run("admit", route_key, NO_PROBE).await {
            Some(answer) => Verdict::of_redis(answer),
            None => self.with_local(route_key, |breaker| breaker.admit(Instant::now())),
        };
        let probe = match verdict {
            Verdict::Refused => return None,
            Verdict::Admitted => None,
            Verdict::Probe(number) => Some(number),
        };
        Some(Pass { breakers: self.clone(), route_key: route_key.to_owned(), probe })
    }

    /// None: Redis is away, and every process decides by itself.
    pub async fn state(&self, route_key: &str) -> Option<BreakerState> {
        Some(match self.run("state", route_key, NO_PROBE).await? {
            0 => BreakerState::Closed,
            -1 => BreakerState::Held,
            ..-1 => BreakerState::Open { seconds: 0 },
            millis => BreakerState::Open { seconds: u32::try_from(millis / 1000 + 1).unwrap_or(u32::MAX) },
        })
    }

    /// Lets nothing through until somebody closes it. False: Redis is away, so nothing was done.
    pub async fn hold_open(&self, route_key: &str) -> bool {
        self.run("hold", route_key, NO_PROBE).await.is_some()
    }

    /// Forgets all failures. False: Redis is away, so nothing was done.
    pub async fn close(&self, route_key: &str) -> bool {
        self.run("close", route_key, NO_PROBE).await.is_some()
    }

    /// None: Redis is away.
    async fn run(&self, action: &str, route_key: &str, probe: i64) -> Option<i64> {
        let mut call = self.script.prepare_invoke();
        call.key(format!("{}breaker:{route_key}", self.key_prefix)).arg(action).arg(self.threshold);
        for time in [FIRST_OPEN, LONGEST_OPEN, PROBE] {
            call.arg(time.as_secs() * 1000);
        }
        call.arg(probe);
        self.redis.ask(|mut redis| async move { call.invoke_async(&mut redis).await }).await.ok()
    }

    fn with_local<T>(&self, route_key: &str, act: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        act(local.entry(route_key.to_owned()).or_default())
    }
}

/// Leave to ask a route once, which takes how it went. A probe that is dropped without a word, because its reply was
/// stopped, lets the next one go.
pub struct Pass {
    breakers: Breakers,
    route_key: String,
    /// The number of a probe that has not reported.
    probe: Option<i64>,
}

/// In Redis no probe has this number, so a local one is none there.
const NO_PROBE: i64 = 0;

impl Pass {
    /// Everybody else waits for it to say how the route is.
    pub fn is_probe(&self) -> bool {
        self.probe.is_some()
    }

    /// The route answers. Of a probe, this closes the breaker.
    pub async fn succeeded(&mut self) {
        self.report("success", |breaker, is_probe| breaker.succeed(is_probe)).await;
    }

    pub async fn failed(&mut self) {
        let threshold = self.breakers.threshold;
        self.report("failure", |breaker, is_probe| breaker.fail(threshold, is_probe, Instant::now())).await;
    }

    /// How it went says nothing about the route.
    pub async fn release(&mut self) {
        if self.probe.is_some() {
            self.report("release", Breaker::release).await;
        }
    }

    async fn report(&mut self, action: &str, tell_local: impl FnOnce(&mut Breaker, bool)) {
        self.breakers.with_local(&self.route_key, |breaker| tell_local(breaker, self.probe.is_some()));
        self.breakers.run(action, &self.route_key, self.probe.unwrap_or(NO_PROBE)).await;
        self.probe = None;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Some(probe) = self.probe else { return };
        self.breakers.with_local(&self.route_key, |breaker| breaker.release(true));
        let (breakers, route_key) = (self.breakers.clone(), std::mem::take(&mut self.route_key));
        // Shutdown need not wait for it: a probe that is not heard of ends by itself.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { breakers.run("release", &route_key, probe).await });
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Refused,
    Admitted,
    /// Admitted to try, under this number.
    Probe(i64),
}

impl Verdict {
    fn of_redis(answer: i64) -> Self {
        match answer {
            ..=0 => Self::Refused,
            1 => Self::Admitted,
            number => Self::Probe(number),
        }
    }
}

/// The same rules as in `breaker.lua`, of one process.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    openings: u32,
    open_until: Option<Instant>,
    probe_until: Option<Instant>,
}

impl Breaker {
    fn admit(&mut self, now: Instant) -> Verdict {
        if self.open_until.is_none() {
            return Verdict::Admitted;
        }
        if self.open_until.max(self.probe_until).is_some_and(|until| now < until) {
            return Verdict::Refused;
        }
        self.probe_until = Some(now + PROBE);
        Verdict::Probe(NO_PROBE)
    }

    fn succeed(&mut self, is_probe: bool) {
        if self.open_until.is_none() || is_probe {
            *self = Self::default();
        }
    }

    fn fail(&mut self, threshold: u32, is_probe: bool, now: Instant) {
        if self.open_until.is_some_and(|until| !is_probe || now < until) {
            return;
        }
        let is_probe = is_probe && self.open_until.is_some();
        self.failures += 1;
        if self.failures >= threshold || is_probe {
            let open = FIRST_OPEN.saturating_mul(1 << self.openings.min(16)).min(LONGEST_OPEN);
            self.openings += 1;
            self.open_until = Some(now + open);
            self.probe_until = None;
        }
    }

    fn release(&mut self, is_probe: bool) {
        if is_probe {
            self.probe_until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(times: u32, now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        (0..times).for_each(|_| breaker.fail(5, false, now));
        breaker
    }

    fn is_probe(verdict: Verdict) -> bool {
        matches!(verdict, Verdict::Probe(_))
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        let now = Instant::now();
        assert_eq!(failed(4, now).admit(now), Verdict::Admitted);
        assert_eq!(failed(5, now).admit(now), Verdict::Refused);
    }

    #[test]
    fn one_probe_at_a_time_is_let_through_after_a_while() {
        let now = Instant::now();
        let mut breaker = failed(5, now);
        let later = now + FIRST_OPEN;
        assert!(is_probe(breaker.admit(later)));
        assert_eq!(breaker.admit(later), Verdict::Refused, "the probe is under way");
        breaker.fail(5, true, later);
        assert_eq!(breaker.admit(later + FIRST_OPEN), Verdict::Refused, "open for twice as long");
        assert!(is_probe(breaker.admit(later + 2 * FIRST_OPEN)));
    }

    #[test]
    fn failures_together_open_it_once() {
        let now = Instant::now();
        assert!(is_probe(failed(9, now).admit(now + FIRST_OPEN)));
    }

    #[test]
    fn while_it_is_open_only_the_probe_counts() {
        let now = Instant::now();
        let later = now + FIRST_OPEN;
        let mut breaker = failed(5, now);
        breaker.succeed(false);
        assert_eq!(breaker.admit(now), Verdict::Refused, "asked before it opened");
        assert!(is_probe(breaker.admit(later)));
        breaker.release(true);
        assert!(is_probe(breaker.admit(later)), "the one before has said nothing");
        breaker.succeed(true);
        assert_eq!(breaker.admit(later), Verdict::Admitted);
    }

    #[test]
    fn probes_that_fail_together_open_it_once_more() {
        let now = Instant::now();
        let mut breaker = failed(5, now);
        let later = now + FIRST_OPEN;
        (0..3).for_each(|_| breaker.fail(5, true, later));
        assert!(is_probe(breaker.admit(later + 2 * FIRST_OPEN)), "open for twice as long, not eight times");
    }

    #[test]
    fn it_never_stays_open_for_longer_than_a_minute() {
        let now = Instant::now();
        let mut breaker = failed(5, now);
        let later = (1..40).map(|probe| now + probe * LONGEST_OPEN);
        later.for_each(|later| breaker.fail(5, true, later));
        assert!(is_probe(breaker.admit(now + 40 * LONGEST_OPEN)));
    }
}
