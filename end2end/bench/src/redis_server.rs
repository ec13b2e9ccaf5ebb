//! What Redis says of itself.

use std::time::Duration;

use redis::aio::MultiplexedConnection;

use crate::Result;

#[derive(Clone)]
pub struct RedisServer(MultiplexedConnection);

impl RedisServer {
    pub async fn connect(url: &str) -> Result<Self> {
        Ok(Self(redis::Client::open(url)?.get_multiplexed_async_connection().await?))
    }

    /// Processor time used so far.
    pub async fn cpu_time(&mut self) -> Result<Duration> {
        let info: redis::InfoDict = redis::cmd("INFO").arg("cpu").query_async(&mut self.0).await?;
        let seconds = |field| info.get::<f64>(field).ok_or("Redis does not say what it used");
        Ok(Duration::from_secs_f64(seconds("used_cpu_sys")? + seconds("used_cpu_user")?))
    }
}
