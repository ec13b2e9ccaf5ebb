//! The books of an account in the database. Every change of money is written here, either under the lock of the account's
//! row or only while its books have the version that was read; the arithmetic is in [`crate::books`]. Constraints and
//! triggers refuse what the arithmetic would never do.

use std::collections::BTreeMap;

use app::types::{AccountId, Credit, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::prepared::Prepared;
use super::schema::{accounts, grants, ledger_entries};
use super::snapshot::{self, About};
use super::{Connection, StoreError, StoreResult, alerts, overage};
use crate::books::{Books, Cause, Changes, Entry, Grant, Hold, Metered};
use crate::pricing::Part;

/// What the account can spend now, the month's credit included even before it is first used. `overage_max`: the most the
/// plan lets a period cost beyond credit, for those who have switched that on.
pub async fn read_credit(
    conn: &mut Connection,
    account_id: AccountId,
    monthly: Nanos,
    overage_max: Option<Nanos>,
) -> StoreResult<Credit> {
    let mut books = snapshot::read(conn, account_id, About::default()).await?.books();
    books.give_monthly(monthly);
    books.limit_overage(overage_max);
    Ok(books.credit())
}

/// Gives credit once for its cause: false, it was given before.
pub async fn give(
    conn: &mut Connection,
    account_id: AccountId,
    cause: Cause,
    amount: Nanos,
    expires_at: Option<DateTime<Utc>>,
) -> StoreResult<bool> {
    change_once(conn, account_id, cause, |books, cause| books.give(cause, amount, expires_at)).await
}

/// Takes back, once for its cause, up to `amount` of the credit that was given for `grant_cause`: at once what is free,
/// the rest when the holds that have it set aside end. What is spent stays spent.
pub async fn take_back(
    conn: &mut Connection,
    account_id: AccountId,
    cause: Cause,
    grant_cause: &str,
    amount: Nanos,
) -> StoreResult<bool> {
    change_once(conn, account_id, cause, |books, cause| books.take_back(cause, grant_cause, amount)).await
}

/// A change of credit, made at most once however often it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreditChange {
    Give {
        cause: String,
        amount: Nanos,
        /// None: never.
        expires_at: Option<DateTime<Utc>>,
        /// It is less by what is left of this in the ledger.
        advance: Option<Advance>,
        /// The causes of earlier credit whose place this takes: what is left of it ends.
        replaces: Vec<String>,
    },
    /// Takes back a part of what was given, up to what is left of it.
    TakeBack { cause: String, grant_cause: String, part: Part },
    /// Gives back what was taken back for `taken_cause`, which was that part of what was given.
    GiveBack { cause: String, taken_cause: String, grant_cause: String, part: Part },
    /// Ends what was given.
    End { grant_cause: String },
}

/// Credit that may have been given in advance, and taken back again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    pub cause: String,
    pub taken_cause: String,
}

impl CreditChange {
    fn cause(&self) -> Option<&str> {
        match self {
            Self::Give { cause, .. } | Self::TakeBack { cause, .. } | Self::GiveBack { cause, .. } => {
                Some(cause)
            }
            Self::End { .. } => None,
        }
    }
}

/// Makes those changes that were not made before, in this order and one transaction.
pub async fn apply(
    conn: &mut Connection,
    account_id: AccountId,
    changes: &[CreditChange],
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let (version, mut books) = open(conn, account_id).await?;
        let mut known = known_causes(conn, changes).await?;
        add_reclaimed(conn, account_id, changes, &mut known).await?;
        for change in changes {
            if change.cause().is_some_and(|cause| known.contains_key(cause)) {
                continue;
            }
            match change {
                CreditChange::GiveBack { .. } => {
                    give_back(conn, account_id, &mut books, change, &known).await?
                }
                change => make(&mut books, change, &known),
            }
            known.extend(change.cause().map(|cause| (cause.to_owned(), Nanos::ZERO)));
        }
        write(conn, account_id, version, books).await
    })
    .await
}

