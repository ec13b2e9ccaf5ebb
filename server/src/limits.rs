//! Request rates: sliding windows and concurrent replies, exact across processes in Redis, or tight and local while
//! Redis is away. No money depends on them.

mod address;
mod breaker;
mod connection;
mod local;
mod missed;
mod windows;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use app::types::{AccountId, ClientRequestId, Limit, LimitName, Plan};
use redis::{RedisError, Script};
use serde::Serialize;
use uuid::Uuid;

pub use self::address::{AddressLimit, client_address};
pub use self::breaker::{Breakers, Pass};
use self::connection::Connection;
use self::local::LocalLimiter;
use self::missed::{MissedCall, MissedCalls};
use self::windows::{Action, Rates, Windows};
use crate::config::RedisConfig;

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

/// A limit that is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    pub limit: Limit,
    pub retry_after: Duration,
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

/// Admits requests by account, so that more sessions, keys or addresses give nobody more; and by address where nobody has
/// signed in.
#[derive(Clone)]
pub struct Limiter {
    redis: Connection,
    key_prefix: String,
    script: Arc<Script>,
    local: Arc<LocalLimiter>,
    missed: Arc<MissedCalls>,
    /// A reply that outlives this no longer counts as concurrent: its process must have died.
    reply_lease: Duration,
}

impl Limiter {
    /// Does not connect yet.
    ///
    /// # Errors
    /// When the URL makes no sense.
    pub fn new(config: &RedisConfig, reply_lease: Duration) -> Result<Self, BadRedisUrl> {
        Ok(Self {
            redis: Connection::new(config)?,
            key_prefix: config.key_prefix.clone(),
            script: Arc::new(windows::script()),
            local: Arc::default(),
            missed: Arc::default(),
            reply_lease,
        })
    }

    /// The breakers, over the same connection; `threshold` failures in a row open one.
    pub fn breakers(&self, threshold: u32) -> Breakers {
        Breakers::new(self.redis.clone(), self.key_prefix.clone(), threshold)
    }

    /// Counts a request and the tokens it may use, if it fits every limit of the plan. Redis away: a tight limit of this
    /// process decides.
    pub async fn admit(
        &self,
        account_id: AccountId,
        request_id: ClientRequestId,
        tokens: u32,
        plan: &Plan,
    ) -> Admission {
        self.admit_by(&self.account_key(account_id), request_id, tokens, plan.into()).await
    }

    /// Where the account stands, without counting anything.
    pub async fn read(&self, account_id: AccountId, plan: &Plan) -> Vec<Limit> {
        let (key, rates) = (self.account_key(account_id), plan.into());
        match self.run(Action::Read, &key, rates).await {
            Some(windows) => windows.limits(rates),
            None => self.local.read(&key, rates),
        }
    }

    /// The reply has ended and used so many tokens: it is no longer concurrent, but still counts as a request.
    pub async fn finish(&self, account_id: AccountId, request_id: ClientRequestId, tokens: u32, plan: &Plan) {
        let key = self.account_key(account_id);
        self.local.finish(&key, request_id, tokens);
        self.tell(Action::Finish(request_id, tokens), key, plan.into()).await;
    }

    /// The request was refused for another reason, so it never counted.
    pub async fn forget(&self, account_id: AccountId, request_id: ClientRequestId, plan: &Plan) {
        let key = self.account_key(account_id);
        self.local.forget(&key, request_id);
        self.tell(Action::Forget(request_id), key, plan.into()).await;
    }

    /// Counts a request of somebody unknown by where it comes from.
    ///
    /// # Errors
    /// When it does not fit; it then counts nowhere.
    pub async fn admit_address(&self, limit: AddressLimit, address: IpAddr) -> Result<(), Reached> {
        let key = format!("{}address:{}:{}", self.key_prefix, limit.name, address::network(address));
        let rates = Rates { requests_per_minute: limit.per_minute, ..Rates::default() };
        match self.admit_by(&key, ClientRequestId(Uuid::now_v7()), 0, rates).await {
            Admission::Refused { limit, retry_after } => {
                Err(Reached { limit: Limit { name: LimitName::RequestsPerAddress, ..limit }, retry_after })
            }
            Admission::Admitted(_) | Admission::Repeated(_) => Ok(()),
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
        let info = self.redis.ask(info).await?;
        Some(RedisFacts {
            version: info.get("redis_version").unwrap_or_default(),
            used_memory_bytes: info.get("used_memory").unwrap_or_default(),
            connected_clients: info.get("connected_clients").unwrap_or_default(),
        })
    }

    fn account_key(&self, account_id: AccountId) -> String {
        format!("{}account:{account_id}", self.key_prefix)
    }

    async fn admit_by(&self, key: &str, request_id: ClientRequestId, tokens: u32, rates: Rates) -> Admission {
        if let Some(windows) = self.run(Action::Admit(request_id, tokens), key, rates).await {
            return windows.admission(rates);
        }
        let admission = self.local.admit(key, request_id, tokens, rates);
        if matches!(admission, Admission::Refused { .. }) {
            // A slow Redis may count it yet.
            self.missed.add([MissedCall { action: Action::Forget(request_id), key: key.to_owned(), rates }]);
        }
        admission
    }

    /// Tells Redis now, or when it is back.
    async fn tell(&self, action: Action, key: String, rates: Rates) {
        if self.run(action, &key, rates).await.is_none() {
            self.missed.add([MissedCall { action, key, rates }]);
        }
    }

    /// One round trip, and after an outage those that were missed. None: Redis is away.
    async fn run(&self, action: Action, key: &str, rates: Rates) -> Option<Windows> {
        let mut missed = self.missed.take().into_iter();
        while let Some(call) = missed.next() {
            if self.ask(call.action, &call.key, call.rates).await.is_none() {
                self.missed.add(std::iter::once(call).chain(missed));
                return None;
            }
        }
        self.ask(action, key, rates).await
    }

    async fn ask(&self, action: Action, key: &str, rates: Rates) -> Option<Windows> {
        let call = windows::invocation(&self.script, key, action, rates, self.reply_lease);
        let ask = |mut redis| async move { call.invoke_async::<[i64; 9]>(&mut redis).await };
        self.redis.ask(ask).await.map(Windows::from)
    }
}
