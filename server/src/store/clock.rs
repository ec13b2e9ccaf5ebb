//! The database's clock, which every server shares.

use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;

use super::{Connection, StoreResult};

diesel::define_sql_function! {
    /// The time now, also in the middle of a transaction.
    fn clock_timestamp() -> Timestamptz;
}

/// The time now.
pub async fn now(conn: &mut Connection) -> StoreResult<DateTime<Utc>> {
    Ok(diesel::select(clock_timestamp()).get_result(conn).await?)
}
