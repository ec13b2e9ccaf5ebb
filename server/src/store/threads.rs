//! Conversations. Every query is scoped by account: another's thread is like a missing one.

use app::types::{AccountId, MessageId, Nanos, Thread, ThreadFacts, ThreadId};
use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::{messages, threads};
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
    Ok(find_shown(conn, account_id, id).await?.0)
}

/// With the message that the path which is shown goes through. None: the path to the newest message.
pub async fn find_shown(
    conn: &mut Connection,
    account_id: AccountId,
    id: ThreadId,
) -> StoreResult<(Thread, Option<MessageId>)> {
    let (row, shown): (ThreadRow, Option<Uuid>) = threads::table
        .find(id.0)
        .filter(threads::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null())
        .select((ThreadRow::as_select(), threads::shown_message_id))
        .first(conn)
        .await?;
    Ok((row.into(), shown.map(MessageId)))
}

/// Shows the path through this message, until something is answered or another one is chosen. Not found: it is not there,
/// or another account's.
pub async fn show(
    conn: &mut Connection,
    account_id: AccountId,
    message_id: MessageId,
) -> StoreResult<ThreadId> {
    let id: Uuid = messages::table
        .inner_join(threads::table.on(messages::thread_id.eq(threads::id)))
        .filter(messages::id.eq(message_id.0))
        .filter(threads::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null())
        .select(threads::id)
        .first(conn)
        .await?;
    let shown = threads::shown_message_id.eq(message_id.0);
    diesel::update(threads::table.find(id)).set(shown).execute(conn).await?;
    Ok(ThreadId(id))
}

/// The last changed threads, deleted ones too, without a word of them.
pub async fn list_facts(
    conn: &mut Connection,
    account_id: AccountId,
    limit: i64,
) -> StoreResult<Vec<ThreadFacts>> {
    let rows: Vec<FactsRow> = diesel::sql_query(
        "select t.id, t.created_at, t.updated_at, t.deleted_at is not null as is_deleted,
             (select count(*) from messages where thread_id = t.id) as messages,
             (select coalesce(sum(charged_nanos), 0)::bigint
              from generations join usage_records on generation_id = generations.id
              where generations.thread_id = t.id) as charged_nanos
         from (
            -- Each by its own index.
            (select * from threads where account_id = $1 and deleted_at is null order by updated_at desc limit $2)
            union all
            (select * from threads where account_id = $1 and deleted_at is not null order by updated_at desc limit $2)
         ) t order by t.updated_at desc limit $2",
    )
    .bind::<SqlUuid, _>(account_id.0)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(ThreadFacts::from).collect())
}

#[derive(QueryableByName)]
struct FactsRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    is_deleted: bool,
    #[diesel(sql_type = BigInt)]
    messages: i64,
    #[diesel(sql_type = BigInt)]
    charged_nanos: i64,
}

impl From<FactsRow> for ThreadFacts {
    fn from(row: FactsRow) -> Self {
        Self {
            id: ThreadId(row.id),
            created_at: row.created_at,
            updated_at: row.updated_at,
            is_deleted: row.is_deleted,
            messages: row.messages.unsigned_abs(),
            charged: Nanos(row.charged_nanos),
        }
    }
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
