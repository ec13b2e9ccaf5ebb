//! Generations: one attempt of the model to answer, claimed before it begins and settled once after it ends.

use std::time::Duration;

use app::types::{
    AccountId, ClientRequestId, Credit, GenerationId, Message, MessageId, Nanos, ReplyState, Role, Thread,
    ThreadId,
};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::ledger::{self, HoldEnd};
use super::schema::{generations, usage_records};
use super::{Connection, StoreError, StoreResult, messages, threads};
use crate::pricing::{HoldRequest, HoldTerms, TokenUsage};

/// A generation as asked for, everything but its hold decided.
#[derive(Clone, Debug)]
pub struct NewGeneration {
    pub id: GenerationId,
    pub account_id: AccountId,
    pub client_request_id: ClientRequestId,
    pub thread: Thread,
    pub is_new_thread: bool,
    pub user_message: Message,
    /// False when an older message is answered again.
    pub is_new_message: bool,
    pub model: String,
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
        messages::insert_user(conn, new.thread.id, &new.user_message).await?;
    }
    diesel::insert_into(generations::table)
        .values((
            generations::id.eq(new.id.0),
            generations::account_id.eq(new.account_id.0),
            generations::client_request_id.eq(new.client_request_id.0),
            generations::thread_id.eq(new.thread.id.0),
            generations::user_message_id.eq(new.user_message.id.0),
            generations::model.eq(&new.model),
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
    pub user_message_id: MessageId,
    pub content: String,
    pub state: ReplyState,
    pub model: String,
    pub usage: TokenUsage,
    /// The provider did not say, so we counted.
    pub is_estimated: bool,
    pub charged: Nanos,
}

/// Saves the answer, posts its charge and resolves its hold, in one transaction, once: settling again changes nothing
/// and returns the answer as it was saved. A hold the sweeper has expired in between is no excuse: the charge is posted.
pub async fn settle(conn: &mut Connection, settlement: &Settlement) -> StoreResult<Message> {
    let message = conn
        .transaction::<_, diesel::result::Error, _>(async |conn| {
            ledger::lock(conn, settlement.account_id).await?;
            if !insert_usage(conn, settlement).await? {
                return Ok(None);
            }
            ledger::post_charge(conn, settlement.account_id, settlement.generation_id, settlement.charged)
                .await?;
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

/// False when the generation is settled already.
async fn insert_usage(conn: &mut Connection, settlement: &Settlement) -> QueryResult<bool> {
    let tokens = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let added = diesel::insert_into(usage_records::table)
        .values((
            usage_records::generation_id.eq(settlement.generation_id.0),
            usage_records::account_id.eq(settlement.account_id.0),
            usage_records::model.eq(&settlement.model),
            usage_records::input_tokens.eq(tokens(settlement.usage.input_tokens)),
            usage_records::output_tokens.eq(tokens(settlement.usage.output_tokens)),
            usage_records::is_estimated.eq(settlement.is_estimated),
            usage_records::charged_nanos.eq(settlement.charged.0),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(added > 0)
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
        parent_id: settlement.user_message_id,
        generation_id: settlement.generation_id,
        content: &settlement.content,
    };
    let (id, created_at) = messages::upsert_reply(conn, reply).await?;
    Ok(Message {
        id,
        parent_id: Some(settlement.user_message_id),
        role: Role::Assistant,
        content: settlement.content.clone(),
        created_at,
        state: Some(settlement.state),
        charged: Some(settlement.charged),
    })
}

/// Ends generations whose process has died: their holds have expired. Returns how many.
pub async fn expire(conn: &mut Connection, limit: i64) -> StoreResult<usize> {
    let expired = ledger::list_expired_holds(conn, limit).await?;
    for (id, account_id) in &expired {
        conn.transaction::<_, diesel::result::Error, _>(async |conn| {
            ledger::lock(conn, *account_id).await?;
            if !ledger::resolve_hold(conn, *id, HoldEnd::Expired).await? {
                return Ok(());
            }
            end_generation(conn, *id, ReplyState::Interrupted).await?;
            let (thread_id, user_message_id): (Uuid, Uuid) = generations::table
                .find(id.0)
                .select((generations::thread_id, generations::user_message_id))
                .first(conn)
                .await?;
            let reply = messages::NewReply {
                id: MessageId(Uuid::now_v7()),
                thread_id: ThreadId(thread_id),
                parent_id: MessageId(user_message_id),
                generation_id: *id,
                content: "",
            };
            messages::upsert_reply(conn, reply).await?;
            Ok(())
        })
        .await?;
    }
    Ok(expired.len())
}

/// A generation with what its first event tells.
#[derive(Clone, Debug)]
pub struct Generation {
    pub thread: Thread,
    pub user_message: Message,
}

/// A generation of this account.
pub async fn find(conn: &mut Connection, account_id: AccountId, id: GenerationId) -> StoreResult<Generation> {
    let (thread_id, user_message_id): (Uuid, Uuid) = generations::table
        .find(id.0)
        .filter(generations::account_id.eq(account_id.0))
        .select((generations::thread_id, generations::user_message_id))
        .first(conn)
        .await?;
    let thread = threads::find(conn, account_id, ThreadId(thread_id)).await?;
    let user_message = messages::find(conn, thread.id, MessageId(user_message_id)).await?;
    Ok(Generation { thread, user_message })
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
