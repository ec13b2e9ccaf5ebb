//! Conversations. Every query is scoped by account: another's thread is like a missing one.

use app::types::{AccountId, Thread, ThreadId};
use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::threads;
use super::{Connection, StoreError, StoreResult};

/// The list in the sidebar ends here; older threads are found by their link.
const LISTED: i64 = 200;

#[derive(Queryable, Selectable)]
#[diesel(table_name = threads)]
struct ThreadRow {
    id: Uuid,
    title: String,
    updated_at: DateTime<Utc>,
}

impl From<ThreadRow> for Thread {
    fn from(row: ThreadRow) -> Self {
        Self { id: ThreadId(row.id), title: row.title, updated_at: row.updated_at }
    }
}

/// The account's threads, last changed first.
pub async fn list(conn: &mut Connection, account_id: AccountId) -> StoreResult<Vec<Thread>> {
    let rows: Vec<ThreadRow> = threads::table
        .filter(threads::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null())
        .order(threads::updated_at.desc())
        .limit(LISTED)
        .select(ThreadRow::as_select())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(Thread::from).collect())
}

pub async fn find(conn: &mut Connection, account_id: AccountId, id: ThreadId) -> StoreResult<Thread> {
    let row: ThreadRow = threads::table
        .find(id.0)
        .filter(threads::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null())
        .select(ThreadRow::as_select())
        .first(conn)
        .await?;
    Ok(row.into())
}

pub async fn rename(
    conn: &mut Connection,
    account_id: AccountId,
    id: ThreadId,
    title: &str,
) -> StoreResult<()> {
    let rows = threads::table.find(id.0).filter(threads::account_id.eq(account_id.0));
    found(diesel::update(rows).set(threads::title.eq(title)).execute(conn).await?)
}

/// Hides a thread. Hiding it twice is fine.
pub async fn delete(conn: &mut Connection, account_id: AccountId, id: ThreadId) -> StoreResult<()> {
    let rows = threads::table.find(id.0).filter(threads::account_id.eq(account_id.0));
    found(diesel::update(rows).set(threads::deleted_at.eq(now)).execute(conn).await?)
}

pub async fn restore(conn: &mut Connection, account_id: AccountId, id: ThreadId) -> StoreResult<()> {
    let rows = threads::table.find(id.0).filter(threads::account_id.eq(account_id.0));
    let none: Option<DateTime<Utc>> = None;
    found(diesel::update(rows).set(threads::deleted_at.eq(none)).execute(conn).await?)
}

fn found(rows: usize) -> StoreResult<()> {
    if rows == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}
