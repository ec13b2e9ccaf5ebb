//! The books of an account in the database. Every change of money happens here, under the lock of the account's row; the
//! arithmetic is in [`crate::books`]. Constraints and triggers refuse what the arithmetic would never do.

use std::collections::BTreeSet;

use app::types::{AccountId, Credit, GenerationId, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AsyncConnection, RunQueryDsl};
use futures::future::try_join_all;
use uuid::Uuid;

use super::schema::{accounts, grants, hold_allocations, holds, ledger_entries};
use super::stored_books::{self, AllocationRow, GrantRow, StoredBooks};
use super::{Connection, StoreError, StoreResult, overage};
use crate::books::{Allocation, Books, Cause, Changes, Entry, Grant, Hold};
use crate::pricing::Part;

/// What the account can spend now, the month's credit included even before it is first used. `overage_max`: the most the
/// plan lets a period cost beyond credit, for those who have switched that on.
pub async fn read_credit(
    conn: &mut Connection,
    account_id: AccountId,
    monthly: Nanos,
    overage_max: Option<Nanos>,
) -> StoreResult<Credit> {
    let mut books = conn
        .build_transaction()
        .read_only()
        .repeatable_read()
        .run(async |conn| read(conn, account_id).await)
        .await?;
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
        /// What was given in advance: a cause and its amount, less if it was.
        advance: Option<(String, Nanos)>,
        /// The causes of earlier credit whose place this takes: what is left of it ends.
        replaces: Vec<String>,
    },
    /// Takes back a part of what was given, up to what is left of it.
    TakeBack { cause: String, grant_cause: String, part: Part },
    /// Ends what was given.
    End { grant_cause: String },
}

impl CreditChange {
    fn cause(&self) -> Option<&str> {
        match self {
            Self::Give { cause, .. } | Self::TakeBack { cause, .. } => Some(cause),
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
        let mut books = open(conn, account_id).await?;
        let mut known = known_causes(conn, changes).await?;
        for change in changes {
            if change.cause().is_none_or(|cause| known.insert(cause.to_owned())) {
                make(&mut books, change, &known);
            }
        }
        Ok(write(conn, account_id, books).await?)
    })
    .await
}

fn make(books: &mut Books, change: &CreditChange, known: &BTreeSet<String>) {
    match change {
        CreditChange::Give { cause, amount, expires_at, advance, replaces } => {
            for replaced in replaces {
                books.end(replaced);
            }
            let advanced = advance.as_ref().filter(|(cause, _)| known.contains(cause));
            let amount = *amount - advanced.map_or(Nanos::ZERO, |(_, amount)| *amount);
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
    }
}

/// The causes of these changes, and of advances, that are in the ledger.
async fn known_causes(conn: &mut Connection, changes: &[CreditChange]) -> QueryResult<BTreeSet<String>> {
    let advances = changes.iter().filter_map(|change| match change {
        CreditChange::Give { advance: Some((cause, _)), .. } => Some(cause.as_str()),
        _ => None,
    });
    let causes: Vec<_> = changes.iter().filter_map(CreditChange::cause).chain(advances).collect();
    let known = ledger_entries::table.filter(ledger_entries::cause.eq_any(causes));
    Ok(known.select(ledger_entries::cause).load(conn).await?.into_iter().collect())
}

async fn change_once(
    conn: &mut Connection,
    account_id: AccountId,
    cause: Cause,
    change: impl FnOnce(&mut Books, Cause) + Send,
) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let mut books = open(conn, account_id).await?;
        let known = ledger_entries::table.filter(ledger_entries::cause.eq(cause.to_string()));
        if diesel::select(diesel::dsl::exists(known)).get_result(conn).await? {
            return Ok(false);
        }
        change(&mut books, cause);
        write(conn, account_id, books).await?;
        Ok(true)
    })
    .await
}

/// Locks the account for the rest of the transaction and opens its books.
pub(super) async fn open(conn: &mut Connection, account_id: AccountId) -> QueryResult<Books> {
    lock(conn, account_id).await?;
    read(conn, account_id).await
}

/// Locks the account for the rest of the transaction. A statement of its own: what is read after it is as of when the
/// lock was had.
pub(super) async fn lock(mut conn: &Connection, account_id: AccountId) -> QueryResult<()> {
    let _: Uuid =
        accounts::table.find(account_id.0).select(accounts::id).for_update().first(&mut conn).await?;
    Ok(())
}

