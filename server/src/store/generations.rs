//! Generations: one attempt of the model to answer, claimed before it begins and settled once after it ends.

use std::time::Duration;

use app::types::{
    AccountId, CapTerms, ClientRequestId, GenerationId, Message, MessageId, Nanos, ReplyState, Role, Thread,
    ThreadId,
};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use futures::TryFutureExt;
use uuid::Uuid;

use super::alerts::{self, Charge};
use super::attempts::{self, Attempt};
use super::clock::clock_timestamp;
use super::holds::{self, HoldEnd};
use super::pool::notify;
use super::schema::generations;
use super::usage::{self, Cost, UsageState, to_int};
use super::{Connection, StoreError, StoreResult, caps, ledger, messages, threads};
use crate::caps::{Allowance, Shortage};
use crate::pricing::{HoldRequest, HoldTerms, TokenUsage};

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
    /// The plan's cap, for those who have set none.
    pub plan_cap: Option<CapTerms>,
    /// The most the plan lets a period cost beyond credit. None: nothing.
    pub overage_max: Option<Nanos>,
}

/// What came of a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    Claimed(HoldTerms),
    /// The same request was claimed before.
    Existing(GenerationId),
    /// Not even the shortest useful answer fits.
    Refused(Shortage),
}

/// Claims the request and sets its money aside, in one transaction under the account's lock. Nothing is written unless
/// the outcome is `Claimed`.
///
/// `ceiling_left` is what the day's ceiling leaves for everybody. None: there is no ceiling.
pub async fn claim(
    conn: &mut Connection,
    new: &NewGeneration,
    ceiling_left: Option<Nanos>,
) -> StoreResult<Claim> {
    let claim = conn
        .transaction::<_, StoreError, _>(async |conn| {
            let account_id = new.account_id;
            ledger::lock(conn, account_id).await?;
            let (mut books, existing, caps) = futures::try_join!(
                ledger::read(conn, account_id).err_into(),
                find_by_request(conn, account_id, new.client_request_id),
                caps::find_applying(conn, account_id, new.thread.id).err_into(),
            )?;
            if let Some(id) = existing {
                return Ok(Claim::Existing(id));
            }
            books.give_monthly(new.monthly_credit);
            books.limit_overage(new.overage_max);
            let credit = books.credit();
            let caps =
                caps.measure(conn, account_id, &new.thread, new.plan_cap, books.at(), credit.held).await?;
            let allowance = Allowance { credit, caps, ceiling_left };
            let Some(terms) = new.hold.fit(allowance.amount()) else {
                return Ok(Claim::Refused(allowance.into_shortage()));
            };
            books.hold(new.id, terms.amount, books.at() + new.hold_ttl);
            futures::try_join!(insert(conn, new), ledger::write(conn, account_id, books))?;
            Ok(Claim::Claimed(terms))
        })
        .await?;
    Ok(claim)
}

/// The generation this request has, if it was sent before.
pub async fn find_by_request(
    mut conn: &Connection,
    account_id: AccountId,
    request_id: ClientRequestId,
) -> StoreResult<Option<GenerationId>> {
    let id: Option<Uuid> = generations::table
        .filter(generations::account_id.eq(account_id.0))
        .filter(generations::client_request_id.eq(request_id.0))
        .select(generations::id)
        .first(&mut conn)
        .await
        .optional()?;
    Ok(id.map(GenerationId))
}

async fn insert(conn: &Connection, new: &NewGeneration) -> QueryResult<()> {
    let thread = async {
        match new.is_new_thread {
            true => threads::insert(conn, new.account_id, new.thread.id, &new.thread.title).await,
            false => threads::touch(conn, new.thread.id).await,
        }
    };
    let message = async {
        match new.is_new_message {
            true => messages::insert_user(conn, new.thread.id, &new.parent).await,
            false => Ok(()),
        }
    };
    futures::try_join!(thread, message, insert_generation(conn, new))?;
    Ok(())
}

async fn insert_generation(mut conn: &Connection, new: &NewGeneration) -> QueryResult<()> {
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
        .execute(&mut conn)
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
    /// The plan's cap, for those who have set none.
    pub plan_cap: Option<CapTerms>,
    /// The most the plan lets a period cost beyond credit. None: nothing.
    pub overage_max: Option<Nanos>,
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

/// A settled reply.
#[derive(Clone, Debug)]
pub struct Settled {
    pub message: Message,
    pub posted: Posted,
}

/// What settling has posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    Charge,
    /// To what the sweeper charged, which was there before.
    Difference,
    /// It was settled before.
    Nothing,
}

