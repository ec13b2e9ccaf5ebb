//! PostgreSQL: all SQL lives below this module, one file a noun.

pub mod account_books;
pub mod account_export;
pub mod accounts;
pub mod alerts;
pub mod api_keys;
pub mod attempts;
pub mod audit;
pub mod backlog;
pub mod caps;
pub mod catalog;
pub mod catalog_changes;
pub mod claims;
pub mod clock;
pub mod day_totals;
pub mod erasures;
pub mod event_reports;
pub mod failed_replies;
pub mod failed_requests;
pub mod figure_files;
pub mod figures;
pub mod generations;
pub mod interventions;
pub mod invariants;
pub mod job_reports;
pub mod jobs;
pub mod ledger;
pub mod mail;
pub mod messages;
pub mod meter_events;
pub mod money_audits;
pub mod money_back;
pub mod notices;
pub mod operator_credit;
pub mod operators;
pub mod overage;
pub mod people;
mod person_labels;
pub mod plan_overrides;
mod pool;
mod prepared;
pub mod provider_usage;
pub mod rating_days;
pub mod ratings;
pub mod receipts;
pub mod reconciliations;
pub mod recovery;
pub mod route_reports;
mod schema;
pub mod seed;
pub mod sessions;
pub mod settlements;
pub mod sign_in_flows;
pub mod simulation;
pub mod snapshot;
pub mod spending;
pub mod statement;
pub mod stripe_events;
pub mod subscriptions;
pub mod switches;
pub mod system;
pub mod thread_search;
pub mod threads;
mod usage;
pub mod usage_reports;
pub mod users;
pub mod visits;

use std::time::Duration;

use diesel::dsl::sql;
use diesel::sql_types::Bool;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub use attempts::Attempt;
use pool::allow_long_statements;
pub use pool::{Connection, Connections, Db};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// Any constant: only our own migrations ask for it.
const MIGRATION_LOCK: i64 = 0x706c_756d_626c;

const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("no such row")]
    NotFound,
    /// All connections are in use and none came free in time.
    #[error("no free database connection")]
    PoolExhausted,
    /// The database is away, or gave up on a statement.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Of books under their lock, a fault of ours.
    #[error("what was read has changed before something was written")]
    Outdated,
    #[error("database error: {0}")]
    Query(diesel::result::Error),
}

pub type StoreResult<T> = Result<T, StoreError>;

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error};

        match error {
            Error::NotFound => Self::NotFound,
            Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                detail,
            ) => Self::Unavailable(detail.message().to_owned()),
            Error::BrokenTransactionManager => {
                Self::Unavailable("connection broke in a transaction".to_owned())
            }
            other => Self::Query(other),
        }
    }
}

/// Brings the model catalog in line with a file.
///
/// # Errors
/// When the database cannot be reached.
pub async fn apply_catalog(
    config: &crate::config::DatabaseConfig,
    catalog: &crate::config::CatalogConfig,
) -> StoreResult<()> {
    let mut conn = pool::connect(config).await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    catalog::apply(&mut conn, catalog).await
}

/// Brings the schema up to date and returns the versions that were applied. Safe to run from several machines at
/// once: an advisory lock lets them in one by one. Blocks the thread, so it needs the multi-threaded runtime.
///
/// # Errors
/// When the database cannot be reached or a migration fails; the failed one is rolled back.
pub async fn migrate(config: &crate::config::DatabaseConfig) -> StoreResult<Vec<String>> {
    use diesel_async::RunQueryDsl;

    let mut conn = pool::connect(config).await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    // An index of a large table takes as long as it takes; what stands in the way of others sets a `lock_timeout`.
    diesel::sql_query("set statement_timeout = 0").execute(&mut conn).await?;
    lock_migrations(&mut conn).await?;
    let mut harness = diesel_async::AsyncMigrationHarness::new(conn);
    let applied = harness
        .run_pending_migrations(MIGRATIONS)
        .map_err(|error| StoreError::Unavailable(format!("migration failed: {error}")))?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// Asked for again and again: an index that is made concurrently waits for every statement before it, also for one that would
/// wait here.
async fn lock_migrations(conn: &mut Connection) -> StoreResult<()> {
    use diesel_async::RunQueryDsl;

    let lock = diesel::select(sql::<Bool>(&format!("pg_try_advisory_lock({MIGRATION_LOCK})")));
    while !lock.clone().get_result::<bool>(conn).await? {
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
    Ok(())
}
