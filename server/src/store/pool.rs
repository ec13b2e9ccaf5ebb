//! Connections to PostgreSQL.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bb8::RunError;
use diesel::{ConnectionError, QueryResult};
use diesel_async::pooled_connection::bb8::{Pool, PooledConnection};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures::stream::{self, Stream};
use futures::{FutureExt, StreamExt};
use secrecy::ExposeSecret;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{StoreError, StoreResult};
use crate::config::DatabaseConfig;

/// What every function of the store works with.
pub type Connection = AsyncPgConnection;

/// The connections of a pool.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    pub in_use: u32,
    pub idle: u32,
}

/// The database: hands out connections for as long as a few statements take, never for the length of a reply.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    config: Arc<DatabaseConfig>,
}

impl Db {
    /// Does not connect yet: the server starts, and says so in `/health/ready`, while the database is away.
    pub fn new(config: &DatabaseConfig) -> Self {
        let setup_config = config.clone();
        let mut manager_config = ManagerConfig::default();
        manager_config.custom_setup = Box::new(move |_| {
            let config = setup_config.clone();
            async move { connect(&config).await }.boxed()
        });
        // A broken connection is recognised without asking the server, which would cost a round trip per checkout.
        manager_config.recycling_method = RecyclingMethod::Fast;
        let manager =
            AsyncDieselConnectionManager::new_with_config(config.url.expose_secret(), manager_config);
        let pool = Pool::builder()
            .max_size(config.pool_size)
            .connection_timeout(config.pool_wait)
            .build_unchecked(manager);
        Self { pool, config: Arc::new(config.clone()) }
    }

    /// A connection, waited for as long as the settings say.
    ///
    /// # Errors
    /// `PoolExhausted` or `Unavailable`: both answered with 503.
    pub async fn get(&self) -> StoreResult<PooledConnection<'_, AsyncPgConnection>> {
        self.pool.get().await.map_err(|error| match error {
            RunError::TimedOut => StoreError::PoolExhausted,
            RunError::User(error) => StoreError::Unavailable(error.to_string()),
        })
    }

    /// What is sent to a channel with NOTIFY from now on, on a connection of its own. Ends when that breaks.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn listen(&self, channel: &str) -> StoreResult<impl Stream<Item = String> + use<>> {
        let mut conn =
            connect(&self.config).await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        conn.batch_execute(&format!("listen {channel}")).await?;
        Ok(stream::unfold(conn, async |mut conn| {
            let notification = Box::pin(conn.notifications_stream()).next().await?.ok()?;
            Some((notification.payload, conn))
        }))
    }

    /// How many connections this process has.
    pub fn connections(&self) -> Connections {
        let state = self.pool.state();
        Connections { in_use: state.connections - state.idle_connections, idle: state.idle_connections }
    }

    /// Whether the database answers.
    pub async fn is_up(&self) -> bool {
        let Ok(mut conn) = self.get().await else { return false };
        conn.batch_execute("select 1").await.is_ok()
    }
}

diesel::define_sql_function! {
    fn pg_notify(channel: diesel::sql_types::Text, payload: diesel::sql_types::Text);
}

/// Tells everybody who listens to the channel, once the transaction is committed.
pub(super) async fn notify(mut conn: &Connection, channel: &str, payload: &str) -> QueryResult<()> {
    diesel::select(pg_notify(channel, payload)).execute(&mut conn).await?;
    Ok(())
}

/// Lets each statement of this transaction take as long as `longest`, whatever the settings say.
pub(super) async fn allow_long_statements(conn: &mut Connection, longest: Duration) -> QueryResult<()> {
    conn.batch_execute(&format!("set local statement_timeout = {}", longest.as_millis())).await
}

/// One connection of its own, with TLS when the URL's `sslmode` and the server allow it.
pub(super) async fn connect(config: &DatabaseConfig) -> Result<AsyncPgConnection, ConnectionError> {
    let bad = |error: &dyn std::error::Error| ConnectionError::BadConnection(with_source(error));
    let mut postgres =
        tokio_postgres::Config::from_str(config.url.expose_secret()).map_err(|error| bad(&error))?;
    postgres.connect_timeout(config.pool_wait).application_name("plumbline");
    fail_in_silence(&mut postgres, config.statement_timeout + config.pool_wait);
    let tls = MakeRustlsConnect::with_native_certs()
        .map_err(|_| ConnectionError::BadConnection("this machine has no root certificates".to_owned()))?
        .0;
    let (client, connection) = postgres.connect(tls).await.map_err(|error| bad(&error))?;
    let mut conn = AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
    let timeouts = format!(
        "set statement_timeout = {0}; set idle_in_transaction_session_timeout = {0}",
        config.statement_timeout.as_millis()
    );
    conn.batch_execute(&timeouts).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Behind a network that drops every packet no timeout of the server's arrives. The kernel gives up after about `longest`,
/// instead of a quarter of an hour.
fn fail_in_silence(postgres: &mut tokio_postgres::Config, longest: Duration) {
    const PROBES: u32 = 3;
    // The kernel refuses times of a day.
    let longest = longest.min(Duration::from_secs(3600));
    postgres
        .tcp_user_timeout(longest)
        .keepalives_idle(longest / 2)
        .keepalives_interval(longest / 2 / PROBES)
        .keepalives_retries(PROBES);
}

/// tokio-postgres puts the interesting part into the source.
fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