fn make(books: &mut Books, change: &CreditChange, known: &BTreeMap<String, Nanos>) {
    match change {
        CreditChange::Give { cause, amount, expires_at, advance, replaces } => {
            for replaced in replaces {
                books.end(replaced);
            }
            let known = |cause| known.get(cause).copied().unwrap_or(Nanos::ZERO);
            let advanced =
                advance.as_ref().map(|advance| known(&advance.cause) + known(&advance.taken_cause));
            let amount = *amount - advanced.unwrap_or(Nanos::ZERO).or_zero();
            if amount > Nanos::ZERO {
                books.give(Cause::Other(cause.clone()), amount, *expires_at);
            }
        }
        CreditChange::TakeBack { cause, grant_cause, part } => {
            if let Some(given) = books.given(grant_cause) {
                books.take_back(Cause::Other(cause.clone()), grant_cause, part.of(given));
            }
        }
        CreditChange::End { grant_cause } => books.end(grant_cause),
        // Needs the ledger.
        CreditChange::GiveBack { .. } => {}
    }
}

/// What was taken is what the ledger says, and what holds have lost since.
async fn give_back(
    conn: &mut Connection,
    account_id: AccountId,
    books: &mut Books,
    change: &CreditChange,
    known: &BTreeMap<String, Nanos>,
) -> QueryResult<()> {
    let CreditChange::GiveBack { cause, taken_cause, grant_cause, part } = change else { return Ok(()) };
    let Some((taken, (grant_id, given))) =
        known.get(taken_cause).zip(books.grant_id(grant_cause).zip(books.given(grant_cause)))
    else {
        return Ok(());
    };
    let taken = -*taken - reclaimed(conn, account_id, grant_id).await?;
    books.give_back(Cause::Other(cause.clone()), grant_cause, part.of(given), taken);
    Ok(())
}

/// What holds have lost of a grant that was taken back: no more than nothing.
async fn reclaimed(conn: &mut Connection, account_id: AccountId, grant_id: Uuid) -> QueryResult<Nanos> {
    let amounts: Vec<i64> = ledger_entries::table
        .filter(ledger_entries::account_id.eq(account_id.0))
        .filter(ledger_entries::cause.like(format!("reclaim:{grant_id}:%")))
        .select(ledger_entries::amount_nanos)
        .load(conn)
        .await?;
    Ok(Nanos(amounts.into_iter().sum()))
}

/// Counts what holds have lost of an advance since it was taken back as taken back, too.
async fn add_reclaimed(
    conn: &mut Connection,
    account_id: AccountId,
    changes: &[CreditChange],
    known: &mut BTreeMap<String, Nanos>,
) -> QueryResult<()> {
    for change in changes {
        let CreditChange::Give { cause, advance: Some(advance), .. } = change else { continue };
        if known.contains_key(cause) || !known.contains_key(&advance.taken_cause) {
            continue;
        }
        let grant = grants::table
            .filter(grants::account_id.eq(account_id.0))
            .filter(grants::cause.eq(&advance.cause))
            .select(grants::id);
        let Some(grant_id) = grant.first(conn).await.optional()? else { continue };
        let reclaimed = reclaimed(conn, account_id, grant_id).await?;
        known.entry(advance.taken_cause.clone()).and_modify(|taken| *taken += reclaimed);
    }
    Ok(())
}

/// The causes of these changes, and of what they follow, that are in the ledger, with their amounts.
async fn known_causes(
    conn: &mut Connection,
    changes: &[CreditChange],
) -> QueryResult<BTreeMap<String, Nanos>> {
    let earlier = changes.iter().flat_map(|change| match change {
        CreditChange::Give { advance: Some(Advance { cause, taken_cause }), .. } => {
            vec![cause.as_str(), taken_cause]
        }
        CreditChange::GiveBack { taken_cause, .. } => vec![taken_cause.as_str()],
        _ => vec![],
    });
    let causes: Vec<_> = changes.iter().filter_map(CreditChange::cause).chain(earlier).collect();
    let known = ledger_entries::table.filter(ledger_entries::cause.eq_any(causes));
    let known = known.select((ledger_entries::cause, ledger_entries::amount_nanos));
    let known: Vec<(String, i64)> = known.load(conn).await?;
    Ok(known.into_iter().map(|(cause, amount)| (cause, Nanos(amount))).collect())
}

