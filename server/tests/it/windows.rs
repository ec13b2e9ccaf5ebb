//! The script that counts, against real Redis, with a clock the test can move.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use redis::Script;
use redis::aio::MultiplexedConnection;
use uuid::Uuid;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;
const LEASE: i64 = 2 * MINUTE;
/// Where no setting says how long a reply may take.
const DEFAULT_LEASE: i64 = 12 * MINUTE;
/// What a thousand records in every window may take.
const MOST_BYTES: i64 = 120_000;
const NOON: i64 = 1_800_000_000 * SECOND;

// Outcomes of the script.
const TOO_MANY_REPLIES: i64 = 1;
const MINUTE_IS_FULL: i64 = 2;
const DAY_IS_FULL: i64 = 3;
const TOO_MANY_TOKENS: i64 = 4;

#[derive(Clone, Copy, Debug)]
struct Rates {
    requests_per_minute: i64,
    requests_per_day: i64,
    tokens_per_minute: i64,
    concurrent_replies: i64,
}

/// One account's windows.
struct Windows {
    redis: MultiplexedConnection,
    script: Script,
    key: String,
    rates: Rates,
    lease: i64,
}

/// The script's answer, in its order.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    outcome: i64,
    replies: i64,
    minute: (i64, i64),
    day: (i64, i64),
    tokens: (i64, i64),
    held_tokens: i64,
}

impl Windows {
    async fn open(rates: Rates) -> Self {
        Self::open_reading(128, rates).await
    }

    /// The script of the server, with the question for Redis' time replaced by an argument, and so many records read at first.
    /// Production has no such way in: the text is changed here.
    async fn open_reading(block: usize, rates: Rates) -> Self {
        let mut text = include_str!("../../src/limits/windows.lua").to_owned();
        let block = format!("BLOCK = {block}\n");
        for (from, to) in [("redis.call('TIME')", "{ ARGV[9], ARGV[10] }"), ("BLOCK = 128\n", &block)] {
            assert_eq!(text.matches(from).count(), 1);
            text = text.replace(from, to);
        }
        let script = Script::new(&text);
        let url = std::env::var("REDIS_URL").expect("REDIS_URL is not set: run bin/test integration");
        let client = redis::Client::open(url).expect("a URL");
        let redis = client.get_multiplexed_async_connection().await.expect("Redis");
        Self { redis, script, key: format!("test:{}", Uuid::now_v7()), rates, lease: LEASE }
    }

    async fn run(&mut self, now: i64, action: &str, id: u128, tokens: i64) -> Answer {
        let Rates { requests_per_minute, requests_per_day, tokens_per_minute, concurrent_replies } =
            self.rates;
        let id = if action == "read" { vec![] } else { id.to_be_bytes().to_vec() };
        let mut call = self.script.key(&self.key);
        call.arg(action).arg(id).arg(tokens).arg(requests_per_minute).arg(requests_per_day);
        call.arg(tokens_per_minute).arg(concurrent_replies).arg(self.lease / SECOND);
        call.arg(now / SECOND).arg(now % SECOND);
        let answer: [i64; 10] = call.invoke_async(&mut self.redis).await.expect("an answer");
        let [outcome, replies, minute, minute_resets_at, day, day_resets_at, rest @ ..] = answer;
        let [tokens, tokens_reset_at, held_tokens, _] = rest;
        Answer {
            outcome,
            replies,
            minute: (minute, minute_resets_at),
            day: (day, day_resets_at),
            tokens: (tokens, tokens_reset_at),
            held_tokens,
        }
    }

    async fn memory(&mut self) -> i64 {
        let mut command = redis::cmd("MEMORY");
        command.arg("USAGE").arg(&self.key).query_async(&mut self.redis).await.expect("a size")
    }
}

