//! What an account's books say, for operators to read.

use app::types::{AccountId, Nanos, UserId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::{accounts, ledger_entries, users};
use super::snapshot::{self, About, Snapshot};
use super::{Connection, StoreResult};
use crate::books::{Grant, Hold};

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
    pub holds: Vec<Hold>,
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

/// The books of the user's account. Not found: there is no such user.
pub async fn read(conn: &mut Connection, user_id: UserId) -> StoreResult<AccountBooks> {
    conn.build_transaction()
        .read_only()
        .repeatable_read()
        .run(async |conn| {
            let (id, plan): (Uuid, String) = users::table
                .inner_join(accounts::table)
                .filter(users::id.eq(user_id.0))
                .select((accounts::id, accounts::plan))
                .first(conn)
                .await?;
            let Snapshot { at, posted, mut grants, mut holds, .. } =
                snapshot::read(conn, AccountId(id), About::default()).await?;
            grants.sort_by_key(Grant::spending_order);
            holds.sort_by_key(|hold| hold.expires_at);
            Ok(AccountBooks {
                account_id: AccountId(id),
                plan,
                at,
                posted,
                entries: list_entries(conn, id).await?,
                grants: grants.into_iter().map(|grant| to_books_grant(grant, &holds)).collect(),
                holds,
            })
        })
        .await
}

/// What an account has given to it that lives or has something left, soonest-ending first, and its pending holds.
pub async fn read_open(conn: &mut Connection, account_id: AccountId) -> StoreResult<(Vec<Grant>, Vec<Hold>)> {
    let Snapshot { mut grants, mut holds, .. } = snapshot::read(conn, account_id, About::default()).await?;
    grants.sort_by_key(Grant::spending_order);
    holds.sort_by_key(|hold| hold.expires_at);
    Ok((grants, holds))
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

fn to_books_grant(grant: Grant, holds: &[Hold]) -> BooksGrant {
    let allocations = holds.iter().flat_map(|hold| &hold.allocations);
    let of_grant = allocations.filter(|allocation| allocation.grant_id == grant.id);
    BooksGrant {
        allocated: of_grant.map(|allocation| allocation.amount).sum(),
        cause: grant.cause,
        amount: grant.amount,
        remaining: grant.remaining,
        expires_at: grant.expires_at,
    }
}