/// In one round trip. Needs a transaction with the lock, or with a snapshot.
pub(super) async fn read(conn: &Connection, account_id: AccountId) -> QueryResult<Books> {
    let StoredBooks { at, posted, grants, holds, overage } = stored_books::read(conn, account_id).await?;
    Ok(Books::open(account_id, at, posted, grants, holds).with_overage(overage))
}

/// Writes down what has changed, in one round trip. Needs the lock.
pub(super) async fn write(conn: &Connection, account_id: AccountId, books: Books) -> QueryResult<()> {
    let Changes { entries, metered, grants, new_hold, released_holds } = books.into_changes();
    // Overage comes after the charge it is of.
    let entries = async {
        insert_entries(conn, account_id, entries).await?;
        for metered in metered {
            overage::post(conn, account_id, metered).await?;
        }
        Ok(())
    };
    let hold = async {
        match new_hold {
            Some(hold) => insert_hold(conn, account_id, hold).await,
            None => Ok(()),
        }
    };
    futures::try_join!(
        entries,
        upsert_grants(conn, account_id, grants),
        delete_allocations(conn, released_holds),
        hold
    )?;
    Ok(())
}

/// A statement a row, here and below: only such statements are prepared once and kept. They go out together all the same.
async fn insert_entries(conn: &Connection, account_id: AccountId, entries: Vec<Entry>) -> QueryResult<()> {
    let insert = |entry: Entry| async move {
        let mut conn = conn;
        let row = (
            ledger_entries::id.eq(Uuid::now_v7()),
            ledger_entries::account_id.eq(account_id.0),
            ledger_entries::cause.eq(entry.cause.to_string()),
            ledger_entries::amount_nanos.eq(entry.amount.0),
        );
        diesel::insert_into(ledger_entries::table).values(row).execute(&mut conn).await
    };
    try_join_all(entries.into_iter().map(insert)).await?;
    Ok(())
}

async fn upsert_grants(conn: &Connection, account_id: AccountId, grants: Vec<Grant>) -> QueryResult<()> {
    let upsert = |grant: Grant| async move {
        let mut conn = conn;
        diesel::insert_into(grants::table)
            .values((grants::account_id.eq(account_id.0), GrantRow::from(grant)))
            .on_conflict(grants::id)
            .do_update()
            .set((
                grants::remaining_nanos.eq(excluded(grants::remaining_nanos)),
                grants::reclaim_nanos.eq(excluded(grants::reclaim_nanos)),
                grants::expires_at.eq(excluded(grants::expires_at)),
                grants::taken_back_nanos.eq(excluded(grants::taken_back_nanos)),
            ))
            .execute(&mut conn)
            .await
    };
    try_join_all(grants.into_iter().map(upsert)).await?;
    Ok(())
}

async fn delete_allocations(mut conn: &Connection, of: Vec<GenerationId>) -> QueryResult<()> {
    if of.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = of.into_iter().map(|id| id.0).collect();
    let rows = hold_allocations::table.filter(hold_allocations::generation_id.eq_any(ids));
    diesel::delete(rows).execute(&mut conn).await?;
    Ok(())
}

async fn insert_hold(conn: &Connection, account_id: AccountId, hold: Hold) -> QueryResult<()> {
    let mut of_hold = conn;
    let row = (
        holds::generation_id.eq(hold.id.0),
        holds::account_id.eq(account_id.0),
        holds::amount_nanos.eq(hold.amount.0),
        holds::overage_nanos.eq(hold.overage.0),
        holds::expires_at.eq(hold.expires_at),
    );
    let allocate = |allocation: Allocation| async move {
        let mut conn = conn;
        let row = AllocationRow {
            generation_id: hold.id.0,
            grant_id: allocation.grant_id,
            amount_nanos: allocation.amount.0,
        };
        diesel::insert_into(hold_allocations::table).values(row).execute(&mut conn).await
    };
    futures::try_join!(
        diesel::insert_into(holds::table).values(row).execute(&mut of_hold),
        try_join_all(hold.allocations.into_iter().map(allocate)),
    )?;
    Ok(())
}
