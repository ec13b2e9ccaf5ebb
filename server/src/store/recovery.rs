//! What outlives a process: checkpoints and renewed holds while a reply is written, and what is made of them when nobody
//! renews any more.

use std::time::Duration;

use app::types::{AccountId, ClientRequestId, GenerationId, MessageId, ThreadId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Interval, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::catalog::PriceRow;
use super::clock::clock_timestamp;
use super::prepared::Prepared;
use super::schema::{generations, holds, model_prices};
use super::snapshot::Snapshot;
use super::{Connection, StoreResult};
use crate::pricing::TokenPrices;

/// What came of renewing a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Renewed,
    /// Somebody asked for the reply to end.
    StopRequested,
    /// The hold is no longer pending: it expired, and a sweep was there.
    HoldLost,
}

/// An expired hold counts no more, so its money may be set aside for something else by now: it is not renewed. By the time
/// when the account's lock was had, because somebody may have been there while it was waited for.
const KEEP: &str = "with account as (
        update accounts set books_version = books_version + 1 where id = $ returning id, books_version
    ), hold as (
        update holds set expires_at = clock_timestamp() + $
        where generation_id = $ and state = 'pending' and expires_at > (select clock_timestamp() from account)
        returning expires_at
    ), generation as (
        update generations set checkpoint_text = $ from account where generations.id = $ returning stop_requested_at
    )
    select books_version, (select expires_at from hold), stop_requested_at is not null from account, generation";

/// Saves what was said so far and lets the hold count for `hold_ttl` from now on. What was `seen` of the account is what it
/// is then, if that is known.
pub async fn keep(
    conn: &mut Connection,
    account_id: AccountId,
    id: GenerationId,
    text: &str,
    hold_ttl: Duration,
    seen: &mut Option<Snapshot>,
) -> StoreResult<Kept> {
    let before = seen.take();
    let (version, expires_at, is_stop_requested): KeptRow =
        Prepared::<(BigInt, Nullable<Timestamptz>, Bool)>::new()
            .sql(KEEP)
            .bind::<SqlUuid, _>(account_id.0)
            .bind::<Interval, _>(i64::try_from(hold_ttl.as_micros()).unwrap_or(i64::MAX).microseconds())
            .bind::<SqlUuid, _>(id.0)
            .bind::<Text, _>(text.to_owned())
            .bind::<SqlUuid, _>(id.0)
            .get_result(conn)
            .await?;
    let Some(expires_at) = expires_at else { return Ok(Kept::HoldLost) };
    *seen = before.and_then(|before| before.renewed(id, version, expires_at, hold_ttl));
    Ok(if is_stop_requested { Kept::StopRequested } else { Kept::Renewed })
}

/// The books' version, until when the hold counts, and whether somebody wants the reply to end.
type KeptRow = (i64, Option<DateTime<Utc>>, bool);

/// A reply whose hold has expired: whoever wrote it is dead.
#[derive(Clone, Debug)]
pub struct Abandoned {
    pub id: GenerationId,
    pub account_id: AccountId,
    pub client_request_id: ClientRequestId,
    pub thread_id: ThreadId,
    pub parent_id: MessageId,
    pub model: String,
    pub price_version: i32,
    /// As they were when it began.
    pub prices: TokenPrices,
    pub checkpoint_text: String,
    pub estimated_input_tokens: u32,
    /// Where its trace goes on. None: it is not traced.
    pub traceparent: Option<String>,
    pub expired_at: DateTime<Utc>,
    /// How long ago its hold has expired.
    pub overdue: TimeDelta,
}

/// At most `limit` of them, the longest expired first, those that come `after` one of them.
pub async fn list_abandoned(
    conn: &mut Connection,
    after: Option<&Abandoned>,
    limit: usize,
) -> StoreResult<Vec<Abandoned>> {
    let price = model_prices::model_key
        .eq(generations::model)
        .and(model_prices::version.eq(generations::price_version));
    let mut expired = holds::table
        .inner_join(generations::table)
        .inner_join(model_prices::table.on(price))
        .filter(holds::state.eq("pending"))
        .filter(holds::expires_at.le(clock_timestamp()))
        .order((holds::expires_at, holds::generation_id))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((AbandonedRow::as_select(), PriceRow::as_select(), holds::expires_at, clock_timestamp()))
        .into_boxed();
    if let Some(Abandoned { id, expired_at, .. }) = after {
        let is_later = holds::expires_at.gt(*expired_at);
        let is_next = holds::expires_at.eq(*expired_at).and(holds::generation_id.gt(id.0));
        expired = expired.filter(is_later.or(is_next));
    }
    let rows: Vec<(AbandonedRow, PriceRow, DateTime<Utc>, DateTime<Utc>)> = expired.load(conn).await?;
    Ok(rows.into_iter().map(to_abandoned).collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = generations)]
struct AbandonedRow {
    id: Uuid,
    account_id: Uuid,
    client_request_id: Uuid,
    thread_id: Uuid,
    parent_message_id: Uuid,
    model: String,
    price_version: i32,
    checkpoint_text: String,
    estimated_input_tokens: i32,
    traceparent: Option<String>,
}

fn to_abandoned(
    (row, price, expired_at, now): (AbandonedRow, PriceRow, DateTime<Utc>, DateTime<Utc>),
) -> Abandoned {
    Abandoned {
        id: GenerationId(row.id),
        account_id: AccountId(row.account_id),
        client_request_id: ClientRequestId(row.client_request_id),
        thread_id: ThreadId(row.thread_id),
        parent_id: MessageId(row.parent_message_id),
        model: row.model,
        price_version: row.price_version,
        prices: (&price).into(),
        checkpoint_text: row.checkpoint_text,
        estimated_input_tokens: row.estimated_input_tokens.unsigned_abs(),
        traceparent: row.traceparent,
        expired_at,
        overdue: now - expired_at,
    }
}
