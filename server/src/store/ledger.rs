//! The books of an account in the database. Every change of money happens here, under the lock of the account's row; the
//! arithmetic is in [`crate::books`]. Constraints and triggers refuse what the arithmetic would never do.

use app::types::{AccountId, Credit, GenerationId, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::{accounts, grants, hold_allocations, holds, ledger_entries};
use super::stored_books::{self, AllocationRow, GrantRow, StoredBooks};
use super::{Connection, StoreError, StoreResult};
use crate::books::{Allocation, Books, Cause, Changes, Entry, Grant, Hold};

/// What the account can spend now, the month's credit included even before it is first used.
pub async fn read_credit(
    conn: &mut Connection,
    account_id: AccountId,
    monthly: Nanos,
) -> StoreResult<Credit> {
    let mut books = conn
        .build_transaction()
        .read_only()
        .repeatable_read()
        .run(async |conn| read(conn, account_id).await)
        .await?;
    books.give_monthly(monthly);
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
    let StoredBooks { at, posted, grants, holds } = stored_books::read(conn, account_id).await?;
    Ok(Books::open(account_id, at, posted, grants, holds))
}

/// Writes down what has changed, in one round trip. Needs the lock.
pub(super) async fn write(conn: &Connection, account_id: AccountId, books: Books) -> QueryResult<()> {
    let Changes { entries, grants, new_hold, released_holds } = books.into_changes();
    let hold = async {
        match new_hold {
            Some(hold) => insert_hold(conn, account_id, hold).await,
            None => Ok(()),
        }
    };
    futures::try_join!(
        insert_entries(conn, account_id, entries),
        upsert_grants(conn, account_id, grants),
        delete_allocations(conn, released_holds),
        hold
    )?;
    Ok(())
}

async fn insert_entries(
    mut conn: &Connection,
    account_id: AccountId,
    entries: Vec<Entry>,
) -> QueryResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let row = |entry: Entry| {
        (
            ledger_entries::id.eq(Uuid::now_v7()),
            ledger_entries::account_id.eq(account_id.0),
            ledger_entries::cause.eq(entry.cause.to_string()),
            ledger_entries::amount_nanos.eq(entry.amount.0),
        )
    };
    let rows: Vec<_> = entries.into_iter().map(row).collect();
    diesel::insert_into(ledger_entries::table).values(rows).execute(&mut conn).await?;
    Ok(())
}

async fn upsert_grants(mut conn: &Connection, account_id: AccountId, grants: Vec<Grant>) -> QueryResult<()> {
    if grants.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = grants
        .into_iter()
        .map(|grant| (grants::account_id.eq(account_id.0), GrantRow::from(grant)))
        .collect();
    diesel::insert_into(grants::table)
        .values(rows)
        .on_conflict(grants::id)
        .do_update()
        .set((
            grants::remaining_nanos.eq(excluded(grants::remaining_nanos)),
            grants::reclaim_nanos.eq(excluded(grants::reclaim_nanos)),
            grants::taken_back_nanos.eq(excluded(grants::taken_back_nanos)),
        ))
        .execute(&mut conn)
        .await?;
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
    let (mut of_hold, mut of_allocations) = (conn, conn);
    let row = (
        holds::generation_id.eq(hold.id.0),
        holds::account_id.eq(account_id.0),
        holds::amount_nanos.eq(hold.amount.0),
        holds::expires_at.eq(hold.expires_at),
    );
    let allocation = |allocation: Allocation| AllocationRow {
        generation_id: hold.id.0,
        grant_id: allocation.grant_id,
        amount_nanos: allocation.amount.0,
    };
    let allocations: Vec<_> = hold.allocations.into_iter().map(allocation).collect();
    futures::try_join!(
        diesel::insert_into(holds::table).values(row).execute(&mut of_hold),
        diesel::insert_into(hold_allocations::table).values(allocations).execute(&mut of_allocations),
    )?;
    Ok(())
}
