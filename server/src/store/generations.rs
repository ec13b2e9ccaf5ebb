//! Generations: one attempt of the model to answer, claimed before it begins and settled once after it ends.

use std::time::Duration;

use app::types::{
    AccountId, ClientRequestId, Credit, GenerationId, Message, MessageId, Nanos, ReplyState, Role, Thread,
    ThreadId,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::attempts::{self, Attempt};
use super::catalog::PriceRow;
use super::ledger::{self, HoldEnd};
use super::schema::{generations, model_prices};
use super::usage::{self, Cost, UsageState, to_int};
use super::{Connection, StoreError, StoreResult, messages, threads};
use crate::pricing::{HoldRequest, HoldTerms, TokenPrices, TokenUsage};

/// A generation as asked for, everything but its hold decided.
#[derive(Clone, Debug)]
pub struct NewGeneration {
    pub id: GenerationId,
    pub account_id: AccountId,
    pub client_request_id: ClientRequestId,
    pub thread: Thread,
    pub is_new_thread: bool,
    /// The message that is answered, or the answer that is continued.
    pub parent: Message,
    /// False when it is there already.
    pub is_new_message: bool,
    /// The key of the model.
    pub model: String,
    pub price_version: i32,
    pub hold: HoldRequest,
    /// A process that is killed leaves a hold; it counts no longer than this.
    pub hold_ttl: Duration,
    /// The plan's credit, given when this is the month's first request.
    pub monthly_credit: Nanos,
}

/// What came of a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    Claimed(HoldTerms),
    /// The same request was claimed before.
    Existing(GenerationId),
    OutOfCredit(Credit),
}

/// Claims the request and sets its money aside, in one transaction under the account's lock. Nothing is written
/// unless the outcome is `Claimed`.
pub async fn claim(conn: &mut Connection, new: &NewGeneration) -> StoreResult<Claim> {
    let claim = conn
        .transaction::<_, StoreError, _>(async |conn| {
            let at = ledger::lock(conn, new.account_id).await?;
            if let Some(id) = find_by_request(conn, new.account_id, new.client_request_id).await? {
                return Ok(Claim::Existing(id));
            }
            ledger::refresh_grants(conn, new.account_id, new.monthly_credit, at).await?;
            let credit = ledger::credit(conn, new.account_id, at).await?;
            let Some(terms) = new.hold.fit(credit.available) else { return Ok(Claim::OutOfCredit(credit)) };
            insert(conn, new).await?;
            ledger::insert_hold(conn, new.account_id, new.id, terms.amount, at + new.hold_ttl).await?;
            Ok(Claim::Claimed(terms))
        })
        .await?;
    Ok(claim)
}

/// The generation this request has, if it was sent before.
pub async fn find_by_request(
    conn: &mut Connection,
    account_id: AccountId,
    request_id: ClientRequestId,
) -> StoreResult<Option<GenerationId>> {
    let id: Option<Uuid> = generations::table
        .filter(generations::account_id.eq(account_id.0))
        .filter(generations::client_request_id.eq(request_id.0))
        .select(generations::id)
        .first(conn)
        .await
        .optional()?;
    Ok(id.map(GenerationId))
}

