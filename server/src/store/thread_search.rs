//! Looking for words in messages. There is no index of words, so what a search looks at is bounded.

use std::time::{Duration, Instant};

use app::types::{AccountId, FoundThread, Thread, ThreadId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::schema::threads;
use super::{Connection, StoreError, StoreResult};

/// Of an account's conversations, so many that were changed last are looked at.
const LOOKED_AT: i64 = 1_000;

/// So many at a time, so that what was found by then is not lost when the time is over.
const AT_A_TIME: usize = 50;

/// Then a search ends: somebody waits for it, and a connection is held meanwhile.
const LONGEST: Duration = Duration::from_millis(1_500);

/// What a snippet shows before the words, and with them and what follows, in characters.
const BEFORE: i64 = 40;
const SHOWN: i64 = 160;

/// A line break counts as a space: words are looked for as one line.
const SEARCH: &str = "
    select threads.id, title, updated_at, part, is_cut_before, is_cut_after
    from threads
    cross join lateral (
        select substr(line, greatest(place - $3, 1)::int, $4::int) as part,
            place - $3 > 1 as is_cut_before,
            greatest(place - $3, 1) + $4 <= char_length(line) as is_cut_after
        from messages,
            translate(content, E'\\n\\r\\t', '   ') as line,
            strpos(lower(line), lower($2)) as place
        where thread_id = threads.id and place > 0
        order by messages.id desc limit 1
    ) hit
    where threads.id = any($1)
    order by updated_at desc, threads.id desc";

#[derive(QueryableByName)]
struct FoundRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    part: String,
    #[diesel(sql_type = Bool)]
    is_cut_before: bool,
    #[diesel(sql_type = Bool)]
    is_cut_after: bool,
}

impl From<FoundRow> for FoundThread {
    fn from(row: FoundRow) -> Self {
        let words = row.part.split_whitespace().collect::<Vec<_>>().join(" ");
        let cut = |is_cut| if is_cut { "…" } else { "" };
        Self {
            thread: Thread { id: ThreadId(row.id), title: row.title, updated_at: row.updated_at },
            snippet: Some(format!("{}{words}{}", cut(row.is_cut_before), cut(row.is_cut_after))),
        }
    }
}

/// At most `most` conversations with these words in a message, whatever their case, last changed first, without those that
/// are known. Of an account with very many words, those that were found in time.
pub async fn search_messages(
    conn: &mut Connection,
    account_id: AccountId,
    words: &str,
    known: &[Thread],
    most: usize,
) -> StoreResult<Vec<FoundThread>> {
    let began = Instant::now();
    let mut found = Vec::new();
    for ids in candidates(conn, account_id, known).await?.chunks(AT_A_TIME) {
        let left = LONGEST.saturating_sub(began.elapsed());
        if found.len() >= most || left.is_zero() {
            break;
        }
        match search_some(conn, words, ids, left).await {
            Ok(rows) => found.extend(rows.into_iter().map(FoundThread::from)),
            // The database has given it up.
            Err(StoreError::Query(_)) if began.elapsed() >= LONGEST => break,
            Err(error) => return Err(error),
        }
    }
    found.truncate(most);
    Ok(found)
}

/// What may be looked at, last changed first. Nothing that programs asked: their threads count as deleted.
async fn candidates(
    conn: &mut Connection,
    account_id: AccountId,
    known: &[Thread],
) -> StoreResult<Vec<Uuid>> {
    let known: Vec<Uuid> = known.iter().map(|thread| thread.id.0).collect();
    let ids = threads::table
        .filter(threads::account_id.eq(account_id.0))
        .filter(threads::deleted_at.is_null())
        .filter(threads::id.ne_all(known))
        .order((threads::updated_at.desc(), threads::id.desc()))
        .limit(LOOKED_AT)
        .select(threads::id);
    Ok(ids.load(conn).await?)
}

async fn search_some(
    conn: &mut Connection,
    words: &str,
    ids: &[Uuid],
    longest: Duration,
) -> StoreResult<Vec<FoundRow>> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let limit = format!("set local statement_timeout = {}", longest.as_millis() + 1);
        conn.batch_execute(&limit).await?;
        let rows = diesel::sql_query(SEARCH)
            .bind::<Array<SqlUuid>, _>(ids)
            .bind::<Text, _>(words)
            .bind::<BigInt, _>(BEFORE)
            .bind::<BigInt, _>(SHOWN);
        Ok(rows.load(conn).await?)
    })
    .await
}
