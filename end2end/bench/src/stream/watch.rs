//! What the streams cost, watched while all of them are open.

use std::time::Duration;

use tokio::time::sleep;

use super::load::Load;
use crate::database::Database;
use crate::redis_server::RedisServer;
use crate::server::Server;
use crate::{Result, clock};

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The cost of a stretch of time.
#[derive(Debug, Default)]
pub struct Cost {
    /// By [`clock::now`].
    pub from: u64,
    pub to: u64,
    /// Processor time.
    pub server: Duration,
    pub redis: Duration,
    /// The most memory the server had, and the most database connections it held.
    pub resident_kb: u64,
    pub held_connections: i64,
}

/// Waits until all streams of the load are open, and watches until the first ones end.
pub async fn watch(
    load: &Load,
    server: &Server,
    database: &Database,
    redis: &mut RedisServer,
) -> Result<Cost> {
    sleep(load.ramp + LOOK_EVERY).await;
    let (server_before, redis_before) = (server.cpu_time()?, redis.cpu_time().await?);
    let mut cost = Cost { from: clock::now(), ..Cost::default() };
    let looks = (load.all_open - 2 * LOOK_EVERY).div_duration_f64(LOOK_EVERY) as u32;
    for _ in 0..looks {
        sleep(LOOK_EVERY).await;
        cost.resident_kb = cost.resident_kb.max(server.resident_kb()?);
        cost.held_connections = cost.held_connections.max(database.held_connections().await?);
    }
    cost.to = clock::now();
    cost.server = server.cpu_time()? - server_before;
    cost.redis = redis.cpu_time().await? - redis_before;
    Ok(cost)
}
