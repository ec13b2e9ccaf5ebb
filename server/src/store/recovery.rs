//! What outlives a process: checkpoints and renewed holds while a reply is written, and what is made of them when nobody
//! renews any more.

use std::time::Duration;

use app::types::{
    AccountId, CapTerms, ClientRequestId, GenerationId, MessageId, Nanos, ReplyState, ThreadId,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::alerts::{self, Charge};
use super::catalog::PriceRow;
use super::generations::end;
use super::holds::{self, HoldEnd};
use super::schema::{generations, model_prices};
use super::usage::{self, Cost};
use super::{Connection, StoreResult, caps, ledger, messages};
use crate::pricing::{TokenPrices, TokenUsage};

/// What came of renewing a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Renewed,
    /// Somebody asked for the reply to end.
    StopRequested,
    /// The hold is no longer pending: it expired, and a sweep was there.
    HoldLost,
}

/// Saves what was said so far and renews the hold.
pub async fn keep(
    conn: &mut Connection,
    account_id: AccountId,
    id: GenerationId,
    text: &str,
    hold_ttl: Duration,
) -> StoreResult<Kept> {
    let kept = conn
        .transaction::<_, diesel::result::Error, _>(async |conn| {
            // An expired hold is given up under this lock, so that nobody renews it at the same time.
            ledger::lock(conn, account_id).await?;
            let (is_renewed, stop_requested_at) =
                futures::try_join!(holds::renew(conn, id, hold_ttl), save_checkpoint(conn, id, text))?;
            Ok(match stop_requested_at {
                _ if !is_renewed => Kept::HoldLost,
                Some(_) => Kept::StopRequested,
                None => Kept::Renewed,
            })
        })
        .await?;
    Ok(kept)
}

/// Returns when somebody asked for the reply to end.
async fn save_checkpoint(
    mut conn: &Connection,
    id: GenerationId,
    text: &str,
) -> QueryResult<Option<DateTime<Utc>>> {
    diesel::update(generations::table.find(id.0))
        .set(generations::checkpoint_text.eq(text))
        .returning(generations::stop_requested_at)
        .get_result(&mut conn)
        .await
}

/// A reply whose hold has expired: whoever wrote it is dead.
#[derive(Clone, Debug)]
pub struct Abandoned {
    pub id: GenerationId,
    pub account_id: AccountId,
    pub client_request_id: ClientRequestId,
    pub model: String,
    pub price_version: i32,
    /// As they were when it began.
    pub prices: TokenPrices,
    pub checkpoint_text: String,
    pub estimated_input_tokens: u32,
}

/// What is known of an abandoned reply.
#[derive(Clone, Debug)]
pub struct Recovery {
    pub text: String,
    pub reasoning: String,
    pub usage: TokenUsage,
    pub charged: Nanos,
    /// The plan's cap, for those who have set none.
    pub plan_cap: Option<CapTerms>,
    /// The most the plan lets a period cost beyond credit. None: nothing.
    pub overage_max: Option<Nanos>,
}

/// At most `limit` of them.
pub async fn list_abandoned(conn: &mut Connection, limit: i64) -> StoreResult<Vec<Abandoned>> {
    let price = model_prices::model_key
        .eq(generations::model)
        .and(model_prices::version.eq(generations::price_version));
    let rows: Vec<(AbandonedRow, PriceRow)> = generations::table
        .inner_join(model_prices::table.on(price))
        .filter(generations::id.eq_any(holds::expired(limit)))
        .select((AbandonedRow::as_select(), PriceRow::as_select()))
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
    model: String,
    price_version: i32,
    checkpoint_text: String,
    estimated_input_tokens: i32,
}

fn to_abandoned((row, price): (AbandonedRow, PriceRow)) -> Abandoned {
    Abandoned {
        id: GenerationId(row.id),
        account_id: AccountId(row.account_id),
        client_request_id: ClientRequestId(row.client_request_id),
        model: row.model,
        price_version: row.price_version,
        prices: (&price).into(),
        checkpoint_text: row.checkpoint_text,
        estimated_input_tokens: row.estimated_input_tokens.unsigned_abs(),
    }
}

/// Ends an abandoned reply: saves what was said, posts what it cost and resolves the hold, once. False: it was settled in
/// the meantime, or swept by another process, so nothing is posted.
pub async fn expire(conn: &mut Connection, reply: &Abandoned, recovery: &Recovery) -> StoreResult<bool> {
    let cost = Cost {
        model: &reply.model,
        usage: recovery.usage,
        is_estimated: true,
        charged: recovery.charged,
        price_version: reply.price_version,
        route_key: None,
        cost: Nanos::ZERO,
    };
    let is_ended = conn.transaction::<_, diesel::result::Error, _>(async |conn| {
        let mut books = ledger::open(conn, reply.account_id).await?;
        if !holds::resolve(conn, reply.id, HoldEnd::Expired).await? {
            return Ok(false);
        }
        let (account_id, amount) = (reply.account_id, cost.charged);
        let (thread_id, parent_id): (Uuid, Uuid) = generations::table
            .find(reply.id.0)
            .select((generations::thread_id, generations::parent_message_id))
            .first(conn)
            .await?;
        let thread_id = ThreadId(thread_id);
        let caps = caps::find_applying(conn, account_id, thread_id).await?;
        books.limit_overage(recovery.overage_max);
        let (credit_before, charged_at) = (books.credit(), books.at());
        books.settle(reply.id, amount);
        let credit_after = books.credit();
        let cap = caps.measure_month(conn, account_id, recovery.plan_cap, charged_at).await?;
        let charge = Charge { account_id, charged_at, amount, credit_before, credit_after, cap };
        futures::try_join!(
            ledger::write(conn, account_id, books),
            usage::insert(conn, reply.id, account_id, &cost, charged_at, true),
            alerts::raise(conn, &charge),
            end(conn, reply.id, ReplyState::Interrupted),
        )?;
        let saved = messages::NewReply {
            id: MessageId(Uuid::now_v7()),
            thread_id,
            parent_id: MessageId(parent_id),
            generation_id: reply.id,
            content: &recovery.text,
            reasoning: &recovery.reasoning,
        };
        messages::upsert_reply(conn, saved).await?;
        Ok(true)
    });
    Ok(is_ended.await?)
}
