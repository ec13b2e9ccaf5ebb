//! What outlives a process: checkpoints and renewed holds while a reply is written, and what is made of them when nobody
//! renews any more.

use std::time::Duration;

use app::types::{AccountId, ClientRequestId, GenerationId, MessageId, ModelPrices, Nanos, ThreadId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use diesel::sql_types::{
    BigInt, Bool, Integer, Interval, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use uuid::Uuid;

use super::catalog::PriceRow;
use super::clock::clock_timestamp;
use super::prepared::Prepared;
use super::schema::{generations, holds, model_prices, model_routes};
use super::snapshot::Snapshot;
use super::usage::to_int;
use super::{Connection, StoreResult, messages};
use crate::output::Output;
use crate::pricing::TokenUsage;

/// What is known so far of a reply that is being written.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    pub output: Output,
    /// As the provider has counted.
    pub usage: Option<TokenUsage>,
    /// The last, while it goes on.
    pub attempt: Option<BegunAttempt>,
}

/// A provider that was asked.
#[derive(Clone, Debug)]
pub struct BegunAttempt {
    pub route_key: String,
    pub started_at: DateTime<Utc>,
}

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
        update generations set checkpoint_text = $, checkpoint_reasoning = $, checkpoint_input_tokens = $,
            checkpoint_cached_input_tokens = $, checkpoint_output_tokens = $, checkpoint_reasoning_tokens = $,
            checkpoint_route_key = $, checkpoint_attempt_at = $, checkpoint_tool_calls = $
        from account where generations.id = $ returning stop_requested_at
    )
    select books_version, (select expires_at from hold), stop_requested_at is not null from account, generation";

/// Saves what is known so far and lets the hold count for `hold_ttl` from now on. What was `seen` of the account is what it
/// is then, if that is known.
pub async fn keep(
    conn: &mut Connection,
    account_id: AccountId,
    id: GenerationId,
    checkpoint: Checkpoint,
    hold_ttl: Duration,
    seen: &mut Option<Snapshot>,
) -> StoreResult<Kept> {
    let Checkpoint { output: Output { text, reasoning, tool_calls }, usage, attempt } = checkpoint;
    let (route_key, started_at) = attempt.map(|attempt| (attempt.route_key, attempt.started_at)).unzip();
    let tokens = |count: fn(TokenUsage) -> u32| usage.map(|usage| to_int(count(usage)));
    let before = seen.take();
    let (version, expires_at, is_stop_requested): KeptRow =
        Prepared::<(BigInt, Nullable<Timestamptz>, Bool)>::new()
            .sql(KEEP)
            .bind::<SqlUuid, _>(account_id.0)
            .bind::<Interval, _>(i64::try_from(hold_ttl.as_micros()).unwrap_or(i64::MAX).microseconds())
            .bind::<SqlUuid, _>(id.0)
            .bind::<Text, _>(text)
            .bind::<Text, _>(reasoning)
            .bind::<Nullable<Integer>, _>(tokens(|usage| usage.input_tokens))
            .bind::<Nullable<Integer>, _>(tokens(|usage| usage.cached_input_tokens))
            .bind::<Nullable<Integer>, _>(tokens(|usage| usage.output_tokens))
            .bind::<Nullable<Integer>, _>(tokens(|usage| usage.reasoning_tokens))
            .bind::<Nullable<Text>, _>(route_key)
            .bind::<Nullable<Timestamptz>, _>(started_at)
            .bind::<Jsonb, _>(json!(tool_calls))
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
    pub prices: ModelPrices,
    pub checkpoint: Checkpoint,
    pub estimated_input_tokens: u32,
    /// What was set aside for it.
    pub held: Nanos,
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
    let (time, id) = after.map_or((DateTime::UNIX_EPOCH, Uuid::nil()), |last| (last.expired_at, last.id.0));
    let is_later = holds::expires_at.gt(time);
    let is_next = holds::expires_at.eq(time).and(holds::generation_id.gt(id));
    let rows: Vec<(AbandonedRow, PriceRow, HoldRow)> = holds::table
        .inner_join(generations::table)
        .inner_join(model_prices::table.on(price))
        .filter(holds::state.eq("pending"))
        .filter(holds::expires_at.le(clock_timestamp()))
        .filter(is_later.or(is_next))
        .order((holds::expires_at, holds::generation_id))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((
            AbandonedRow::as_select(),
            PriceRow::as_select(),
            (holds::amount_nanos, holds::expires_at, clock_timestamp()),
        ))
        .load(conn)
        .await?;
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
    checkpoint_reasoning: String,
    checkpoint_input_tokens: Option<i32>,
    checkpoint_cached_input_tokens: Option<i32>,
    checkpoint_output_tokens: Option<i32>,
    checkpoint_reasoning_tokens: Option<i32>,
    checkpoint_route_key: Option<String>,
    checkpoint_attempt_at: Option<DateTime<Utc>>,
    checkpoint_tool_calls: Value,
}

impl AbandonedRow {
    fn checkpoint(&self) -> Checkpoint {
        let attempt = self.checkpoint_route_key.clone().zip(self.checkpoint_attempt_at);
        Checkpoint {
            output: Output {
                text: self.checkpoint_text.clone(),
                reasoning: self.checkpoint_reasoning.clone(),
                tool_calls: messages::to_tool_calls(self.checkpoint_tool_calls.clone()),
            },
            usage: self.usage(),
            attempt: attempt.map(|(route_key, started_at)| BegunAttempt { route_key, started_at }),
        }
    }

    fn usage(&self) -> Option<TokenUsage> {
        Some(TokenUsage {
            input_tokens: self.checkpoint_input_tokens?.unsigned_abs(),
            cached_input_tokens: self.checkpoint_cached_input_tokens?.unsigned_abs(),
            output_tokens: self.checkpoint_output_tokens?.unsigned_abs(),
            reasoning_tokens: self.checkpoint_reasoning_tokens?.unsigned_abs(),
        })
    }
}

/// Its amount, when it has expired, and what time it is.
type HoldRow = (i64, DateTime<Utc>, DateTime<Utc>);

fn to_abandoned((row, price, (held, expired_at, now)): (AbandonedRow, PriceRow, HoldRow)) -> Abandoned {
    let checkpoint = row.checkpoint();
    Abandoned {
        id: GenerationId(row.id),
        account_id: AccountId(row.account_id),
        client_request_id: ClientRequestId(row.client_request_id),
        thread_id: ThreadId(row.thread_id),
        parent_id: MessageId(row.parent_message_id),
        model: row.model,
        price_version: row.price_version,
        prices: (&price).into(),
        checkpoint,
        estimated_input_tokens: row.estimated_input_tokens.unsigned_abs(),
        held: Nanos(held),
        traceparent: row.traceparent,
        expired_at,
        overdue: now - expired_at,
    }
}

/// What a route costs us now. None: it is there no more.
pub async fn costs_of_route(conn: &mut Connection, key: &str) -> StoreResult<Option<ModelPrices>> {
    let costs = (
        model_routes::input_nanos_per_million,
        model_routes::cached_input_nanos_per_million,
        model_routes::output_nanos_per_million,
    );
    let row: Option<(i64, i64, i64)> =
        model_routes::table.find(key).select(costs).first(conn).await.optional()?;
    Ok(row.map(|(input, cached_input, output)| ModelPrices {
        input: Nanos(input),
        cached_input: Nanos(cached_input),
        output: Nanos(output),
    }))
}
