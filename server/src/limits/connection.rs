//! The connection to Redis that the limiter and the breakers share, and whether it is worth asking.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, RedisResult};
use secrecy::ExposeSecret;

use crate::config::RedisConfig;
use crate::outage::Outage;

/// Redis answers in well under a millisecond. One that needs longer than this is treated as away.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Cheap to clone; all clones know of the same outage.
#[derive(Clone)]
pub(super) struct Connection {
    redis: ConnectionManager,
    outage: Arc<Mutex<Outage>>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Redis was away a moment ago, so it was not asked.
    NotAsked,
    /// It was asked, and may have done what it was told.
    Lost,
}

impl Connection {
    /// Does not connect yet.
    pub(super) fn new(config: &RedisConfig) -> Result<Self, RedisError> {
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_number_of_retries(1);
        let client = Client::open(config.url.expose_secret())?;
        Ok(Self { redis: ConnectionManager::new_lazy_with_config(client, settings)?, outage: Arc::default() })
    }

    /// Redis' answer, or why there is none.
    pub(super) async fn ask<T, F>(&self, question: impl FnOnce(ConnectionManager) -> F) -> Result<T, NoAnswer>
    where
        F: Future<Output = RedisResult<T>>,
    {
        if !self.outage().may_ask(Instant::now()) {
            return Err(NoAnswer::NotAsked);
        }
        self.ask_now(question).await.ok_or(NoAnswer::Lost)
    }

    /// Asks whether Redis is there, also during an outage.
    pub(super) async fn is_up(&self) -> bool {
        let ping = |mut redis| async move { redis::cmd("PING").query_async::<String>(&mut redis).await };
        self.ask_now(ping).await.is_some()
    }

    /// Redis did not answer the last time it was asked.
    pub(super) fn is_away(&self) -> bool {
        self.outage().is_known()
    }

    async fn ask_now<T, F>(&self, question: impl FnOnce(ConnectionManager) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let answer = tokio::time::timeout(TIMEOUT, question(self.redis.clone())).await;
        let reason = match answer {
            Ok(Ok(answer)) => {
                if self.outage().end() {
                    tracing::info!("Redis is back: requests are limited across processes again");
                }
                return Some(answer);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if self.outage().begin(Instant::now()) {
            tracing::warn!(reason, "Redis is away: requests are limited by this process alone");
        }
        None
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::net::TcpListener;

    use super::*;

    /// (24)
    #[tokio::test]
    async fn a_redis_that_does_not_answer_is_left_alone_for_a_while() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("redis://{}/", listener.local_addr().expect("an address"));
        let connections = Arc::new(AtomicUsize::new(0));
        let counting = async {
            let mut open = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                open.push(stream);
            }
        };
        let asking = async {
            let config = RedisConfig { url: url.into(), key_prefix: String::new() };
            let limiter = crate::limits::Limiter::new(&config, 2, Duration::ZERO).expect("a limiter");
            let breakers = limiter.breakers(5);
            let call = crate::limits::CallLimit::anonymous(10_000);
            for _ in 0..500 {
                assert!(breakers.admit("route").await.is_some());
                assert!(limiter.admit_call(call, LOCALHOST).await.is_ok());
            }
            assert_eq!(limiter.mode(), crate::limits::Mode::Local);
        };
        tokio::select! {
            () = counting => {}
            () = asking => {}
        }
        let connections = connections.load(Ordering::Relaxed);
        assert!((1..20).contains(&connections), "{connections} connections for 1,000 questions");
    }

    const LOCALHOST: crate::limits::CallOrigin =
        crate::limits::CallOrigin::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
}
