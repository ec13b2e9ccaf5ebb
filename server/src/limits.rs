//! Request rates: sliding windows and concurrent replies, exact across processes in Redis, or tight and local while
//! Redis is away. No money depends on them.

mod breaker;
mod local;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::types::{AccountId, ClientRequestId, Limit, LimitName, Plan};
use chrono::{DateTime, Utc};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script};
use secrecy::ExposeSecret;

pub use self::breaker::Breakers;
use self::local::LocalLimiter;
use crate::config::RedisConfig;

/// Redis answers in well under a millisecond. One that needs longer than this is treated as away.
const REDIS_TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
#[error("REDIS_URL makes no sense: {0}")]
pub struct BadRedisUrl(#[from] RedisError);

/// What the limiter says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It counts from now on.
    Admitted(Vec<Limit>),
    /// The same request counts already; nothing was added.
    Repeated(Vec<Limit>),
    /// It does not fit and counts nowhere.
    Refused { limit: Limit, retry_after: Duration },
}

/// Admits requests by account, so that more sessions, keys or addresses give nobody more.
#[derive(Clone)]
pub struct Limiter {
    redis: ConnectionManager,
    key_prefix: String,
    script: Arc<Script>,
    local: Arc<LocalLimiter>,
    is_degraded: Arc<AtomicBool>,
    /// A reply that outlives this no longer counts as concurrent: its process must have died.
    reply_lease: Duration,
}

impl Limiter {
    /// Does not connect yet.
    ///
    /// # Errors
    /// When the URL makes no sense.
    pub fn new(config: &RedisConfig, reply_lease: Duration) -> Result<Self, BadRedisUrl> {
        let connection = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(REDIS_TIMEOUT))
            .set_response_timeout(Some(REDIS_TIMEOUT))
            .set_number_of_retries(1);
        let redis =
            ConnectionManager::new_lazy_with_config(Client::open(config.url.expose_secret())?, connection)?;
        Ok(Self {
            redis,
            key_prefix: config.key_prefix.clone(),
            script: Arc::new(Script::new(include_str!("limits/windows.lua"))),
            local: Arc::default(),
            is_degraded: Arc::default(),
            reply_lease,
        })
    }

    /// The breakers, over the same connection.
    pub fn breakers(&self) -> Breakers {
        Breakers::new(self.redis.clone(), self.key_prefix.clone())
    }

    /// Counts a request if it fits every limit of the plan. Redis away: a tight limit of this process decides.
    pub async fn admit(&self, account_id: AccountId, request_id: ClientRequestId, plan: &Plan) -> Admission {
        match self.run(Action::Admit(request_id), account_id, plan).await {
            Some(windows) => windows.admission(plan),
            None => self.local.admit(account_id, request_id, plan),
        }
    }

    /// Where the account stands, without counting anything.
    pub async fn read(&self, account_id: AccountId, plan: &Plan) -> Vec<Limit> {
        match self.run(Action::Read, account_id, plan).await {
            Some(windows) => windows.limits(plan),
            None => self.local.read(account_id, plan),
        }
    }

    /// The reply has ended: it is no longer concurrent, but still counts as a request.
    pub async fn finish(&self, account_id: AccountId, request_id: ClientRequestId, plan: &Plan) {
        self.local.finish(account_id, request_id);
        self.run(Action::Finish(request_id), account_id, plan).await;
    }

    /// The request was refused for another reason, so it never counted.
    pub async fn forget(&self, account_id: AccountId, request_id: ClientRequestId, plan: &Plan) {
        self.local.forget(account_id, request_id);
        self.run(Action::Forget(request_id), account_id, plan).await;
    }

    /// Redis did not answer the last time it was asked.
    pub fn is_degraded(&self) -> bool {
        self.is_degraded.load(Ordering::Relaxed)
    }

    /// Asks Redis whether it is there.
    pub async fn is_up(&self) -> bool {
        let mut redis = self.redis.clone();
        let ping = redis::cmd("PING");
        let answer = tokio::time::timeout(REDIS_TIMEOUT, ping.query_async::<String>(&mut redis)).await;
        let is_up = matches!(answer, Ok(Ok(_)));
        self.note_degraded(!is_up);
        is_up
    }

    /// One round trip. None: Redis is away.
    async fn run(&self, action: Action, account_id: AccountId, plan: &Plan) -> Option<Windows> {
        let mut redis = self.redis.clone();
        let (name, member) = action.parts();
        let mut call = self.script.prepare_invoke();
        // The braces put both keys into one slot of a cluster.
        call.key(format!("{}{{{account_id}}}:requests", self.key_prefix))
            .key(format!("{}{{{account_id}}}:replies", self.key_prefix))
            .arg(name)
            .arg(member)
            .arg(plan.requests_per_minute)
            .arg(plan.requests_per_day)
            .arg(plan.concurrent_replies)
            .arg(self.reply_lease.as_secs());
        let answer = tokio::time::timeout(REDIS_TIMEOUT, call.invoke_async::<[i64; 7]>(&mut redis)).await;
        match answer {
            Ok(Ok(numbers)) => {
                self.note_degraded(false);
                Some(Windows::from(numbers))
            }
            Ok(Err(error)) => self.fall_back(&error.to_string()),
            Err(_) => self.fall_back("no answer in time"),
        }
    }

    fn fall_back(&self, reason: &str) -> Option<Windows> {
        if !self.is_degraded() {
            tracing::warn!(reason, "Redis is away: requests are limited by this process alone");
        }
        self.note_degraded(true);
        None
    }

    fn note_degraded(&self, is_degraded: bool) {
        if self.is_degraded.swap(is_degraded, Ordering::Relaxed) && !is_degraded {
            tracing::info!("Redis is back: requests are limited across processes again");
        }
    }
}

