//! Conversations. Every query is scoped by account: another's thread is like a missing one.

use app::types::{AccountId, MessageId, Nanos, Thread, ThreadFacts, ThreadId, ThreadPlace};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::clock::{clock_timestamp, now};
use super::schema::{messages, threads};
use super::{Connection, StoreError, StoreResult};

diesel::define_sql_function! {
    /// The text without capitals.
    fn lower(text: Text) -> Text;
}

diesel::define_sql_function! {
    /// Where a part begins in a text, from 1; 0 where it is not there.
    fn strpos(text: Text, part: Text) -> Integer;
}

/// How long a deleted thread can be brought back.
const DELETED_KEPT: TimeDelta = TimeDelta::days(30);

diesel::define_sql_function! {
    fn coalesce(first: Nullable<Timestamptz>, second: Nullable<Timestamptz>) -> Nullable<Timestamptz>;
}

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

/// A page of the account's threads, last changed first: the first one, or the one after a place in the list.
pub async fn list(
    conn: &mut Connection,
    account_id: AccountId,
    before: Option<ThreadPlace>,
) -> StoreResult<Vec<Thread>> {
    let mut wanted = threads::table.into_boxed();
    if let Some(ThreadPlace { updated_at, id }) = before {
        // By the first the index is entered, the second is about threads of the same moment.
        wanted = wanted
            .filter(threads::updated_at.le(updated_at))
            .filter(threads::updated_at.lt(updated_at).or(threads::id.lt(id.0)));
    }
    let rows: Vec<ThreadRow> = wanted
        .filter(threads::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null())
        .order((threads::updated_at.desc(), threads::id.desc()))
        .limit(i64::from(Thread::LISTED))
        .select(ThreadRow::as_select())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(Thread::from).collect())
}

/// Those with these words in their title, whatever their case, last changed first. All titles of the account are looked
/// at: they are few enough, and found by the index of the list.
pub async fn search_titles(
    conn: &mut Connection,
    account_id: AccountId,
    words: &str,
) -> StoreResult<Vec<Thread>> {
    let rows: Vec<ThreadRow> = threads::table
        .filter(threads::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null())
        .filter(strpos(lower(threads::title), lower(words)).gt(0))
        .order((threads::updated_at.desc(), threads::id.desc()))
        .limit(i64::from(Thread::FOUND))
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

/// The same, also when it is hidden.
pub(super) async fn find_with_deleted(
    conn: &mut Connection,
    account_id: AccountId,
    id: ThreadId,
) -> StoreResult<Thread> {
    let row: ThreadRow = threads::table
        .find(id.0)
        .filter(threads::account_id.eq(account_id.0))
        .select(ThreadRow::as_select())
        .first(conn)
        .await?;
    Ok(row.into())
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

/// The thread below whose one message the answers to a program hang, with the id of its key.
pub(super) async fn insert_of_program(
    conn: &mut Connection,
    account_id: AccountId,
    key_id: Uuid,
    key_name: &str,
) -> StoreResult<()> {
    diesel::insert_into(threads::table)
        .values((
            threads::id.eq(key_id),
            threads::account_id.eq(account_id.0),
            threads::title.eq(format!("API key “{key_name}”")),
            threads::deleted_at.eq(clock_timestamp().nullable()),
            threads::is_program.eq(true),
        ))
        .execute(conn)
        .await?;
    diesel::insert_into(messages::table)
        .values((
            messages::id.eq(key_id),
            messages::thread_id.eq(key_id),
            messages::role.eq("user"),
            messages::content.eq(""),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Not of one that was deleted, whose words are to go.
pub async fn rename(
    conn: &mut Connection,
    account_id: AccountId,
    id: ThreadId,
    title: &str,
) -> StoreResult<()> {
    let rows = threads::table
        .find(id.0)
        .filter(threads::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null());
    found(diesel::update(rows).set(threads::title.eq(title)).execute(conn).await?)
}

/// Hides a thread. Hiding it twice is fine, and keeps nothing of it for longer.
pub async fn delete(conn: &mut Connection, account_id: AccountId, id: ThreadId) -> StoreResult<()> {
    let rows = threads::table.find(id.0).filter(threads::account_id.eq(account_id.0));
    let first = coalesce(threads::deleted_at, clock_timestamp().nullable());
    found(diesel::update(rows).set(threads::deleted_at.eq(first)).execute(conn).await?)
}

/// Brings one back, unless it was deleted so long ago that its words are to go.
pub async fn restore(conn: &mut Connection, account_id: AccountId, id: ThreadId) -> StoreResult<()> {
    let since = now(conn).await? - DELETED_KEPT;
    let rows = threads::table
        .find(id.0)
        .filter(threads::account_id.eq(account_id.0))
        // Erasing may have been there while its row was waited for.
        .filter(threads::erased_at.is_null())
        .filter(threads::is_program.eq(false))
        .filter(threads::deleted_at.is_null().or(threads::deleted_at.ge(since)));
    let none: Option<DateTime<Utc>> = None;
    found(diesel::update(rows).set(threads::deleted_at.eq(none)).execute(conn).await?)
}

/// Takes the words out of at most `limit` threads that nobody can bring back any more; returns how many. Their rows stay:
/// receipts need them.
pub async fn erase_deleted(conn: &mut Connection, limit: i64) -> StoreResult<usize> {
    let before = now(conn).await? - DELETED_KEPT;
    let erase = diesel::sql_query(format!(
        "with due as (
            select id from threads where deleted_at < $1 and erased_at is null and not is_program
            order by deleted_at limit $2 for update skip locked
        ) {ERASE}"
    ));
    Ok(erase.bind::<Timestamptz, _>(before).bind::<BigInt, _>(limit).execute(conn).await?)
}

/// The same of what an account has, that of its programs too, at once and for good.
pub async fn erase_of_account(
    conn: &mut Connection,
    account_id: AccountId,
    limit: i64,
) -> StoreResult<usize> {
    let erase = diesel::sql_query(format!(
        "with living as (
            select id from threads where account_id = $1 and deleted_at is null and erased_at is null
            limit $2 for update
        ), deleted as (
            select id from threads where account_id = $1 and deleted_at is not null and erased_at is null
            limit $2 for update
        ), due as (
            select id from living union all select id from deleted
        ) {ERASE}"
    ));
    Ok(erase.bind::<SqlUuid, _>(account_id.0).bind::<BigInt, _>(limit).execute(conn).await?)
}

/// Takes the words out of the threads that are `due`.
const ERASE: &str = "
    , message_rows as (
        update messages set content = '', reasoning = '', tool_calls = '[]' from due
        where thread_id = due.id and (content, reasoning, tool_calls) <> ('', '', '[]')
    ), generation_rows as (
        update generations set checkpoint_text = '', checkpoint_reasoning = '', checkpoint_tool_calls = '[]'
        from due where thread_id = due.id
            and (checkpoint_text, checkpoint_reasoning, checkpoint_tool_calls) <> ('', '', '[]')
    )
    update threads set title = '', erased_at = clock_timestamp(), deleted_at = coalesce(deleted_at, clock_timestamp())
    from due where threads.id = due.id";

fn found(rows: usize) -> StoreResult<()> {
    if rows == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}
