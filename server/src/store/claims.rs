//! Claims: a request becomes a generation, with its money set aside, or is refused. Once for each request.

use std::time::Duration;

use app::types::{AccountId, ClientRequestId, Credit, GenerationId, Message, Nanos, Thread, ThreadId};
use diesel::OptionalExtension;
use diesel::sql_types::{Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::snapshot::{self, About, Snapshot};
use super::usage::to_int;
use super::{Connection, StoreError, StoreResult, ledger};
use crate::caps::{Allowance, PlanCaps, Shortage};
use crate::pricing::{HoldRequest, HoldTerms};

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
    pub plan_caps: PlanCaps,
    /// The thread is that of an API key.
    pub is_by_program: bool,
    /// The most the plan lets a period cost beyond credit. None: nothing.
    pub overage_max: Option<Nanos>,
    /// Where its trace goes on. None: it is not traced.
    pub traceparent: Option<String>,
}

/// What came of a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    /// With the credit there is beside the hold.
    Claimed(HoldTerms, Credit),
    /// The same request was claimed before.
    Existing(GenerationId),
    /// Not even the shortest useful answer fits.
    Refused(Shortage),
    /// An operator has suspended the account since it was looked up.
    Suspended,
}

/// What decides about a request, as of now; `thread_id`: the conversation it goes on with.
pub async fn look_up(
    conn: &Connection,
    account_id: AccountId,
    request_id: ClientRequestId,
    thread_id: Option<ThreadId>,
) -> StoreResult<Snapshot> {
    let about = About { thread: thread_id, request: Some(request_id), ..About::default() };
    Ok(snapshot::read(conn, account_id, about).await?)
}

/// Claims the request and sets its money aside, at once, by what was `seen` of the account, or by how it is now when that
/// has changed since. Nothing is written unless the outcome is `Claimed`; then that is what was seen.
///
/// `ceiling_left` is what the day's ceiling leaves for everybody. None: there is no ceiling.
pub async fn claim(
    conn: &mut Connection,
    new: &NewGeneration,
    seen: &mut Snapshot,
    ceiling_left: Option<Nanos>,
) -> StoreResult<Claim> {
    if let Some(claim) = try_claim(conn, new, seen, ceiling_left).await? {
        return Ok(claim);
    }
    conn.transaction(async |conn| {
        ledger::lock(conn, new.account_id).await?;
        *seen = look_up(conn, new.account_id, new.client_request_id, Some(new.thread.id)).await?;
        if seen.plan().suspended_at.is_some() {
            return Ok(Claim::Suspended);
        }
        try_claim(conn, new, seen, ceiling_left).await?.ok_or(StoreError::Outdated)
    })
    .await
}

/// None: the books were changed between reading and writing them.
async fn try_claim(
    conn: &Connection,
    new: &NewGeneration,
    seen: &mut Snapshot,
    ceiling_left: Option<Nanos>,
) -> StoreResult<Option<Claim>> {
    let account_id = new.account_id;
    if let Some(id) = seen.existing() {
        return Ok(Some(Claim::Existing(id)));
    }
    let mut books = seen.books();
    books.give_monthly(new.monthly_credit);
    books.limit_overage(new.overage_max);
    let credit = books.credit();
    let caps = seen.caps.measure(conn, new, books.at(), credit.held).await?;
    let allowance = Allowance { credit, caps, ceiling_left };
    let Some(terms) = new.hold.fit(allowance.amount()) else {
        return Ok(Some(Claim::Refused(allowance.into_shortage())));
    };
    books.hold(new.id, terms.amount, books.at() + new.hold_ttl);
    let credit = books.credit();
    let version = seen.version;
    seen.changed(&books);
    let written = write(conn, new, ledger::change(account_id, version, books)).await?;
    Ok(written.then_some(Claim::Claimed(terms, credit)))
}

const NEW_THREAD: &str = ", thread_row as (
        insert into threads (id, account_id, title) select $, account.id, $ from account
    )";

const THREAD: &str = ", thread_row as (
        update threads set updated_at = now(), shown_message_id = $ from account where threads.id = $
    )";

const MESSAGE: &str = ", message_row as (
        insert into messages (id, thread_id, parent_id, role, content, created_at)
        select $, $, $, 'user', $, $ from account
    )";

const GENERATION: &str = ", generation_row as (
        insert into generations (id, account_id, client_request_id, thread_id, parent_message_id, model, price_version,
            estimated_input_tokens, traceparent)
        select $, account.id, $, $, $, $, $, $, $ from account
    )
    select id from account";

/// With what a claim writes besides the books. False: they have another version by now.
async fn write(mut conn: &Connection, new: &NewGeneration, change: ledger::Change) -> StoreResult<bool> {
    let (thread, parent) = (&new.thread, &new.parent);
    let statement = change.into_statement::<SqlUuid>();
    let mut statement = match new.is_new_thread {
        true => {
            statement.sql(NEW_THREAD).bind::<SqlUuid, _>(thread.id.0).bind::<Text, _>(thread.title.clone())
        }
        false => statement.sql(THREAD).bind::<SqlUuid, _>(parent.id.0).bind::<SqlUuid, _>(thread.id.0),
    };
    if new.is_new_message {
        statement = statement
            .sql(MESSAGE)
            .bind::<SqlUuid, _>(parent.id.0)
            .bind::<SqlUuid, _>(thread.id.0)
            .bind::<Nullable<SqlUuid>, _>(parent.parent_id.map(|id| id.0))
            .bind::<Text, _>(parent.content.clone())
            .bind::<Timestamptz, _>(parent.created_at);
    }
    let account: Option<Uuid> = statement
        .sql(GENERATION)
        .bind::<SqlUuid, _>(new.id.0)
        .bind::<SqlUuid, _>(new.client_request_id.0)
        .bind::<SqlUuid, _>(thread.id.0)
        .bind::<SqlUuid, _>(parent.id.0)
        .bind::<Text, _>(new.model.clone())
        .bind::<Integer, _>(new.price_version)
        .bind::<Integer, _>(to_int(new.hold.input_tokens))
        .bind::<Nullable<Text>, _>(new.traceparent.clone())
        .get_result(&mut conn)
        .await
        .optional()?;
    Ok(account.is_some())
}
