//! Everything known of one reply's cost, and of many.

use app::types::{
    AccountId, Charge, GenerationId, MessageId, ModelPrices, Nanos, ReceiptAttempt, ReplyState, ThreadLabel,
};
use chrono::{DateTime, Utc};
use diesel::dsl::AsSelect;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::generations::parse_state;
use super::schema::{
    generation_attempts, generations, holds, messages, model_prices, models, threads, usage_records,
};
use super::statement::{self, Entry};
use super::usage_reports::ThreadColumns;
use super::{Connection, StoreResult};

/// A reply with what it used.
#[derive(Clone, Debug)]
pub struct Reply {
    pub id: GenerationId,
    pub thread: ThreadLabel,
    /// The model's name.
    pub model: String,
    pub state: ReplyState,
    pub asked_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// None while it is being written.
    pub charge: Option<Charge>,
}

/// A reply of this account, whether it was charged or not.
pub async fn find(conn: &mut Connection, account_id: AccountId, id: GenerationId) -> StoreResult<Reply> {
    let row: ReplyColumns = replies()
        .filter(generations::account_id.eq(account_id.0))
        .filter(generations::id.eq(id.0))
        .select(columns())
        .first(conn)
        .await?;
    Ok(to_reply(row))
}

/// At most `limit` replies that were settled from `from` on and before `before`, newest first, those that failed
/// included. To go on, `before` is when the last one was settled, and its id.
pub async fn list(
    conn: &mut Connection,
    account_id: AccountId,
    from: DateTime<Utc>,
    before: (DateTime<Utc>, GenerationId),
    limit: i64,
) -> StoreResult<Vec<Reply>> {
    let settled_at = usage_records::created_at.nullable();
    let (at, id) = before;
    let rows: Vec<ReplyColumns> = replies()
        .filter(usage_records::account_id.nullable().eq(account_id.0))
        .filter(settled_at.ge(from))
        .filter(settled_at.lt(at).or(settled_at.eq(at).and(generations::id.lt(id.0).nullable())))
        .order((settled_at.desc(), generations::id.desc()))
        .limit(limit)
        .select(columns())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(to_reply).collect())
}

/// The reply that wrote a message of this account.
pub async fn find_by_message(
    conn: &mut Connection,
    account_id: AccountId,
    id: MessageId,
) -> StoreResult<GenerationId> {
    let id: Uuid = generations::table
        .inner_join(messages::table.on(messages::generation_id.eq(generations::id.nullable())))
        .filter(generations::account_id.eq(account_id.0))
        .filter(messages::id.eq(id.0))
        .select(generations::id)
        .first(conn)
        .await?;
    Ok(GenerationId(id))
}

/// What was set aside for a reply.
pub async fn find_hold(conn: &mut Connection, id: GenerationId) -> StoreResult<Nanos> {
    let amount: Option<i64> =
        holds::table.find(id.0).select(holds::amount_nanos).first(conn).await.optional()?;
    Ok(Nanos(amount.unwrap_or_default()))
}

/// Each time a provider was asked for a reply, in order.
pub async fn list_attempts(conn: &mut Connection, id: GenerationId) -> StoreResult<Vec<ReceiptAttempt>> {
    let rows: Vec<AttemptRow> = generation_attempts::table
        .filter(generation_attempts::generation_id.eq(id.0))
        .order(generation_attempts::number)
        .select(AttemptRow::as_select())
        .load(conn)
        .await?;
    // What others have counted, whose attempts came to nothing, is our cost.
    let last = rows.len().saturating_sub(1);
    let attempts = rows.into_iter().enumerate();
    Ok(attempts.map(|(index, row)| row.into_attempt(index == last)).collect())
}

/// What was posted for a reply, oldest first.
pub async fn list_entries(
    conn: &mut Connection,
    account_id: AccountId,
    id: GenerationId,
) -> StoreResult<Vec<Entry>> {
    Ok(statement::list_for_reply(conn, account_id, id).await?)
}

#[diesel::dsl::auto_type]
fn replies() -> _ {
    let is_in_force = model_prices::model_key
        .eq(generations::model)
        .and(model_prices::version.eq(generations::price_version));
    generations::table
        .inner_join(threads::table)
        .inner_join(models::table.on(models::key.eq(generations::model)))
        .inner_join(model_prices::table.on(is_in_force))
        .left_join(usage_records::table)
}

type ReplyColumns = (ReplyRow, String, ThreadColumns, PriceRow, Option<ChargeRow>);

#[diesel::dsl::auto_type]
fn columns() -> _ {
    let reply: AsSelect<ReplyRow, diesel::pg::Pg> = ReplyRow::as_select();
    let thread: AsSelect<ThreadColumns, diesel::pg::Pg> = ThreadColumns::as_select();
    let price: AsSelect<PriceRow, diesel::pg::Pg> = PriceRow::as_select();
    let charge: AsSelect<Option<ChargeRow>, diesel::pg::Pg> = Option::<ChargeRow>::as_select();
    (reply, models::name, thread, price, charge)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = generations)]
struct ReplyRow {
    id: Uuid,
    state: String,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = model_prices)]
struct PriceRow {
    version: i32,
    input_nanos_per_million: i64,
    cached_input_nanos_per_million: i64,
    output_nanos_per_million: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = usage_records)]
struct ChargeRow {
    input_tokens: i32,
    cached_input_tokens: i32,
    output_tokens: i32,
    reasoning_tokens: i32,
    is_estimated: bool,
    is_provisional: bool,
    route_key: Option<String>,
    charged_nanos: i64,
    created_at: DateTime<Utc>,
}

fn to_reply((row, model, thread, price, charge): ReplyColumns) -> Reply {
    Reply {
        id: GenerationId(row.id),
        thread: thread.into(),
        model,
        state: parse_state(&row.state),
        asked_at: row.created_at,
        ended_at: row.ended_at,
        charge: charge.map(|charge| to_charge(charge, &price)),
    }
}

fn to_charge(row: ChargeRow, price: &PriceRow) -> Charge {
    Charge {
        input_tokens: row.input_tokens.unsigned_abs(),
        cached_input_tokens: row.cached_input_tokens.unsigned_abs(),
        output_tokens: row.output_tokens.unsigned_abs(),
        reasoning_tokens: row.reasoning_tokens.unsigned_abs(),
        is_estimated: row.is_estimated,
        is_provisional: row.is_provisional,
        route: row.route_key,
        price_version: price.version.unsigned_abs(),
        prices: ModelPrices {
            input: Nanos(price.input_nanos_per_million),
            cached_input: Nanos(price.cached_input_nanos_per_million),
            output: Nanos(price.output_nanos_per_million),
        },
        charged: Nanos(row.charged_nanos),
        settled_at: row.created_at,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = generation_attempts)]
struct AttemptRow {
    route_key: String,
    first_token_ms: Option<i32>,
    duration_ms: i32,
    outcome: String,
    input_tokens: Option<i32>,
}

impl AttemptRow {
    fn into_attempt(self, is_last: bool) -> ReceiptAttempt {
        ReceiptAttempt {
            route: self.route_key,
            outcome: self.outcome,
            is_used: is_last && self.input_tokens.is_some(),
            first_token_ms: self.first_token_ms.map(i32::unsigned_abs),
            duration_ms: self.duration_ms.unsigned_abs(),
        }
    }
}