async fn change_once(
    conn: &mut Connection,
    account_id: AccountId,
    cause: Cause,
    change: impl FnOnce(&mut Books, Cause) + Send,
) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let (version, mut books) = open(conn, account_id).await?;
        let known = ledger_entries::table.filter(ledger_entries::cause.eq(cause.to_string()));
        if diesel::select(diesel::dsl::exists(known)).get_result(conn).await? {
            return Ok(false);
        }
        change(&mut books, cause);
        write(conn, account_id, version, books).await?;
        Ok(true)
    })
    .await
}

/// Locks the account for the rest of the transaction and reads its books.
pub(super) async fn open(conn: &Connection, account_id: AccountId) -> QueryResult<(i64, Books)> {
    lock(conn, account_id).await?;
    let read = snapshot::read(conn, account_id, About::default()).await?;
    Ok((read.version, read.books()))
}

/// Locks the account for the rest of the transaction and gives its books a new version: what others have read of them
/// before is not written any more. A statement of its own: what is read after it is as of when the lock was had.
pub(super) async fn lock(mut conn: &Connection, account_id: AccountId) -> QueryResult<()> {
    let next = accounts::books_version.eq(accounts::books_version + 1);
    let locked = diesel::update(accounts::table.find(account_id.0)).set(next).execute(&mut conn).await?;
    if locked == 0 { Err(diesel::NotFound) } else { Ok(()) }
}

/// Writes down what has changed, and takes back the alerts that this makes untrue. Needs the lock.
pub(super) async fn write(
    mut conn: &Connection,
    account_id: AccountId,
    version: i64,
    books: Books,
) -> StoreResult<()> {
    let credit = books.credit();
    let mut change = change(account_id, version, books);
    let metered = change.take_metered();
    let statement = change.into_statement::<SqlUuid>().sql(" select id from account");
    let written: Option<Uuid> = statement.get_result(&mut conn).await.optional()?;
    written.ok_or(StoreError::Outdated)?;
    overage::post_all(conn, account_id, metered).await?;
    alerts::follow_credit(conn, account_id, &credit).await
}

/// What has changed in books of this version.
pub(super) fn change(account_id: AccountId, version: i64, books: Books) -> Change {
    Change { account_id, version, changes: books.into_changes() }
}

/// A change of an account's books, to be written in one statement, with whatever else must be written with it.
pub(super) struct Change {
    account_id: AccountId,
    version: i64,
    changes: Changes,
}

/// `account` has a row only while the books have the version that was read; nothing else is written without it. Whoever
/// has the account's lock is waited for.
const ACCOUNT: &str = "with account as (
        update accounts set books_version = books_version + 1 where id = $ and books_version = $ returning id
    )";

const ENTRIES: &str = ", entry_rows as (
        insert into ledger_entries (id, account_id, cause, amount_nanos)
        select entry.id, account.id, cause, amount from account, unnest($, $, $) as entry (id, cause, amount)
    )";

const GRANTS: &str = ", grant_rows as (
        insert into grants (id, account_id, cause, amount_nanos, remaining_nanos, reclaim_nanos, taken_back_nanos,
            opening_nanos, opened_at, expires_at)
        select changed.id, account.id, cause, amount, remaining, reclaim, taken_back, opening, opened_at, expires_at
        from account, unnest($, $, $, $, $, $, $, $, $)
            as changed (id, cause, amount, remaining, reclaim, taken_back, opening, opened_at, expires_at)
        on conflict (id) do update set remaining_nanos = excluded.remaining_nanos,
            reclaim_nanos = excluded.reclaim_nanos, taken_back_nanos = excluded.taken_back_nanos,
            opening_nanos = excluded.opening_nanos, opened_at = excluded.opened_at, expires_at = excluded.expires_at
    )";

