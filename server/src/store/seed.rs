//! A made-up past, for databases of developers: see `seed.sql`.

use std::time::Duration;

use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};

use super::{Connection, StoreError, StoreResult, allow_long_statements};

const SQL: &str = include_str!("seed.sql");

/// Millions of rows need minutes.
const LONGEST_STATEMENT: Duration = Duration::from_secs(3 * 3600);

/// How much there is to be.
#[derive(Clone, Debug)]
pub struct Seed {
    pub people: u32,
    /// About so many replies.
    pub records: u64,
    /// The first person came so many days ago.
    pub days: u32,
    /// The plans, as objects with `key`, `is_free`, `credit_nanos`, `month_cents` and `year_cents`.
    pub plans: serde_json::Value,
}

/// Whether anybody has ever signed in.
pub async fn has_people(conn: &mut Connection) -> StoreResult<bool> {
    is_so(conn, "select exists (select from users) as is_so").await
}

/// Whether there is a model that can answer.
pub async fn has_models(conn: &mut Connection) -> StoreResult<bool> {
    is_so(
        conn,
        "select exists (
            select from models join model_routes on model_key = models.key where models.is_enabled and model_routes.is_enabled
         ) as is_so",
    )
    .await
}

async fn is_so(conn: &mut Connection, query: &str) -> StoreResult<bool> {
    #[derive(diesel::QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        is_so: bool,
    }
    let answer: Answer = diesel::sql_query(query).get_result(conn).await?;
    Ok(answer.is_so)
}

/// Makes it all, or nothing when anything fails.
pub async fn make(conn: &mut Connection, seed: &Seed) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        allow_long_statements(conn, LONGEST_STATEMENT).await?;
        for (name, value) in [
            ("seed.people", seed.people.to_string()),
            ("seed.records", seed.records.to_string()),
            ("seed.days", seed.days.to_string()),
            ("seed.plans", seed.plans.to_string()),
        ] {
            let set = diesel::sql_query("select set_config($1, $2, true)");
            set.bind::<Text, _>(name).bind::<Text, _>(value).execute(conn).await?;
        }
        Ok(conn.batch_execute(SQL).await?)
    })
    .await
}

/// What a long-lived database has done by itself.
pub async fn vacuum(conn: &mut Connection) -> StoreResult<()> {
    conn.batch_execute(&format!("set statement_timeout = {}", LONGEST_STATEMENT.as_millis())).await?;
    Ok(conn.batch_execute("vacuum analyze").await?)
}