/// (25)
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_across_a_minutes_boundary_does_not_double_the_limit() {
    let rates = Rates {
        requests_per_minute: 50,
        requests_per_day: 1000,
        tokens_per_minute: 1000,
        concurrent_replies: 1000,
    };
    let mut windows = Windows::open(rates).await;
    let mut admitted = vec![];
    for (second, requests) in [(57, 49), (61, 60)] {
        let mut count = 0;
        for _ in 0..requests {
            let now = NOON + second * SECOND;
            count += i64::from(windows.run(now, "admit", Uuid::now_v7().as_u128(), 1).await.outcome == 0);
        }
        admitted.push(count);
    }
    assert_eq!(admitted, [49, 1]);
    let refused = windows.run(NOON + 61 * SECOND, "admit", 1, 1).await;
    assert_eq!((refused.outcome, refused.minute), (MINUTE_IS_FULL, (50, NOON + 117 * SECOND)));
    assert_eq!(windows.run(NOON + 117 * SECOND - 1, "admit", 1, 1).await.outcome, MINUTE_IS_FULL);
    assert_eq!(windows.run(NOON + 117 * SECOND, "admit", 1, 1).await.outcome, 0, "to the microsecond");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_in_every_window_take_little_memory() {
    let rates = Rates {
        requests_per_minute: 1000,
        requests_per_day: 1000,
        tokens_per_minute: 1000,
        concurrent_replies: 1000,
    };
    let mut windows = Windows::open(rates).await;
    let mut most = 0;
    // Twice, a day apart: what has left the window must go as new requests come.
    for now in [NOON, NOON + DAY] {
        for number in 0..1000 {
            let answer = windows.run(now + number, "admit", Uuid::now_v7().as_u128(), 1).await;
            assert_eq!(answer.outcome, 0);
            most = most.max(windows.memory().await);
        }
        let full = windows.run(now + 1000, "read", 0, 0).await;
        assert_eq!((full.replies, full.minute.0, full.day.0, full.tokens.0), (1000, 1000, 1000, 1000));
    }
    assert!(most <= MOST_BYTES, "{most} bytes");
}

/// What is no reply counts for a minute, however long replies may take.
#[tokio::test(flavor = "multi_thread")]
async fn so_do_calls_at_a_thousand_a_minute_however_long_they_go_on() {
    let rates =
        Rates { requests_per_minute: 1000, requests_per_day: 0, tokens_per_minute: 0, concurrent_replies: 0 };
    let mut windows = Windows { lease: DEFAULT_LEASE, ..Windows::open(rates).await };
    let mut most = 0;
    for minute in 0..6 {
        for number in 0..1000 {
            let now = NOON + minute * MINUTE + number * MINUTE / 1000;
            assert_eq!(windows.run(now, "admit", Uuid::now_v7().as_u128(), 0).await.outcome, 0);
        }
        most = most.max(windows.memory().await);
        let full = windows.run(NOON + (minute + 1) * MINUTE - 1, "admit", 1, 0).await;
        assert_eq!((full.outcome, full.minute.0, full.replies), (MINUTE_IS_FULL, 1000, 0));
    }
    assert!(most <= MOST_BYTES, "{most} bytes");
}

/// (25) As when a clock that is an hour ahead is put right: the account waits for a minute, not for an hour.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_forward_and_back_locks_nobody_out() {
    let rates = Rates {
        requests_per_minute: 2,
        requests_per_day: 3,
        tokens_per_minute: 1000,
        concurrent_replies: 10,
    };
    let mut windows = Windows::open(rates).await;
    assert_eq!(windows.run(NOON, "admit", 1, 1).await.outcome, 0);
    let ahead = NOON + 60 * MINUTE;
    assert_eq!(windows.run(ahead, "admit", 2, 1).await.outcome, 0);
    let read = windows.run(NOON + SECOND, "read", 0, 0).await;
    assert_eq!((read.replies, read.minute.0, read.day.0), (2, 2, 2), "nothing is forgotten");
    let refused = windows.run(NOON + 30 * SECOND, "admit", 3, 1).await;
    assert_eq!((refused.outcome, refused.minute), (MINUTE_IS_FULL, (2, NOON + MINUTE)));
    assert_eq!(windows.run(NOON + MINUTE, "admit", 3, 1).await.outcome, 0);
    assert_eq!(windows.run(NOON + 2 * MINUTE, "admit", 4, 1).await.outcome, DAY_IS_FULL);
}

