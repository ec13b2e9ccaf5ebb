//! Settlements: a reply that has ended is saved, charged and its hold resolved. Once, whoever comes first: the server that
//! wrote it, or the sweep when that has died.

use app::types::{AccountId, CapTerms, GenerationId, Message, MessageId, Nanos, ReplyState, Role, ThreadId};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryResult};
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::alerts::{self, Charge};
use super::attempts::{self, Attempt};
use super::snapshot::{self, About, Snapshot};
use super::usage::{self, Cost, UsageState};
use super::{Connection, StoreError, StoreResult, ledger, messages, overage};
use crate::output::Output;
use crate::pricing::TokenUsage;

/// Everything a generation ends with.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub generation_id: GenerationId,
    pub account_id: AccountId,
    pub thread_id: ThreadId,
    pub parent_id: MessageId,
    pub output: Output,
    pub state: ReplyState,
    pub model: String,
    pub price_version: i32,
    /// The one that answered last. Of a reply that was given up, no more than the one under way is known.
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
    /// Read and written for it. Of a reply that is free, what providers have counted all the same: nobody can have models read
    /// without end by questions that come to nothing.
    pub fn used_tokens(&self) -> u32 {
        let counted = self.attempts.iter().filter_map(|attempt| attempt.usage);
        match self.usage.total() {
            0 => counted.fold(0, |sum, usage| usage.total().saturating_add(sum)),
            charged => charged,
        }
    }

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

/// Who settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Who wrote the reply: it knows everything.
    Writer,
    /// The sweep, from what it found.
    Sweep,
}

/// Saves the answer, posts its charge and resolves its hold, once: settling again changes nothing and returns the answer
/// as it was saved. After a sweep only the difference to what the sweep charged is posted.
///
/// What was `seen` of the account last is tried first, and is afterwards what the account became, if that is known.
pub async fn settle(
    conn: &mut Connection,
    settlement: &Settlement,
    seen: &mut Option<Snapshot>,
) -> StoreResult<Settled> {
    match post(conn, settlement, By::Writer, seen).await? {
        Some(settled) => Ok(settled),
        None => {
            let saved = messages::find_by_generation(conn, settlement.generation_id).await?;
            Ok(Settled { message: saved.ok_or(StoreError::NotFound)?, posted: Posted::Nothing })
        }
    }
}

/// Does the same for a reply that was given up, provisionally. False: it was settled in the meantime, or swept by another
/// process, so nothing is posted.
pub async fn sweep(conn: &mut Connection, settlement: &Settlement) -> StoreResult<bool> {
    Ok(post(conn, settlement, By::Sweep, &mut None).await?.is_some())
}

/// None: it was settled before.
async fn post(
    conn: &mut Connection,
    settlement: &Settlement,
    by: By,
    seen: &mut Option<Snapshot>,
) -> StoreResult<Option<Settled>> {
    // While its hold was pending, it was not settled.
    let last = seen.take().filter(|last| last.has_hold(settlement.generation_id));
    let mut outcome = match last {
        Some(last) => try_post(conn, settlement, by, last, Lock::Without).await?,
        None => Outcome::Outdated,
    };
    if matches!(outcome, Outcome::Outdated) {
        let read = read(conn, settlement).await?;
        outcome = try_post(conn, settlement, by, read, Lock::Without).await?;
    }
    if matches!(outcome, Outcome::Outdated | Outcome::NeedsLock) {
        let locked = async |conn: &mut Connection| {
            ledger::lock(conn, settlement.account_id).await?;
            let read = read(conn, settlement).await?;
            try_post(conn, settlement, by, read, Lock::With).await
        };
        outcome = conn.transaction(locked).await?;
    }
    match outcome {
        Outcome::Posted(posted) => {
            let (settled, after) = *posted;
            *seen = after;
            Ok(Some(settled))
        }
        Outcome::Known => Ok(None),
        Outcome::Outdated | Outcome::NeedsLock => Err(StoreError::Outdated),
    }
}

async fn read(conn: &Connection, settlement: &Settlement) -> QueryResult<Snapshot> {
    let about = About { reply: Some(settlement.generation_id), ..About::default() };
    snapshot::read(conn, settlement.account_id, about).await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    With,
    Without,
}

enum Outcome {
    /// With what the account became, when nothing but its books was written.
    Posted(Box<(Settled, Option<Snapshot>)>),
    /// It was settled before.
    Known,
    /// The books were changed between reading and writing them.
    Outdated,
    /// More is to be written than one statement does.
    NeedsLock,
}