#[derive(Clone, Copy)]
enum Action {
    Admit(ClientRequestId),
    Read,
    Finish(ClientRequestId),
    Forget(ClientRequestId),
}

impl Action {
    /// Members are the 16 bytes of the id: a third of the memory its text would take.
    fn parts(self) -> (&'static str, Vec<u8>) {
        let (name, id) = match self {
            Self::Admit(id) => ("admit", Some(id)),
            Self::Read => ("read", None),
            Self::Finish(id) => ("finish", Some(id)),
            Self::Forget(id) => ("forget", Some(id)),
        };
        (name, id.map(|id| id.0.as_bytes().to_vec()).unwrap_or_default())
    }
}

/// The answer of `windows.lua`; times are in microseconds by Redis' clock.
struct Windows {
    /// 0 admitted, 1 repeated, 2 to 4 refused by concurrency, minute, day.
    outcome: i64,
    replies: i64,
    minute_used: i64,
    minute_resets_at: i64,
    day_used: i64,
    day_resets_at: i64,
    now: i64,
}

impl From<[i64; 7]> for Windows {
    fn from(numbers: [i64; 7]) -> Self {
        let [outcome, replies, minute_used, minute_resets_at, day_used, day_resets_at, now] = numbers;
        Self { outcome, replies, minute_used, minute_resets_at, day_used, day_resets_at, now }
    }
}

impl Windows {
    fn limits(&self, plan: &Plan) -> Vec<Limit> {
        vec![
            limit(LimitName::ConcurrentReplies, plan.concurrent_replies, self.replies, 0),
            limit(
                LimitName::RequestsPerMinute,
                plan.requests_per_minute,
                self.minute_used,
                self.minute_resets_at,
            ),
            limit(LimitName::RequestsPerDay, plan.requests_per_day, self.day_used, self.day_resets_at),
        ]
    }

    fn admission(&self, plan: &Plan) -> Admission {
        let mut limits = self.limits(plan);
        match self.outcome {
            0 => Admission::Admitted(limits),
            1 => Admission::Repeated(limits),
            refused => {
                let index = if (2..=4).contains(&refused) { refused - 2 } else { 0 };
                let limit = limits.swap_remove(usize::try_from(index).unwrap_or(0));
                Admission::Refused { retry_after: self.wait(&limit), limit }
            }
        }
    }

    /// Until the next request fits, in whole seconds, at least one. Nobody knows when a reply ends: a few seconds.
    fn wait(&self, limit: &Limit) -> Duration {
        let micros = limit.resets_at.map_or(2_000_000, |time| time.timestamp_micros() - self.now);
        Duration::from_secs(u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000).max(1))
    }
}

fn limit(name: LimitName, limit: u32, used: i64, resets_at_micros: i64) -> Limit {
    let used = u32::try_from(used).unwrap_or(u32::MAX);
    let resets_at: Option<DateTime<Utc>> =
        (resets_at_micros > 0).then(|| DateTime::from_timestamp_micros(resets_at_micros)).flatten();
    Limit { name, limit, used, remaining: limit.saturating_sub(used), resets_at }
}
