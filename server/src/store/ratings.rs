//! What people think of replies.

use std::collections::HashMap;

use app::types::{AccountId, MessageId, Rating, ThreadId};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::clock::clock_timestamp;
use super::jobs::{self, NewJob};
use super::schema::{generations, messages, ratings, threads};
use super::{Connection, StoreError, StoreResult};

/// The kind of job that tells a rating to who collects traces.
pub const TELLING: &str = "tell_rating";

/// With the pauses between them, some hours.
const ATTEMPTS: i32 = 12;

/// What such a job is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    pub account_id: AccountId,
    pub message_id: MessageId,
}

/// A rating and the trace of the reply that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedRating {
    pub traceparent: String,
    /// None: it was taken back.
    pub rating: Option<Rating>,
}

/// Of the replies in a conversation.
pub async fn list(
    conn: &mut Connection,
    account_id: AccountId,
    thread_id: ThreadId,
) -> StoreResult<HashMap<MessageId, Rating>> {
    let rows: Vec<(Uuid, bool)> = ratings::table
        .inner_join(messages::table.on(ratings::message_id.eq(messages::id)))
        .filter(messages::thread_id.eq(thread_id.0))
        .filter(ratings::account_id.eq(account_id.0))
        .select((ratings::message_id, ratings::is_good))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(id, is_good)| (MessageId(id), Rating::new(is_good))).collect())
}

/// Keeps a rating in the place of the one before, or takes it back. `is_told`: a job tells it, if the reply was traced.
/// Not found: it is no reply, or another account's.
pub async fn rate(
    conn: &mut Connection,
    account_id: AccountId,
    id: MessageId,
    rating: Option<Rating>,
    is_told: bool,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let is_traced = find_trace(conn, account_id, id).await?.is_some();
        write(conn, account_id, id, rating).await?;
        if is_told && is_traced {
            jobs::enqueue_behind(conn, &telling(account_id, id)).await?;
        }
        Ok(())
    })
    .await
}

async fn write(
    conn: &mut Connection,
    account_id: AccountId,
    id: MessageId,
    rating: Option<Rating>,
) -> QueryResult<usize> {
    let Some(rating) = rating else {
        return diesel::delete(ratings::table.find((id.0, account_id.0))).execute(conn).await;
    };
    let now = (ratings::is_good.eq(rating.is_good()), ratings::rated_at.eq(clock_timestamp()));
    diesel::insert_into(ratings::table)
        .values((ratings::message_id.eq(id.0), ratings::account_id.eq(account_id.0), now))
        .on_conflict((ratings::message_id, ratings::account_id))
        .do_update()
        .set(now)
        .execute(conn)
        .await
}

/// One at a time, so that what is told last is what holds.
fn telling(account_id: AccountId, message_id: MessageId) -> NewJob {
    let key = format!("{TELLING}:{message_id}:{account_id}");
    NewJob {
        kind: TELLING,
        payload: json!(Telling { account_id, message_id }),
        run_at: None,
        unique_key: Some(key.clone()),
        serial_key: Some(key),
        max_attempts: ATTEMPTS,
    }
}

/// As it is now. None: there is no such reply any more, or it was not traced.
pub async fn find_traced(conn: &mut Connection, job: Telling) -> StoreResult<Option<TracedRating>> {
    let Telling { account_id, message_id } = job;
    let traceparent = match find_trace(conn, account_id, message_id).await {
        Err(StoreError::NotFound) => None,
        found => found?,
    };
    let is_good = ratings::table.find((message_id.0, account_id.0)).select(ratings::is_good);
    let is_good: Option<bool> = is_good.first(conn).await.optional()?;
    Ok(traceparent.map(|traceparent| TracedRating { traceparent, rating: is_good.map(Rating::new) }))
}

/// Not found: it is no reply, or another account's.
async fn find_trace(
    conn: &mut Connection,
    account_id: AccountId,
    id: MessageId,
) -> StoreResult<Option<String>> {
    Ok(messages::table
        .inner_join(generations::table.on(messages::generation_id.eq(generations::id.nullable())))
        .inner_join(threads::table.on(messages::thread_id.eq(threads::id)))
        .filter(messages::id.eq(id.0))
        .filter(threads::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null())
        .select(generations::traceparent)
        .first(conn)
        .await?)
}
