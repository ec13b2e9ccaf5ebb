//! What an account's books say, for operators to read.

use std::collections::BTreeMap;

use app::types::{AccountId, GenerationId, Nanos, UserId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::clock::clock_timestamp;
use super::schema::{accounts, grants, hold_allocations, holds, ledger_entries, users};
use super::{Connection, StoreResult};

/// An account's books at a moment.
#[derive(Clone, Debug)]
pub struct AccountBooks {
    pub account_id: AccountId,
    pub plan: String,
    /// By the database's clock.
    pub at: DateTime<Utc>,
    /// The balance as it is kept.
    pub posted: Nanos,
    /// In the order of their numbers.
    pub entries: Vec<BooksEntry>,
    /// Those that live or have something left, soonest-ending first.
    pub grants: Vec<BooksGrant>,
    /// The pending ones.
    pub holds: Vec<BooksHold>,
}

#[derive(Clone, Debug)]
pub struct BooksEntry {
    pub number: i64,
    pub at: DateTime<Utc>,
    pub cause: String,
    pub amount: Nanos,
    /// The sum of this entry and all before it.
    pub balance: Nanos,
}

#[derive(Clone, Debug)]
pub struct BooksGrant {
    pub cause: String,
    pub amount: Nanos,
    pub remaining: Nanos,
    /// What holds have set aside of it.
    pub allocated: Nanos,
    /// None: never.
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug)]
pub struct BooksHold {
    pub generation_id: GenerationId,
    pub amount: Nanos,
    pub expires_at: DateTime<Utc>,
}

/// The books of the user's account. Not found: there is no such user.
pub async fn read(conn: &mut Connection, user_id: UserId) -> StoreResult<AccountBooks> {
    conn.build_transaction()
        .read_only()
        .repeatable_read()
        .run(async |conn| {
            let (id, plan, posted, at): (Uuid, String, i64, DateTime<Utc>) = users::table
                .inner_join(accounts::table)
                .filter(users::id.eq(user_id.0))
                .select((accounts::id, accounts::plan, accounts::posted_nanos, clock_timestamp()))
                .first(conn)
                .await?;
            Ok(AccountBooks {
                account_id: AccountId(id),
                plan,
                at,
                posted: Nanos(posted),
                entries: list_entries(conn, id).await?,
                grants: list_grants(conn, id).await?,
                holds: list_holds(conn, id).await?,
            })
        })
        .await
}

async fn list_entries(conn: &mut Connection, account_id: Uuid) -> QueryResult<Vec<BooksEntry>> {
    let rows: Vec<(i64, DateTime<Utc>, String, i64)> = ledger_entries::table
        .filter(ledger_entries::account_id.eq(account_id))
        .order(ledger_entries::number)
        .select((
            ledger_entries::number,
            ledger_entries::created_at,
            ledger_entries::cause,
            ledger_entries::amount_nanos,
        ))
        .load(conn)
        .await?;
    let with_balance = rows.into_iter().scan(Nanos::ZERO, |balance, (number, at, cause, amount)| {
        *balance += Nanos(amount);
        Some(BooksEntry { number, at, cause, amount: Nanos(amount), balance: *balance })
    });
    Ok(with_balance.collect())
}

async fn list_grants(conn: &mut Connection, account_id: Uuid) -> QueryResult<Vec<BooksGrant>> {
    let is_live = grants::expires_at.is_null().or(grants::expires_at.gt(clock_timestamp().nullable()));
    let rows: Vec<GrantRow> = grants::table
        .filter(grants::account_id.eq(account_id))
        .filter(grants::remaining_nanos.gt(0).or(is_live))
        .order((grants::expires_at.asc().nulls_last(), grants::id))
        .select(GrantRow::as_select())
        .load(conn)
        .await?;
    let mut allocated = sum_allocations(conn, rows.iter().map(|row| row.id).collect()).await?;
    let grant = |row: GrantRow| BooksGrant {
        cause: row.cause,
        amount: Nanos(row.amount_nanos),
        remaining: Nanos(row.remaining_nanos),
        allocated: allocated.remove(&row.id).unwrap_or_default(),
        expires_at: row.expires_at,
    };
    Ok(rows.into_iter().map(grant).collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = grants)]
struct GrantRow {
    id: Uuid,
    cause: String,
    amount_nanos: i64,
    remaining_nanos: i64,
    expires_at: Option<DateTime<Utc>>,
}

async fn sum_allocations(conn: &mut Connection, grants: Vec<Uuid>) -> QueryResult<BTreeMap<Uuid, Nanos>> {
    let rows: Vec<(Uuid, i64)> = hold_allocations::table
        .filter(hold_allocations::grant_id.eq_any(grants))
        .select((hold_allocations::grant_id, hold_allocations::amount_nanos))
        .load(conn)
        .await?;
    let mut sums = BTreeMap::<_, Nanos>::new();
    for (grant_id, amount) in rows {
        *sums.entry(grant_id).or_default() += Nanos(amount);
    }
    Ok(sums)
}

async fn list_holds(conn: &mut Connection, account_id: Uuid) -> QueryResult<Vec<BooksHold>> {
    let rows: Vec<(Uuid, i64, DateTime<Utc>)> = holds::table
        .filter(holds::account_id.eq(account_id))
        .filter(holds::state.eq("pending"))
        .order(holds::expires_at)
        .select((holds::generation_id, holds::amount_nanos, holds::expires_at))
        .load(conn)
        .await?;
    let hold = |(id, amount, expires_at)| BooksHold {
        generation_id: GenerationId(id),
        amount: Nanos(amount),
        expires_at,
    };
    Ok(rows.into_iter().map(hold).collect())
}
