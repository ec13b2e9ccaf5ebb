//! Request rates: sliding windows and concurrent replies, exact across processes in Redis, or tight and local while
//! Redis is away. No money depends on them.

mod address;
mod breaker;
mod calls;
mod connection;
mod local;
mod missed;
mod windows;

use std::sync::Arc;
use std::time::Duration;

use app::ApiError;
use app::types::{AccountId, GenerationId, Limit, Plan};
use redis::{RedisError, Script};
use serde::Serialize;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use self::address::client_address;
pub use self::breaker::{Breakers, Pass};
pub use self::calls::{CallLimit, CallOrigin};
use self::connection::{Connection, NoAnswer};
use self::local::LocalLimiter;
use self::missed::{MissedCall, MissedCalls};
use self::windows::{Action, Rates, Windows};
use crate::config::RedisConfig;
use crate::telemetry::metrics;

/// While Redis is away, what it has missed is offered to it so often.
const OFFER_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
#[error("REDIS_URL makes no sense: {0}")]
pub struct BadRedisUrl(#[from] RedisError);

/// What the limiter says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It counts from now on.
    Admitted(Vec<Limit>),
    /// It does not fit and counts nowhere. The limit that is reached is one of all.
    Refused { reached: Reached, limits: Vec<Limit> },
}

/// A limit that is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    pub limit: Limit,
    pub retry_after: Duration,
}

impl From<Reached> for ApiError {
    fn from(Reached { limit, retry_after }: Reached) -> Self {
        let retry_after_seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX);
        Self::LimitReached { limit, retry_after_seconds }
    }
}

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// All processes together, in Redis.
    Shared,
    /// Each process by itself, because Redis is away.
    Local,
}

/// What Redis says of itself.
#[derive(Clone, Debug)]
pub struct RedisFacts {
    pub version: String,
    pub used_memory_bytes: i64,
    pub connected_clients: i64,
}

/// Admits replies by account, so that more sessions, keys or addresses give nobody more; and what else is asked for, by
/// account or, where nobody has signed in, by address.
#[derive(Clone)]
pub struct Limiter {
    redis: Connection,
    key_prefix: String,
    script: Arc<Script>,
    local: Arc<LocalLimiter>,
    missed: Arc<MissedCalls>,
    tasks: TaskTracker,
    /// A reply that outlives this no longer counts as concurrent: its process must have died.
    reply_lease: Duration,
}

impl Limiter {
    /// Does not connect yet. `replicas` processes share the limits while Redis is away.
    ///
    /// # Errors
    /// When the URL makes no sense.
    pub fn new(config: &RedisConfig, replicas: u32, reply_lease: Duration) -> Result<Self, BadRedisUrl> {
        Ok(Self {
            redis: Connection::new(config)?,
            key_prefix: config.key_prefix.clone(),
            script: Arc::new(windows::script()),
            local: Arc::new(LocalLimiter::new(replicas)),
            missed: Arc::default(),
            tasks: TaskTracker::new(),
            reply_lease,
        })
    }

    /// The breakers, over the same connection; `threshold` failures in a row open one.
    pub fn breakers(&self, threshold: u32) -> Breakers {
        Breakers::new(self.redis.clone(), self.key_prefix.clone(), threshold)
    }

    /// Counts a request and the tokens it may use, if it fits every limit of the plan. Redis away: a tight limit of this
    /// process decides. It counts by the id of the generation it would become: one that is sent again and answered anew
    /// counts anew.
    pub async fn admit(
        &self,
        account_id: AccountId,
        id: GenerationId,
        tokens: u32,
        plan: &Plan,
    ) -> Admission {
        let (key, rates) = (self.account_key(account_id), plan.into());
        let no_answer = match self.ask(Action::Admit(id.0, tokens), &key, rates).await {
            Ok(windows) => return windows.admission(rates),
            Err(no_answer) => no_answer,
        };
        let admission = self.local.admit(&key, id.0, tokens, rates);
        let missed = match (&admission, no_answer) {
            (Admission::Admitted(_), _) => Some(Action::Count(id.0, tokens)),
            // A slow Redis may have counted it.
            (Admission::Refused { .. }, NoAnswer::Lost) => Some(Action::Forget(id.0)),
            (Admission::Refused { .. }, NoAnswer::NotAsked) => None,
        };
        if let Some(action) = missed {
            let is_news = no_answer == NoAnswer::NotAsked;
            self.tell_later(MissedCall { action, key, rates, is_news });
        }
        admission
    }

    /// Where the account stands, without counting anything.
    pub async fn read(&self, account_id: AccountId, plan: &Plan) -> Vec<Limit> {
        let (key, rates) = (self.account_key(account_id), plan.into());
        match self.ask(Action::Read, &key, rates).await {
            Ok(windows) => windows.limits(rates),
            Err(_) => self.local.read(&key, rates),
        }
    }

    /// The reply has ended and used so many tokens: it is no longer concurrent, but still counts as a request.
    pub async fn finish(&self, account_id: AccountId, id: GenerationId, tokens: u32, plan: &Plan) {
        let key = self.account_key(account_id);
        self.local.finish(&key, id.0, tokens);
        self.tell(Action::Finish(id.0, tokens), key, plan.into()).await;
    }

    /// The request became no reply, so it never counted.
    pub async fn forget(&self, account_id: AccountId, id: GenerationId, plan: &Plan) {
        let key = self.account_key(account_id);
        self.local.forget(&key, id.0);
        if !self.missed.take_back(id.0) {
            self.tell(Action::Forget(id.0), key, plan.into()).await;
        }
    }