/// (24) As after a moment in which each process decided by itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_admitted_elsewhere_counts_once_whether_it_fits_or_not() {
    let rates =
        Rates { requests_per_minute: 1, requests_per_day: 9, tokens_per_minute: 10, concurrent_replies: 1 };
    let mut windows = Windows::open(rates).await;
    assert_eq!(windows.run(NOON, "admit", 1, 7).await.outcome, 0);
    for id in [1, 2, 2] {
        windows.run(NOON, "count", id, 7).await;
    }
    let read = windows.run(NOON, "read", 0, 0).await;
    assert_eq!((read.replies, read.minute.0, read.tokens.0, read.held_tokens), (2, 2, 14, 14));
    assert_eq!(windows.run(NOON, "finish", 2, 3).await.held_tokens, 7);
}

#[derive(Clone, Debug)]
enum Step {
    Admit(u128, i64),
    Finish(u128, i64),
    Forget(u128),
    MoveClock(i64),
}

/// The clock is set back, or requests are forgotten. Not both: the newest record keeps the time from going back, so when it
/// is forgotten and the clock is set back, a record that had left its window may count again, unless it was cut away.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let set_back = Just(Step::MoveClock(-90 * SECOND)).boxed();
    let forget = ids().prop_map(Step::Forget).boxed();
    prop_oneof![schedule(set_back), schedule(forget)]
}

fn ids() -> impl Strategy<Value = u128> {
    1u128..15
}

fn schedule(rare: BoxedStrategy<Step>) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (ids(), 0i64..80).prop_map(|(id, tokens)| Step::Admit(id, tokens)),
        1 => (ids(), 300i64..400).prop_map(|(id, tokens)| Step::Admit(id, tokens)),
        3 => (ids(), 0i64..120).prop_map(|(id, tokens)| Step::Finish(id, tokens)),
        4 => (0i64..25 * SECOND).prop_map(Step::MoveClock),
        1 => prop_oneof![Just(MINUTE), Just(6 * 60 * MINUTE), Just(DAY)].prop_map(Step::MoveClock),
        1 => rare,
    ];
    proptest::collection::vec(step, 1..80)
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: u128,
    admitted_at: i64,
    tokens: i64,
    is_running: bool,
}

/// Says the same in the plainest way: by looking at everything that was ever admitted.
struct Model {
    rates: Rates,
    clock: i64,
    entries: Vec<Entry>,
}

impl Model {
    fn now(&self) -> i64 {
        self.entries.iter().map(|entry| entry.admitted_at).max().unwrap_or(0).max(self.clock)
    }

    fn within(&self, window: i64, now: i64) -> impl Iterator<Item = Entry> {
        self.entries.iter().copied().filter(move |entry| entry.admitted_at > now - window)
    }

    fn requests(&self, window: i64, now: i64) -> i64 {
        i64::try_from(self.within(window, now).count()).expect("few")
    }

    fn tokens(&self, now: i64) -> i64 {
        self.within(MINUTE, now).map(|entry| entry.tokens).sum()
    }

    fn replies(&self) -> i64 {
        let running = self.within(LEASE, self.now()).filter(|entry| entry.is_running);
        i64::try_from(running.count()).expect("few")
    }

    fn fits(&self, now: i64, needed: i64) -> bool {
        let used = self.tokens(now);
        used == 0 || used + needed <= self.rates.tokens_per_minute
    }

    /// The first time at which something leaves the window and `fits` is true.
    fn first_time(&self, window: i64, fits: impl Fn(i64) -> bool, counts: impl Fn(&Entry) -> bool) -> i64 {
        let mut times: Vec<_> =
            self.within(window, self.now()).filter(counts).map(|entry| entry.admitted_at + window).collect();
        times.sort_unstable();
        times.into_iter().find(|time| fits(*time)).unwrap_or(0)
    }

