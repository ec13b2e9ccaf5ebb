//! The server's connections, as PostgreSQL sees them.

use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use crate::Result;

/// A query takes well under this; a connection in one state for longer is held.
const HELD: &str = "select count(*) from pg_stat_activity where application_name = 'plumbline' \
                    and state <> 'idle' and clock_timestamp() - state_change > interval '100 milliseconds'";

pub struct Database {
    client: Client,
    _connection: JoinSet<()>,
}

impl Database {
    pub async fn connect(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async { connection.await.unwrap_or_default() });
        Ok(Self { client, _connection: tasks })
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Connections of the server that have been in a statement or a transaction for longer than any should.
    pub async fn held_connections(&self) -> Result<i64> {
        Ok(self.client.query_one(HELD, &[]).await?.get(0))
    }
}
