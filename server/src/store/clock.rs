//! The database's clock, which every server shares.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::Date;
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

/// Today in UTC, by the database's clock, which also dates the records.
pub async fn today(conn: &mut Connection) -> StoreResult<NaiveDate> {
    #[derive(QueryableByName)]
    struct Today {
        #[diesel(sql_type = Date)]
        today: NaiveDate,
    }
    let row: Today =
        diesel::sql_query("select (now() at time zone 'UTC')::date as today").get_result(conn).await?;
    Ok(row.today)
}