const RELEASED: &str = ", released_rows as (
        delete from hold_allocations using account where generation_id = any($)
    )";

const NEW_HOLD: &str = ", new_hold_row as (
        insert into holds (generation_id, account_id, amount_nanos, overage_nanos, expires_at)
        select $, account.id, $, $, $ from account
    )";

const ALLOCATIONS: &str = ", allocation_rows as (
        insert into hold_allocations (generation_id, grant_id, amount_nanos)
        select $, grant_id, amount from account, unnest($, $) as allocation (grant_id, amount)
    )";

impl Change {
    /// Overage, for [`overage::post_all`]: it comes after the charge it is of, in the same transaction.
    pub(super) fn take_metered(&mut self) -> Vec<Metered> {
        std::mem::take(&mut self.changes.metered)
    }

    /// The begin of a statement: more of its parts may follow, then a query. What does not change is no part of it, because
    /// each part costs something even when it writes nothing.
    pub(super) fn into_statement<Row>(self) -> Prepared<Row> {
        let Changes { entries, grants, new_hold, released_holds, .. } = self.changes;
        let mut statement = Prepared::new()
            .sql(ACCOUNT)
            .bind::<SqlUuid, _>(self.account_id.0)
            .bind::<BigInt, _>(self.version);
        if !entries.is_empty() {
            statement = with_entries(statement, &entries);
        }
        if !grants.is_empty() {
            statement = with_grants(statement, &grants);
        }
        if !released_holds.is_empty() {
            statement = statement.sql(RELEASED).bind_each::<SqlUuid, _>(released_holds.iter().map(|id| id.0));
        }
        match new_hold {
            Some(hold) => with_hold(statement, &hold),
            None => statement,
        }
    }
}

fn with_entries<Row>(statement: Prepared<Row>, entries: &[Entry]) -> Prepared<Row> {
    statement
        .sql(ENTRIES)
        .bind_each::<SqlUuid, _>(entries.iter().map(|_| Uuid::now_v7()))
        .bind_each::<Text, _>(entries.iter().map(|entry| entry.cause.to_string()))
        .bind_each::<BigInt, _>(entries.iter().map(|entry| entry.amount.0))
}

fn with_grants<Row>(statement: Prepared<Row>, grants: &[Grant]) -> Prepared<Row> {
    statement
        .sql(GRANTS)
        .bind_each::<SqlUuid, _>(grants.iter().map(|grant| grant.id))
        .bind_each::<Text, _>(grants.iter().map(|grant| grant.cause.clone()))
        .bind_each::<BigInt, _>(grants.iter().map(|grant| grant.amount.0))
        .bind_each::<BigInt, _>(grants.iter().map(|grant| grant.remaining.0))
        .bind_each::<BigInt, _>(grants.iter().map(|grant| grant.reclaim.0))
        .bind_each::<BigInt, _>(grants.iter().map(|grant| grant.taken_back.0))
        .bind_each::<BigInt, _>(grants.iter().map(|grant| grant.opening.0))
        .bind_each::<Timestamptz, _>(grants.iter().map(|grant| grant.opened_at))
        .bind_each::<Nullable<Timestamptz>, _>(grants.iter().map(|grant| grant.expires_at))
}

fn with_hold<Row>(statement: Prepared<Row>, hold: &Hold) -> Prepared<Row> {
    let statement = statement
        .sql(NEW_HOLD)
        .bind::<SqlUuid, _>(hold.id.0)
        .bind::<BigInt, _>(hold.amount.0)
        .bind::<BigInt, _>(hold.overage.0)
        .bind::<Timestamptz, _>(hold.expires_at);
    if hold.allocations.is_empty() {
        return statement;
    }
    statement
        .sql(ALLOCATIONS)
        .bind::<SqlUuid, _>(hold.id.0)
        .bind_each::<SqlUuid, _>(hold.allocations.iter().map(|part| part.grant_id))
        .bind_each::<BigInt, _>(hold.allocations.iter().map(|part| part.amount.0))
}
