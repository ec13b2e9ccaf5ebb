//! Caps that people set, and where their spending stands with them.

use app::types::{AccountId, Alert, Cap, CapScope, CapTerms, Nanos, ThreadId, ThreadSpending};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::claims::NewGeneration;
use super::clock::clock_timestamp;
use super::schema::{spending_caps, threads};
use super::spending::{self, Spending};
use super::{Connection, StoreError, StoreResult, alerts, ledger};
use crate::books::next_month;
use crate::caps::{OwnCap, terms_in_force};

/// More caps of conversations than this are not listed; all of them count.
const LISTED: i64 = 50;

#[derive(Queryable, Selectable)]
#[diesel(table_name = spending_caps)]
struct CapRow {
    thread_id: Option<Uuid>,
    limit_nanos: Option<i64>,
    is_hard: bool,
}

impl CapRow {
    fn own(&self) -> OwnCap {
        OwnCap { limit: self.limit_nanos.map(Nanos), is_hard: self.is_hard }
    }
}

/// The caps a reply counts against, as they are set.
#[derive(Default)]
pub(super) struct Applying {
    pub(super) monthly: Option<OwnCap>,
    pub(super) thread: Option<OwnCap>,
}

/// A month's cap, whether it is the person's own, and what was charged in the month.
pub(super) struct MonthCap {
    pub(super) terms: (CapTerms, bool),
    pub(super) used: Nanos,
}

impl Applying {
    /// Where a new reply would stand with them `at` this time, with so much `held` for the account's replies in progress.
    /// Asks for sums only where there is a cap. The answer holds while the books have their version.
    pub(super) async fn measure(
        &self,
        conn: &Connection,
        new: &NewGeneration,
        at: DateTime<Utc>,
        held: Nanos,
    ) -> QueryResult<Vec<Cap>> {
        let &NewGeneration { account_id, ref thread, is_by_program, plan_caps, .. } = new;
        let mut caps = Vec::new();
        if let Some(MonthCap { terms, used }) =
            self.measure_month(conn, account_id, plan_caps.monthly, at).await?
        {
            caps.push(monthly(terms, used, held, at));
        }
        if let Some(terms) = terms_in_force(self.thread, plan_caps.thread) {
            let spending = match is_by_program {
                true => spending::of_key(conn, account_id, thread.id).await?,
                false => {
                    spending::of_threads(conn, &[thread.id]).await?.remove(&thread.id).unwrap_or_default()
                }
            };
            caps.push(of_thread(thread.id, thread.title.clone(), is_by_program, terms, spending));
        }
        Ok(caps)
    }

    /// The cap of the month of this time, with what was charged in it so far.
    pub(super) async fn measure_month(
        &self,
        conn: &Connection,
        account_id: AccountId,
        plan_cap: Option<CapTerms>,
        at: DateTime<Utc>,
    ) -> QueryResult<Option<MonthCap>> {
        let Some(terms) = terms_in_force(self.monthly, plan_cap) else { return Ok(None) };
        let used = spending::charged_in_month(conn, account_id, at).await?;
        Ok(Some(MonthCap { terms, used }))
    }
}

/// All that holds have set aside counts against the month: their replies end in it, or in a later one.
fn monthly((terms, is_own): (CapTerms, bool), used: Nanos, held: Nanos, at: DateTime<Utc>) -> Cap {
    Cap::new(CapScope::Monthly { is_own }, terms, used, held, Some(next_month(at)))
}

fn of_thread(
    thread_id: ThreadId,
    title: String,
    is_program: bool,
    (terms, is_own): (CapTerms, bool),
    Spending { used, held }: Spending,
) -> Cap {
    Cap::new(CapScope::Thread { thread_id, title, is_own, is_program }, terms, used, held, None)
}

/// The cap of the month and those that conversations have of their own, and the alerts that are still to be shown. `held` is
/// what is set aside for replies in progress, `period_start` when the credit's period began. One round trip for those who
/// have no cap.
pub async fn list(
    conn: &Connection,
    account_id: AccountId,
    plan_cap: Option<CapTerms>,
    held: Nanos,
    period_start: DateTime<Utc>,
) -> StoreResult<(Vec<Cap>, Vec<Alert>)> {
    let (mut of_clock, mut of_caps) = (conn, conn);
    let now = diesel::select(clock_timestamp()).get_result::<DateTime<Utc>>(&mut of_clock);
    let rows = spending_caps::table
        .left_join(threads::table)
        .filter(spending_caps::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null())
        .filter(spending_caps::thread_id.is_null().or(spending_caps::limit_nanos.is_not_null()))
        .order((spending_caps::thread_id.is_null().desc(), threads::updated_at.desc()))
        .limit(LISTED)
        .select((CapRow::as_select(), threads::title.nullable()))
        .load::<(CapRow, Option<String>)>(&mut of_caps);
    let (now, rows, alerts) = futures::try_join!(now, rows, alerts::list(conn, account_id, period_start))?;

    let mut caps = Vec::new();
    let own = rows.iter().find(|(row, _)| row.thread_id.is_none()).map(|(row, _)| row.own());
    if let Some(terms) = terms_in_force(own, plan_cap) {
        let used = spending::charged_in_month(conn, account_id, now).await?;
        caps.push(monthly(terms, used, held, now));
    }
    let ids: Vec<_> = rows.iter().filter_map(|(row, _)| row.thread_id.map(ThreadId)).collect();
    if !ids.is_empty() {
        let spending = spending::of_threads(conn, &ids).await?;
        let cap = |(row, title): (CapRow, Option<String>)| {
            let id = ThreadId(row.thread_id?);
            let spending = spending.get(&id).copied().unwrap_or_default();
            Some(of_thread(id, title?, false, (row.own().terms()?, true), spending))
        };
        caps.extend(rows.into_iter().filter_map(cap));
    }
    Ok((caps, alerts))
}