async fn try_post(
    conn: &Connection,
    settlement: &Settlement,
    by: By,
    mut read: Snapshot,
    lock: Lock,
) -> StoreResult<Outcome> {
    let (id, account_id) = (settlement.generation_id, settlement.account_id);
    let mut books = read.books();
    books.limit_overage(settlement.overage_max);
    let (credit_before, now) = (books.credit(), books.at());
    let (posted, charged_at, amount) = match (read.usage, by) {
        (None, By::Sweep) if !read.has_hold(id) => return Ok(Outcome::Known),
        (None, _) => {
            books.settle(id, settlement.charged);
            (Posted::Charge, now, settlement.charged)
        }
        (Some(UsageState::Provisional { charged, charged_at }), By::Writer) => {
            let difference = settlement.charged - charged;
            books.correct(id, difference);
            (Posted::Difference, charged_at, difference)
        }
        (Some(_), _) => return Ok(Outcome::Known),
    };
    let credit_after = books.credit();
    let cap = read.caps.measure_month(conn, account_id, settlement.plan_cap, charged_at).await?;
    let period_start = read.plan().period_start(now);
    let due = alerts::due(&Charge { charged_at, amount, period_start, credit_before, credit_after, cap });
    let version = read.version;
    read.changed(&books);
    let mut change = ledger::change(account_id, version, books);
    let metered = change.take_metered();
    let is_more = due.is_some() || !metered.is_empty();
    if is_more && lock == Lock::Without {
        return Ok(Outcome::NeedsLock);
    }
    let Some((message_id, created_at)) = write(conn, settlement, by, posted, charged_at, change).await?
    else {
        return Ok(Outcome::Outdated);
    };
    overage::post_all(conn, account_id, metered).await?;
    if let Some(due) = due {
        alerts::raise(conn, account_id, due).await?;
    }
    let settled = Settled { message: message(settlement, message_id, created_at), posted };
    Ok(Outcome::Posted(Box::new((settled, (!is_more).then_some(read)))))
}

/// What a settlement writes besides the books, the receipt and the attempts.
const ROWS: &str = ", hold_row as (
        update holds set state = $, resolved_at = clock_timestamp() from account
        where account_id = account.id and generation_id = $ and state = 'pending'
    ), generation_row as (
        update generations set state = $, ended_at = clock_timestamp(), checkpoint_text = '', checkpoint_reasoning = '',
            checkpoint_tool_calls = '[]'";

/// A program that sends a request again whose answer did not become whole wants another: it is a request of its own then.
const RELEASE: &str = ", client_request_id = case
            when exists (select from threads where threads.id = generations.thread_id and is_program)
            then gen_random_uuid() else client_request_id end";

const MORE_ROWS: &str = "
        from account where generations.id = $
    ), thread_row as (
        update threads set updated_at = now() from account where threads.id = $ and $
    ), reply_row as (
        insert into messages (id, thread_id, parent_id, role, content, reasoning, tool_calls, generation_id)
        select $, $, $, 'assistant', $, $, $, $ from account";

/// The answer that a sweep has saved.
const REPLACE: &str = "
        on conflict (generation_id) do update
        set content = excluded.content, reasoning = excluded.reasoning, tool_calls = excluded.tool_calls";

const SAVED: &str = "
        returning id, created_at
    )
    select id, created_at from reply_row";

/// The saved message and when it was first saved. None: the books have another version by now.
async fn write(
    mut conn: &Connection,
    settlement: &Settlement,
    by: By,
    posted: Posted,
    charged_at: DateTime<Utc>,
    change: ledger::Change,
) -> StoreResult<Option<(MessageId, DateTime<Utc>)>> {
    let id = settlement.generation_id;
    let (is_swept, replaces) = (by == By::Sweep, posted == Posted::Difference);
    let hold_state = match by {
        By::Sweep => "expired",
        By::Writer if settlement.charged > Nanos::ZERO => "posted",
        By::Writer => "voided",
    };
    let statement = change.into_statement::<(SqlUuid, Timestamptz)>();
    let statement = usage::write(statement, id, &Cost::of(settlement), charged_at, is_swept, replaces);
    let statement = attempts::insert(statement, id, &settlement.attempts)
        .sql(ROWS)
        .bind::<Text, _>(hold_state)
        .bind::<SqlUuid, _>(id.0)
        .bind::<Text, _>(settlement.state.as_str())
        .sql(if settlement.state.is_whole() { "" } else { RELEASE })
        .sql(MORE_ROWS)
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(settlement.thread_id.0)
        // What a sweep saves is no news of the conversation.
        .bind::<Bool, _>(!is_swept)
        .bind::<SqlUuid, _>(Uuid::now_v7())
        .bind::<SqlUuid, _>(settlement.thread_id.0)
        .bind::<SqlUuid, _>(settlement.parent_id.0)
        .bind::<Text, _>(settlement.output.text.clone())
        .bind::<Text, _>(settlement.output.reasoning.clone())
        .bind::<Jsonb, _>(json!(settlement.output.tool_calls))
        .bind::<SqlUuid, _>(id.0)
        .sql(if replaces { REPLACE } else { "" })
        .sql(SAVED);
    let saved: Option<(Uuid, DateTime<Utc>)> = statement.get_result(&mut conn).await.optional()?;
    Ok(saved.map(|(id, created_at)| (MessageId(id), created_at)))
}

fn message(settlement: &Settlement, id: MessageId, created_at: DateTime<Utc>) -> Message {
    Message {
        id,
        parent_id: Some(settlement.parent_id),
        role: Role::Assistant,
        content: settlement.output.text.clone(),
        created_at,
        state: Some(settlement.state),
        charged: Some(settlement.charged),
        model: Some(settlement.model.clone()),
        reasoning: settlement.output.reasoning.clone(),
        tool_calls: settlement.output.tool_calls.clone(),
        rating: None,
        versions: Vec::new(),
    }
}