async fn insert(conn: &mut Connection, new: &NewGeneration) -> QueryResult<()> {
    if new.is_new_thread {
        threads::insert(conn, new.account_id, new.thread.id, &new.thread.title).await?;
    } else {
        threads::touch(conn, new.thread.id).await?;
    }
    if new.is_new_message {
        messages::insert_user(conn, new.thread.id, &new.parent).await?;
    }
    diesel::insert_into(generations::table)
        .values((
            generations::id.eq(new.id.0),
            generations::account_id.eq(new.account_id.0),
            generations::client_request_id.eq(new.client_request_id.0),
            generations::thread_id.eq(new.thread.id.0),
            generations::parent_message_id.eq(new.parent.id.0),
            generations::model.eq(&new.model),
            generations::price_version.eq(new.price_version),
            generations::estimated_input_tokens.eq(to_int(new.hold.input_tokens)),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Everything a generation ends with.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub generation_id: GenerationId,
    pub account_id: AccountId,
    pub thread_id: ThreadId,
    pub parent_id: MessageId,
    pub content: String,
    pub reasoning: String,
    pub state: ReplyState,
    pub model: String,
    pub price_version: i32,
    /// The one that answered last.
    pub attempts: Vec<Attempt>,
    pub usage: TokenUsage,
    /// The provider did not say, so we counted.
    pub is_estimated: bool,
    pub charged: Nanos,
}

impl Settlement {
    /// The route that answered; none when every attempt came to nothing.
    pub(super) fn route_key(&self) -> Option<&str> {
        self.attempts
            .iter()
            .rev()
            .find(|attempt| attempt.usage.is_some())
            .map(|attempt| attempt.route_key.as_str())
    }
}

/// Saves the answer, posts its charge and resolves its hold, in one transaction, once: settling again changes nothing
/// and returns the answer as it was saved. After a sweep only the difference to what the sweeper charged is posted.
pub async fn settle(conn: &mut Connection, settlement: &Settlement) -> StoreResult<Message> {
    let message = conn
        .transaction::<_, diesel::result::Error, _>(async |conn| {
            ledger::lock(conn, settlement.account_id).await?;
            let cost = Cost::of(settlement);
            match usage::find_state(conn, settlement.generation_id).await? {
                None => charge(conn, settlement.generation_id, settlement.account_id, &cost, false).await?,
                Some(UsageState::Provisional { charged }) => {
                    correct(conn, settlement, &cost, charged).await?
                }
                Some(UsageState::Final) => return Ok(None),
            }
            attempts::insert_all(conn, settlement.generation_id, &settlement.attempts).await?;
            let end = if settlement.charged > Nanos::ZERO { HoldEnd::Posted } else { HoldEnd::Voided };
            ledger::resolve_hold(conn, settlement.generation_id, end).await?;
            end_generation(conn, settlement.generation_id, settlement.state).await?;
            threads::touch(conn, settlement.thread_id).await?;
            Ok(Some(save_reply(conn, settlement).await?))
        })
        .await?;
    match message {
        Some(message) => Ok(message),
        None => Ok(messages::find_by_generation(conn, settlement.generation_id)
            .await?
            .ok_or(diesel::result::Error::NotFound)?),
    }
}

async fn charge(
    conn: &mut Connection,
    id: GenerationId,
    account_id: AccountId,
    cost: &Cost<'_>,
    is_provisional: bool,
) -> QueryResult<()> {
    usage::insert(conn, id, account_id, cost, is_provisional).await?;
    ledger::post_charge(conn, account_id, &format!("generation:{id}"), cost.charged).await
}

async fn correct(
    conn: &mut Connection,
    settlement: &Settlement,
    cost: &Cost<'_>,
    charged: Nanos,
) -> QueryResult<()> {
    let id = settlement.generation_id;
    usage::make_final(conn, id, cost).await?;
    ledger::post_charge(conn, settlement.account_id, &format!("generation:{id}:late"), cost.charged - charged)
        .await
}

async fn end_generation(conn: &mut Connection, id: GenerationId, state: ReplyState) -> QueryResult<()> {
    diesel::update(generations::table.find(id.0))
        .set((
            generations::state.eq(state_text(state)),
            generations::ended_at.eq(ledger::clock_timestamp().nullable()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

async fn save_reply(conn: &mut Connection, settlement: &Settlement) -> QueryResult<Message> {
    let reply = messages::NewReply {
        id: MessageId(Uuid::now_v7()),
        thread_id: settlement.thread_id,
        parent_id: settlement.parent_id,
        generation_id: settlement.generation_id,
        content: &settlement.content,
        reasoning: &settlement.reasoning,
    };
    let (id, created_at) = messages::upsert_reply(conn, reply).await?;
    Ok(Message {
        id,
        parent_id: Some(settlement.parent_id),
        role: Role::Assistant,
        content: settlement.content.clone(),
        created_at,
        state: Some(settlement.state),
        charged: Some(settlement.charged),
        model: Some(settlement.model.clone()),
        reasoning: settlement.reasoning.clone(),
    })
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

/// Saves what was said so far and renews the hold.
pub async fn keep(
    conn: &mut Connection,
    id: GenerationId,
    text: &str,
    hold_ttl: Duration,
) -> StoreResult<Kept> {
    let stop_requested_at: Option<Option<DateTime<Utc>>> =
        diesel::update(generations::table.find(id.0).filter(generations::state.eq("streaming")))
            .set(generations::checkpoint_text.eq(text))
            .returning(generations::stop_requested_at)
            .get_result(conn)
            .await
            .optional()?;
    match stop_requested_at {
        None => Ok(Kept::HoldLost),
        Some(Some(_)) => Ok(Kept::StopRequested),
        Some(None) if ledger::renew_hold(conn, id, hold_ttl).await? => Ok(Kept::Renewed),
        Some(None) => Ok(Kept::HoldLost),
    }
}

/// Told of each generation that somebody wants to end.
pub const STOP_CHANNEL: &str = "plumbline_stop";

diesel::define_sql_function! {
    fn pg_notify(channel: diesel::sql_types::Text, payload: diesel::sql_types::Text);
}

/// Asks whoever writes this reply to end it. Not found: it is not there, or another account's.
pub async fn request_stop(conn: &mut Connection, account_id: AccountId, id: GenerationId) -> StoreResult<()> {
    let rows = generations::table.find(id.0).filter(generations::account_id.eq(account_id.0));
    let found = diesel::update(rows)
        .set(generations::stop_requested_at.eq(ledger::clock_timestamp().nullable()))
        .execute(conn)
        .await?;
    if found == 0 {
        return Err(StoreError::NotFound);
    }
    diesel::select(pg_notify(STOP_CHANNEL, id.to_string())).execute(conn).await?;
    Ok(())
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
    pub usage: TokenUsage,
    pub charged: Nanos,
}

/// At most `limit` of them.
pub async fn list_abandoned(conn: &mut Connection, limit: i64) -> StoreResult<Vec<Abandoned>> {
    let price = model_prices::model_key
        .eq(generations::model)
        .and(model_prices::version.eq(generations::price_version));
    let rows: Vec<(AbandonedRow, PriceRow)> = generations::table
        .inner_join(model_prices::table.on(price))
        .filter(generations::id.eq_any(ledger::expired_holds(limit)))
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

/// Ends an abandoned reply: saves what was said, posts what it cost and resolves the hold, once.
pub async fn expire(conn: &mut Connection, reply: &Abandoned, recovery: &Recovery) -> StoreResult<()> {
    let cost = Cost {
        model: &reply.model,
        usage: recovery.usage,
        is_estimated: true,
        charged: recovery.charged,
        price_version: reply.price_version,
        route_key: None,
        cost: Nanos::ZERO,
    };
    conn.transaction::<_, diesel::result::Error, _>(async |conn| {
        ledger::lock(conn, reply.account_id).await?;
        // Settled in the meantime, or swept by another process.
        if !ledger::resolve_hold(conn, reply.id, HoldEnd::Expired).await? {
            return Ok(());
        }
        charge(conn, reply.id, reply.account_id, &cost, true).await?;
        end_generation(conn, reply.id, ReplyState::Interrupted).await?;
        let (thread_id, parent_id): (Uuid, Uuid) = generations::table
            .find(reply.id.0)
            .select((generations::thread_id, generations::parent_message_id))
            .first(conn)
            .await?;
        let saved = messages::NewReply {
            id: MessageId(Uuid::now_v7()),
            thread_id: ThreadId(thread_id),
            parent_id: MessageId(parent_id),
            generation_id: reply.id,
            content: &recovery.text,
            reasoning: "",
        };
        messages::upsert_reply(conn, saved).await?;
        Ok(())
    })
    .await?;
    Ok(())
}

/// A generation with what its first event tells.
#[derive(Clone, Debug)]
pub struct Generation {
    pub thread: Thread,
    /// The message that is answered, or the answer that is continued.
    pub parent: Message,
}

/// A generation of this account.
pub async fn find(conn: &mut Connection, account_id: AccountId, id: GenerationId) -> StoreResult<Generation> {
    let (thread_id, parent_id): (Uuid, Uuid) = generations::table
        .find(id.0)
        .filter(generations::account_id.eq(account_id.0))
        .select((generations::thread_id, generations::parent_message_id))
        .first(conn)
        .await?;
    let thread = threads::find(conn, account_id, ThreadId(thread_id)).await?;
    let parent = messages::find(conn, thread.id, MessageId(parent_id)).await?;
    Ok(Generation { thread, parent })
}

/// False while it is being written.
pub async fn has_ended(conn: &mut Connection, id: GenerationId) -> StoreResult<bool> {
    let state: String = generations::table.find(id.0).select(generations::state).first(conn).await?;
    Ok(parse_state(&state) != ReplyState::Streaming)
}

/// The thread's reply being written now, the newest if several are.
pub async fn find_live(conn: &mut Connection, thread_id: ThreadId) -> StoreResult<Option<GenerationId>> {
    let id: Option<Uuid> = generations::table
        .filter(generations::thread_id.eq(thread_id.0))
        .filter(generations::state.eq("streaming"))
        .order(generations::id.desc())
        .select(generations::id)
        .first(conn)
        .await
        .optional()?;
    Ok(id.map(GenerationId))
}

const STATES: [(ReplyState, &str); 6] = [
    (ReplyState::Streaming, "streaming"),
    (ReplyState::Finished, "finished"),
    (ReplyState::Limited, "limited"),
    (ReplyState::Stopped, "stopped"),
    (ReplyState::Failed, "failed"),
    (ReplyState::Interrupted, "interrupted"),
];

fn state_text(state: ReplyState) -> &'static str {
    STATES.iter().find(|(candidate, _)| *candidate == state).map_or("failed", |(_, text)| *text)
}

/// A text the database constraint does not allow reads as failed.
pub(super) fn parse_state(text: &str) -> ReplyState {
    STATES.iter().find(|(_, candidate)| *candidate == text).map_or(ReplyState::Failed, |(state, _)| *state)
}