/// What a conversation of this account has cost, and its cap. `plan_cap`: the plan's for each conversation.
pub async fn read_thread(
    conn: &mut Connection,
    account_id: AccountId,
    id: ThreadId,
    plan_cap: Option<CapTerms>,
) -> StoreResult<ThreadSpending> {
    super::threads::find(conn, account_id, id).await?;
    let ids = [id];
    let (spending, own) =
        futures::try_join!(spending::of_threads(conn, &ids), find_of_thread(conn, account_id, id))?;
    let Spending { used, held } = spending.get(&id).copied().unwrap_or_default();
    let cap = terms_in_force(own, plan_cap).map(|(terms, _)| terms);
    Ok(ThreadSpending { used, held, cap, is_own: own.is_some(), plan_cap })
}

async fn find_of_thread(
    mut conn: &Connection,
    account_id: AccountId,
    id: ThreadId,
) -> QueryResult<Option<OwnCap>> {
    let row: Option<CapRow> = spending_caps::table
        .filter(spending_caps::account_id.eq(account_id.0))
        .filter(spending_caps::thread_id.eq(id.0))
        .select(CapRow::as_select())
        .first(&mut conn)
        .await
        .optional()?;
    Ok(row.map(|row| row.own()))
}

/// Sets the month's cap (no `thread_id`), a conversation's, or an API key's, which always refuses. The month's alerts follow: those that a higher cap
/// makes untrue go, so that they can be told again, and those that a lower one makes true are raised.
///
/// # Errors
/// Not found: there is no such conversation or key, or it is another account's.
pub async fn set(
    conn: &mut Connection,
    account_id: AccountId,
    thread_id: Option<ThreadId>,
    cap: OwnCap,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let is_program = lock(conn, account_id, thread_id).await?;
        let terms = (
            spending_caps::limit_nanos.eq(cap.limit.map(|limit| limit.0)),
            spending_caps::is_hard.eq(cap.is_hard || is_program),
            spending_caps::updated_at.eq(clock_timestamp()),
        );
        let keys = (
            spending_caps::account_id.eq(account_id.0),
            spending_caps::thread_id.eq(thread_id.map(|id| id.0)),
        );
        diesel::insert_into(spending_caps::table)
            .values((keys, terms))
            .on_conflict((spending_caps::account_id, spending_caps::thread_id))
            .do_update()
            .set(terms)
            .execute(conn)
            .await?;
        if thread_id.is_none() {
            alerts::follow_cap(conn, account_id, cap.limit).await?;
        }
        Ok(())
    })
    .await
}

/// Takes the person's own cap away: then the plan's holds, if it has one. `plan_cap`: the month's.
///
/// # Errors
/// Not found: there is no such conversation or key, or it is another account's.
pub async fn clear(
    conn: &mut Connection,
    account_id: AccountId,
    thread_id: Option<ThreadId>,
    plan_cap: Option<CapTerms>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        lock(conn, account_id, thread_id).await?;
        let rows = spending_caps::table
            .filter(spending_caps::account_id.eq(account_id.0))
            .filter(spending_caps::thread_id.is_not_distinct_from(thread_id.map(|id| id.0)));
        diesel::delete(rows).execute(conn).await?;
        if thread_id.is_none() {
            alerts::follow_cap(conn, account_id, plan_cap.map(|terms| terms.limit)).await?;
        }
        Ok(())
    })
    .await
}

/// So that a charge sees either the old cap with its alerts or the new one. Whether the thread is an API key's.
async fn lock(
    conn: &mut Connection,
    account_id: AccountId,
    thread_id: Option<ThreadId>,
) -> StoreResult<bool> {
    ledger::lock(conn, account_id).await?;
    let Some(id) = thread_id else { return Ok(false) };
    let is_program = threads::table
        .find(id.0)
        .filter(threads::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null().or(threads::is_program))
        .select(threads::is_program)
        .first(conn)
        .await?;
    Ok(is_program)
}