    /// Counts what is no reply. Redis away: this process admits its share.
    ///
    /// # Errors
    /// When it does not fit; it then counts nowhere.
    pub async fn admit_call(&self, limit: CallLimit, caller: CallOrigin) -> Result<(), Reached> {
        let key = format!("{}{}", self.key_prefix, caller.key(limit));
        let rates = Rates { requests_per_minute: limit.per_minute, ..Rates::default() };
        let id = Uuid::now_v7();
        let admission = match self.ask(Action::Admit(id, 0), &key, rates).await {
            Ok(windows) => windows.admission(rates),
            Err(_) => self.local.admit(&key, id, 0, rates),
        };
        metrics::call_decided(limit.name, !matches!(admission, Admission::Refused { .. }));
        match admission {
            Admission::Refused { reached: Reached { limit, retry_after }, .. } => {
                Err(Reached { limit: Limit { name: caller.limit_name(), ..limit }, retry_after })
            }
            Admission::Admitted(_) => Ok(()),
        }
    }

    /// Who counted the last request.
    pub fn mode(&self) -> Mode {
        if self.redis.is_away() { Mode::Local } else { Mode::Shared }
    }

    /// Asks Redis whether it is there.
    pub async fn is_up(&self) -> bool {
        self.redis.is_up().await
    }

    /// What Redis says of itself. None: it is away.
    pub async fn facts(&self) -> Option<RedisFacts> {
        let info =
            |mut redis| async move { redis::cmd("INFO").query_async::<redis::InfoDict>(&mut redis).await };
        let info = self.redis.ask(info).await.ok()?;
        Some(RedisFacts {
            version: info.get("redis_version").unwrap_or_default(),
            used_memory_bytes: info.get("used_memory").unwrap_or_default(),
            connected_clients: info.get("connected_clients").unwrap_or_default(),
        })
    }

    fn account_key(&self, account_id: AccountId) -> String {
        format!("{}account:{account_id}", self.key_prefix)
    }

    /// Tells Redis now, or after what it has missed.
    async fn tell(&self, action: Action, key: String, rates: Rates) {
        if self.missed.are_waiting() || self.ask(action, &key, rates).await.is_err() {
            self.tell_later(MissedCall { action, key, rates, is_news: false });
        }
    }

    /// By a task of its own, so that nothing is lost with the request that happens to find Redis back.
    fn tell_later(&self, call: MissedCall) {
        if self.missed.add(call) {
            self.tasks.spawn(self.clone().tell_missed());
        }
    }

    async fn tell_missed(self) {
        while let Some(batch) = self.missed.next_batch() {
            if self.tell_all(&batch).await.is_err() {
                self.missed.put_back(batch);
                tokio::time::sleep(OFFER_EVERY).await;
            }
        }
    }

    /// In one round trip. Without an answer Redis is away, and has heard of some of them or of none. To hear of one again
    /// changes nothing.
    async fn tell_all(&self, calls: &[MissedCall]) -> Result<(), NoAnswer> {
        let mut pipeline = redis::pipe();
        pipeline.load_script(&self.script).ignore();
        for MissedCall { action, key, rates, .. } in calls {
            let call = windows::invocation(&self.script, key, *action, *rates, self.reply_lease);
            pipeline.invoke_script(&call).ignore();
        }
        let tell = |mut redis| async move { pipeline.query_async::<()>(&mut redis).await };
        self.redis.ask(tell).await
    }

    /// One round trip.
    async fn ask(&self, action: Action, key: &str, rates: Rates) -> Result<Windows, NoAnswer> {
        let call = windows::invocation(&self.script, key, action, rates, self.reply_lease);
        let ask = |mut redis| async move { call.invoke_async::<[i64; 10]>(&mut redis).await };
        self.redis.ask(ask).await.map(Windows::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Env, PlansConfig};

    /// (24)
    #[tokio::test]
    async fn what_is_refused_while_redis_is_away_pushes_out_nothing_that_it_must_be_told() {
        let config = RedisConfig { url: "redis://127.0.0.1:1/".to_owned().into(), key_prefix: String::new() };
        let limiter = Limiter::new(&config, 1, Duration::from_secs(720)).expect("a limiter");
        let free = PlansConfig::from_env(&Env::default()).expect("the plans that come along").free;
        let plan = Plan { requests_per_minute: 1, ..free };
        let (account, without_credit) = (AccountId(Uuid::now_v7()), AccountId(Uuid::now_v7()));
        let admit = async |account_id| {
            let id = GenerationId(Uuid::now_v7());
            (id, limiter.admit(account_id, id, 1, &plan).await)
        };
        let (counted, admission) = admit(account).await;
        assert!(matches!(admission, Admission::Admitted(_)));
        for _ in 0..20 {
            assert!(matches!(admit(account).await.1, Admission::Refused { .. }));
            let (id, admission) = admit(without_credit).await;
            assert!(matches!(admission, Admission::Admitted(_)));
            limiter.forget(without_credit, id, &plan).await;
        }
        let waiting: Vec<_> = std::iter::from_fn(|| limiter.missed.next_batch()).flatten().collect();
        let actions: Vec<_> = waiting.iter().map(|call| call.action).collect();
        // However slow this machine is, so that Redis is asked now and then.
        assert!(actions.contains(&Action::Count(counted.0, 1)) && actions.len() < 10, "{actions:?}");
    }
}
