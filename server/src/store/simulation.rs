//! What was used, as a simulation of other limits replays it.

use std::time::Duration;

use app::types::{AccountId, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures::TryStreamExt;
use uuid::Uuid;

use super::schema::users;
use super::{Connection, StoreResult, allow_long_statements};
use crate::simulation::RecordedRequest;

/// A million requests need seconds.
const LONGEST_QUERY: Duration = Duration::from_secs(600);

/// Hands on the requests that accounts of a plan made from `from` until before `until`, those of an account together and
/// in the order of time. Reads them as they are taken, so any number fits into memory.
pub async fn for_each_request(
    conn: &mut Connection,
    plan: &str,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    mut each: impl FnMut(RecordedRequest) + Send,
) -> StoreResult<()> {
    let query = diesel::sql_query(
        "select g.account_id, g.created_at, g.ended_at,
            coalesce(u.input_tokens::bigint + u.output_tokens, 0) as tokens,
            coalesce(u.charged_nanos, 0) as charged_nanos, coalesce(u.cost_nanos, 0) as cost_nanos
         from generations g
         join accounts a on a.id = g.account_id
         left join usage_records u on u.generation_id = g.id
         where a.plan = $1 and g.created_at >= $2 and g.created_at < $3
         order by g.account_id, g.created_at, g.id",
    )
    .bind::<Text, _>(plan)
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(until);
    conn.build_transaction()
        .read_only()
        .run(async |conn| {
            allow_long_statements(conn, LONGEST_QUERY).await?;
            let mut rows = query.load_stream::<RequestRow>(conn).await?;
            while let Some(row) = rows.try_next().await? {
                each(row.into());
            }
            Ok(())
        })
        .await
}

/// How many people share these accounts.
pub async fn count_people(conn: &mut Connection, accounts: &[AccountId]) -> StoreResult<i64> {
    let ids: Vec<Uuid> = accounts.iter().map(|id| id.0).collect();
    Ok(users::table.filter(users::account_id.eq_any(ids)).count().get_result(conn).await?)
}

#[derive(QueryableByName)]
struct RequestRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    tokens: i64,
    #[diesel(sql_type = BigInt)]
    charged_nanos: i64,
    #[diesel(sql_type = BigInt)]
    cost_nanos: i64,
}

impl From<RequestRow> for RecordedRequest {
    fn from(row: RequestRow) -> Self {
        Self {
            account_id: AccountId(row.account_id),
            at: row.created_at,
            ended_at: row.ended_at,
            tokens: row.tokens.unsigned_abs(),
            charged: Nanos(row.charged_nanos),
            cost: Nanos(row.cost_nanos),
        }
    }
}
