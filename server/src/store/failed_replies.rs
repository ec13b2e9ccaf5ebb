//! Replies of an account that came to nothing, or to less than was asked for.

use app::types::{AccountId, FailedReply, GenerationId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::generations::parse_state;
use super::{Connection, StoreResult};

/// Looked through at most, of an account's newest replies: nothing leads to the failed ones alone.
const NEWEST: i64 = 500;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    settled_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    model: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    route_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
}

/// At most `limit` of the newest replies, the last settled first, each with how the last attempt at it ended.
pub async fn list(conn: &mut Connection, account_id: AccountId, limit: i64) -> StoreResult<Vec<FailedReply>> {
    // One by one: joined, the whole tables might be read.
    const FAILED: &str = "
        select reply.id, newest.created_at as settled_at, reply.model, reply.state, attempt.route_key, attempt.outcome
        from (
            select generation_id, created_at from usage_records where account_id = $1
            order by created_at desc limit $2
        ) newest
        cross join lateral (
            select id, model, state from generations where id = newest.generation_id limit 1
        ) reply
        left join lateral (
            select route_key, outcome from generation_attempts where generation_id = newest.generation_id
            order by number desc limit 1
        ) attempt on true
        where reply.state in ('failed', 'interrupted')
        order by newest.created_at desc limit $3";
    let rows: Vec<Row> = diesel::sql_query(FAILED)
        .bind::<SqlUuid, _>(account_id.0)
        .bind::<BigInt, _>(NEWEST)
        .bind::<BigInt, _>(limit)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(to_reply).collect())
}

fn to_reply(row: Row) -> FailedReply {
    FailedReply {
        id: GenerationId(row.id),
        settled_at: row.settled_at,
        model: row.model,
        state: parse_state(&row.state),
        route: row.route_key,
        outcome: row.outcome,
    }
}