/// Saves the answer, posts its charge and resolves its hold, in one transaction, once: settling again changes nothing
/// and returns the answer as it was saved. After a sweep only the difference to what the sweeper charged is posted.
pub async fn settle(conn: &mut Connection, settlement: &Settlement) -> StoreResult<Settled> {
    let settled = conn
        .transaction::<_, diesel::result::Error, _>(async |conn| {
            let (id, account_id) = (settlement.generation_id, settlement.account_id);
            ledger::lock(conn, account_id).await?;
            let (mut books, state, caps) = futures::try_join!(
                ledger::read(conn, account_id),
                usage::find_state(conn, id),
                caps::find_applying(conn, account_id, settlement.thread_id),
            )?;
            let cost = Cost::of(settlement);
            books.limit_overage(settlement.overage_max);
            let (credit_before, now) = (books.credit(), books.at());
            let (posted, charged_at, amount) = match state {
                None => {
                    books.settle(id, cost.charged);
                    (Posted::Charge, now, cost.charged)
                }
                Some(UsageState::Provisional { charged, charged_at }) => {
                    books.correct(id, cost.charged - charged);
                    (Posted::Difference, charged_at, cost.charged - charged)
                }
                Some(UsageState::Final) => return Ok(None),
            };
            let credit_after = books.credit();
            let cap = caps.measure_month(conn, account_id, settlement.plan_cap, charged_at).await?;
            let charge = Charge { account_id, charged_at, amount, credit_before, credit_after, cap };
            let usage = async {
                match state {
                    None => usage::insert(conn, id, account_id, &cost, charged_at, false).await,
                    Some(_) => usage::make_final(conn, id, &cost).await,
                }
            };
            let outcome = if settlement.charged > Nanos::ZERO { HoldEnd::Posted } else { HoldEnd::Voided };
            let (.., message) = futures::try_join!(
                ledger::write(conn, account_id, books),
                usage,
                alerts::raise(conn, &charge),
                attempts::insert_all(conn, id, &settlement.attempts),
                holds::resolve(conn, id, outcome),
                end(conn, id, settlement.state),
                threads::touch(conn, settlement.thread_id),
                save_reply(conn, settlement),
            )?;
            Ok(Some(Settled { message, posted }))
        })
        .await?;
    if let Some(settled) = settled {
        return Ok(settled);
    }
    let saved = messages::find_by_generation(conn, settlement.generation_id).await?;
    Ok(Settled { message: saved.ok_or(StoreError::NotFound)?, posted: Posted::Nothing })
}

pub(super) async fn end(mut conn: &Connection, id: GenerationId, state: ReplyState) -> QueryResult<()> {
    diesel::update(generations::table.find(id.0))
        .set((
            generations::state.eq(state_text(state)),
            generations::ended_at.eq(clock_timestamp().nullable()),
        ))
        .execute(&mut conn)
        .await?;
    Ok(())
}

async fn save_reply(conn: &Connection, settlement: &Settlement) -> QueryResult<Message> {
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

/// Told of each generation that somebody wants to end.
pub const STOP_CHANNEL: &str = "plumbline_stop";

/// Asks whoever writes this reply to end it. Not found: it is not there, or another account's.
pub async fn request_stop(conn: &mut Connection, account_id: AccountId, id: GenerationId) -> StoreResult<()> {
    let rows = generations::table.find(id.0).filter(generations::account_id.eq(account_id.0));
    let found = diesel::update(rows)
        .set(generations::stop_requested_at.eq(clock_timestamp().nullable()))
        .execute(conn)
        .await?;
    if found == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(notify(conn, STOP_CHANNEL, &id.to_string()).await?)
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

pub(crate) fn state_text(state: ReplyState) -> &'static str {
    STATES.iter().find(|(candidate, _)| *candidate == state).map_or("failed", |(_, text)| *text)
}

/// A text the database constraint does not allow reads as failed.
pub(super) fn parse_state(text: &str) -> ReplyState {
    STATES.iter().find(|(_, candidate)| *candidate == text).map_or(ReplyState::Failed, |(state, _)| *state)
}