    /// What was admitted while the clock was far ahead counts from now on.
    fn put_right(&mut self) {
        let (newest, clock) = (self.now(), self.clock);
        if newest <= clock + MINUTE {
            return;
        }
        self.entries.retain(|entry| entry.admitted_at > newest - DAY);
        for entry in &mut self.entries {
            entry.admitted_at = entry.admitted_at.min(clock);
        }
    }

    fn find(&self, id: u128) -> Option<usize> {
        let oldest = self.now() - DAY;
        self.entries.iter().rposition(|entry| entry.id == id && entry.admitted_at > oldest)
    }

    fn admit(&mut self, id: u128, tokens: i64) -> i64 {
        let (now, rates) = (self.now(), self.rates);
        if self.replies() >= rates.concurrent_replies {
            return TOO_MANY_REPLIES;
        }
        if self.requests(MINUTE, now) >= rates.requests_per_minute {
            return MINUTE_IS_FULL;
        }
        if self.requests(DAY, now) >= rates.requests_per_day {
            return DAY_IS_FULL;
        }
        if !self.fits(now, tokens) {
            return TOO_MANY_TOKENS;
        }
        self.entries.push(Entry { id, admitted_at: now, tokens, is_running: true });
        0
    }

    fn answer(&mut self, step: &Step) -> Answer {
        let (mut outcome, mut needed) = (0, 1);
        match *step {
            Step::Admit(id, tokens) => {
                outcome = self.admit(id, tokens);
                if outcome > 0 {
                    needed = tokens;
                }
            }
            Step::Finish(id, tokens) => {
                if let Some(index) = self.find(id) {
                    self.entries[index] = Entry { tokens, is_running: false, ..self.entries[index] };
                }
            }
            Step::Forget(id) => {
                if let Some(index) = self.find(id) {
                    self.entries.remove(index);
                }
            }
            Step::MoveClock(micros) => {
                self.clock += micros;
                self.put_right();
            }
        }
        let (now, rates) = (self.now(), self.rates);
        let minute =
            self.first_time(MINUTE, |at| self.requests(MINUTE, at) < rates.requests_per_minute, |_| true);
        let day = self.first_time(DAY, |at| self.requests(DAY, at) < rates.requests_per_day, |_| true);
        let tokens = self.first_time(MINUTE, |at| self.fits(at, needed), |entry| entry.tokens > 0);
        Answer {
            outcome,
            replies: self.replies(),
            minute: (self.requests(MINUTE, now), minute),
            day: (self.requests(DAY, now), day),
            tokens: (self.tokens(now), tokens),
            held_tokens: self
                .within(MINUTE, now)
                .filter(|entry| entry.is_running)
                .map(|entry| entry.tokens)
                .sum(),
        }
    }
}

async fn run_step(windows: &mut Windows, clock: i64, step: &Step) -> Answer {
    match *step {
        Step::Admit(id, tokens) => windows.run(clock, "admit", id, tokens).await,
        Step::Finish(id, tokens) => windows.run(clock, "finish", id, tokens).await,
        Step::Forget(id) => windows.run(clock, "forget", id, 0).await,
        Step::MoveClock(_) => windows.run(clock, "read", 0, 0).await,
    }
}

/// (25)
#[test]
fn the_windows_count_as_a_plain_model_does_whatever_happens_and_whatever_the_clock_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let rates =
        Rates { requests_per_minute: 3, requests_per_day: 8, tokens_per_minute: 150, concurrent_replies: 2 };
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) });
    let blocks = prop_oneof![Just(1), Just(3), Just(128)];
    let result = runner.run(&(blocks, steps()), |(block, steps)| {
        runtime.block_on(async {
            let mut windows = Windows::open_reading(block, rates).await;
            let mut model = Model { rates, clock: NOON, entries: vec![] };
            for step in &steps {
                let expected = model.answer(step);
                prop_assert_eq!(run_step(&mut windows, model.clock, step).await, expected, "{:?}", step);
            }
            Ok(())
        })
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
