//! The script of the circuit breakers, against real Redis, with a clock the test can move.

use redis::Script;
use redis::aio::MultiplexedConnection;
use uuid::Uuid;

const NOON: i64 = 1_800_000_000_000;
const SECOND: i64 = 1000;

const REFUSED: i64 = 0;
const ADMITTED: i64 = 1;

/// What is no probe reports under this number.
const NO_PROBE: i64 = 0;

/// One route's, which five failures open.
struct Breaker {
    redis: MultiplexedConnection,
    script: Script,
    key: String,
}

impl Breaker {
    /// The script of the server, with the question for Redis' time replaced by an argument. Production has no such way
    /// in: the text is changed here.
    async fn new() -> Self {
        let text = include_str!("../../src/limits/breaker.lua");
        assert_eq!(text.matches("redis.call('TIME')").count(), 1);
        let script = Script::new(&text.replace("redis.call('TIME')", "{ ARGV[7], ARGV[8] }"));
        let url = std::env::var("REDIS_URL").expect("REDIS_URL is not set: run bin/test integration");
        let client = redis::Client::open(url).expect("a URL");
        let redis = client.get_multiplexed_async_connection().await.expect("Redis");
        Self { redis, script, key: format!("test:{}", Uuid::now_v7()) }
    }

    /// After so many failures at noon.
    async fn failed(times: usize) -> Self {
        let mut breaker = Self::new().await;
        for _ in 0..times {
            breaker.run(NOON, "failure", NO_PROBE).await;
        }
        breaker
    }

    async fn run(&mut self, now: i64, action: &str, probe: i64) -> i64 {
        let mut call = self.script.key(&self.key);
        call.arg(action).arg(5).arg(5 * SECOND).arg(60 * SECOND).arg(30 * SECOND).arg(probe);
        call.arg(now / SECOND).arg(now % SECOND * 1000);
        call.invoke_async(&mut self.redis).await.expect("an answer")
    }

    async fn admit(&mut self, now: i64) -> i64 {
        self.run(now, "admit", NO_PROBE).await
    }

    /// The number of the probe that is let through.
    async fn probe(&mut self, now: i64) -> i64 {
        let number = self.admit(now).await;
        assert!(number > ADMITTED, "no probe is let through");
        number
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_at_the_same_moment_leave_a_route_alone_once_not_longer_and_longer() {
    let mut breaker = Breaker::failed(4).await;
    assert_eq!(breaker.admit(NOON).await, ADMITTED);
    let mut breaker = Breaker::failed(9).await;
    assert_eq!(breaker.admit(NOON + 5 * SECOND - 1).await, REFUSED);
    breaker.probe(NOON + 5 * SECOND).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_probe_at_a_time_tries_twice_as_long_after_each_that_fails() {
    let mut breaker = Breaker::failed(5).await;
    let mut now = NOON;
    for seconds in [5, 10, 20, 40, 60, 60] {
        assert_eq!(breaker.admit(now + seconds * SECOND - 1).await, REFUSED);
        now += seconds * SECOND;
        let probe = breaker.probe(now).await;
        assert_eq!(breaker.admit(now).await, REFUSED, "the probe is under way");
        breaker.run(now, "failure", probe).await;
    }
    let probe = breaker.probe(now + 60 * SECOND).await;
    breaker.run(now, "success", probe).await;
    assert_eq!(breaker.admit(now).await, ADMITTED);
    for _ in 0..4 {
        breaker.run(now, "failure", NO_PROBE).await;
    }
    assert_eq!(breaker.admit(now).await, ADMITTED, "it counts from the beginning");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_route_is_left_alone_only_its_probe_counts() {
    let mut breaker = Breaker::failed(5).await;
    breaker.run(NOON, "success", NO_PROBE).await;
    assert_eq!(breaker.admit(NOON).await, REFUSED, "asked before it opened");
    let later = NOON + 5 * SECOND;
    let probe = breaker.probe(later).await;
    breaker.run(later, "failure", NO_PROBE).await;
    breaker.run(later, "release", NO_PROBE).await;
    assert_eq!(breaker.admit(later).await, REFUSED, "the probe is under way");
    breaker.run(later, "release", probe).await;
    breaker.probe(later + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_takes_longer_is_followed_by_another_and_still_believed() {
    let mut breaker = Breaker::failed(5).await;
    let slow = breaker.probe(NOON + 5 * SECOND).await;
    assert_eq!(breaker.admit(NOON + 35 * SECOND - 1).await, REFUSED);
    let later = NOON + 35 * SECOND;
    breaker.probe(later).await;
    breaker.run(later, "release", slow).await;
    assert_eq!(breaker.admit(later).await, REFUSED, "the other one is under way");
    breaker.run(later, "failure", slow).await;
    assert_eq!(breaker.admit(later + 10 * SECOND - 1).await, REFUSED, "it is open for twice as long");
    breaker.run(later, "success", slow).await;
    assert_eq!(breaker.admit(later).await, ADMITTED, "the route answers");
    breaker.run(later, "failure", slow).await;
    breaker.run(later, "release", slow).await;
    assert_eq!(breaker.admit(later).await, ADMITTED, "one failure of several that open it");
}
