//! What an account used, added up. Only replies that used something count: a failed one is none.

use app::types::{
    AccountId, DayUsage, Days, GenerationId, ModelUsage, Nanos, ReplyUsage, ThreadId, ThreadLabel,
    ThreadUsage, Usage,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::{generations, models, threads, usage_records};
use super::{Connection, StoreError, StoreResult};

/// Everything in it adds up: it is read at one moment.
pub struct Report {
    pub days: Vec<DayUsage>,
    /// Dearest first.
    pub models: Vec<ModelUsage>,
    /// Dearest first, at most as many as asked for.
    pub threads: Vec<ThreadUsage>,
    pub before: Usage,
    /// When the account first used something.
    pub first_used_at: Option<DateTime<Utc>>,
}

/// The days with usage among `days`, and the sum of those in `before`.
pub async fn read(
    conn: &mut Connection,
    account_id: AccountId,
    days: Days,
    before: Days,
    most_threads: i64,
) -> StoreResult<Report> {
    conn.build_transaction()
        .read_only()
        .repeatable_read()
        .run::<_, StoreError, _>(async |conn| {
            Ok(Report {
                days: by_day(conn, account_id, days).await?,
                models: by_model(conn, account_id, days).await?,
                threads: by_thread(conn, account_id, days, most_threads).await?,
                before: by_day(conn, account_id, before).await?.into_iter().map(|day| day.usage).sum(),
                first_used_at: first_used_at(conn, account_id).await?,
            })
        })
        .await
}

/// Sums of the records `u` that an account has between two moments.
const SUMS: &str = "count(*) as replies, sum(u.input_tokens)::bigint as input_tokens,
    sum(u.cached_input_tokens)::bigint as cached_input_tokens, sum(u.output_tokens)::bigint as output_tokens,
    sum(u.charged_nanos)::bigint as charged_nanos";
const USED: &str = "u.account_id = $1 and u.created_at >= $2 and u.created_at < $3
    and (u.charged_nanos > 0 or u.input_tokens > 0 or u.output_tokens > 0)";

#[derive(QueryableByName)]
struct UsageColumns {
    #[diesel(sql_type = BigInt)]
    replies: i64,
    #[diesel(sql_type = BigInt)]
    input_tokens: i64,
    #[diesel(sql_type = BigInt)]
    cached_input_tokens: i64,
    #[diesel(sql_type = BigInt)]
    output_tokens: i64,
    #[diesel(sql_type = BigInt)]
    charged_nanos: i64,
}

impl From<UsageColumns> for Usage {
    fn from(row: UsageColumns) -> Self {
        Self {
            replies: row.replies.unsigned_abs(),
            input_tokens: row.input_tokens.unsigned_abs(),
            cached_input_tokens: row.cached_input_tokens.unsigned_abs(),
            output_tokens: row.output_tokens.unsigned_abs(),
            charged: Nanos(row.charged_nanos),
        }
    }
}

async fn by_day(conn: &mut Connection, account_id: AccountId, days: Days) -> QueryResult<Vec<DayUsage>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Date)]
        day: NaiveDate,
        #[diesel(embed)]
        usage: UsageColumns,
    }
    let sql = format!(
        "select (u.created_at at time zone 'UTC')::date as day, {SUMS}
         from usage_records u where {USED} group by 1 order by 1"
    );
    let rows: Vec<Row> = load(conn, sql, account_id, days).await?;
    Ok(rows.into_iter().map(|row| DayUsage { day: row.day, usage: row.usage.into() }).collect())
}

async fn by_model(conn: &mut Connection, account_id: AccountId, days: Days) -> QueryResult<Vec<ModelUsage>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(embed)]
        usage: UsageColumns,
    }
    let sql = format!(
        "select m.name, {SUMS} from usage_records u join models m on m.key = u.model
         where {USED} group by m.key order by charged_nanos desc, m.name"
    );
    let rows: Vec<Row> = load(conn, sql, account_id, days).await?;
    Ok(rows.into_iter().map(|row| ModelUsage { name: row.name, usage: row.usage.into() }).collect())
}

async fn by_thread(
    conn: &mut Connection,
    account_id: AccountId,
    days: Days,
    most: i64,
) -> QueryResult<Vec<ThreadUsage>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        thread: ThreadColumns,
        #[diesel(embed)]
        usage: UsageColumns,
    }
    let sql = format!(
        "select t.id as thread_id, t.title, t.deleted_at, t.is_program, {SUMS}
         from usage_records u join generations g on g.id = u.generation_id join threads t on t.id = g.thread_id
         where {USED} group by t.id order by charged_nanos desc, t.id limit {most}"
    );
    let rows: Vec<Row> = load(conn, sql, account_id, days).await?;
    Ok(rows
        .into_iter()
        .map(|row| ThreadUsage { thread: row.thread.into(), usage: row.usage.into() })
        .collect())
}

/// How a thread is named in reports.
#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = threads)]
pub(super) struct ThreadColumns {
    #[diesel(sql_type = SqlUuid, select_expression = threads::id)]
    thread_id: Uuid,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    deleted_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    is_program: bool,
}

impl From<ThreadColumns> for ThreadLabel {
    fn from(row: ThreadColumns) -> Self {
        thread_label(row.thread_id, row.title, row.deleted_at, row.is_program)
    }
}

pub(super) fn thread_label(
    id: Uuid,
    title: String,
    deleted_at: Option<DateTime<Utc>>,
    is_program: bool,
) -> ThreadLabel {
    // One whose words are erased has no name.
    let title = if title.is_empty() { "a conversation".to_owned() } else { title };
    ThreadLabel { id: ThreadId(id), title, is_deleted: deleted_at.is_some(), is_program }
}

async fn load<Row>(
    conn: &mut Connection,
    sql: String,
    account_id: AccountId,
    days: Days,
) -> QueryResult<Vec<Row>>
where
    Row: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    let (from, until) = days.bounds();
    diesel::sql_query(sql)
        .bind::<SqlUuid, _>(account_id.0)
        .bind::<Timestamptz, _>(from)
        .bind::<Timestamptz, _>(until)
        .load(conn)
        .await
}

async fn first_used_at(conn: &mut Connection, account_id: AccountId) -> QueryResult<Option<DateTime<Utc>>> {
    usage_records::table
        .filter(usage_records::account_id.eq(account_id.0))
        .select(diesel::dsl::min(usage_records::created_at))
        .first(conn)
        .await
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = usage_records)]
struct ReplyRow {
    generation_id: Uuid,
    input_tokens: i32,
    output_tokens: i32,
    is_estimated: bool,
    charged_nanos: i64,
    created_at: DateTime<Utc>,
}

type ReplyColumns = (ReplyRow, String, ThreadColumns);

/// The last `limit` replies of these days, newest first.
pub async fn list_replies(
    conn: &mut Connection,
    account_id: AccountId,
    days: Days,
    limit: i64,
) -> StoreResult<Vec<ReplyUsage>> {
    let (from, until) = days.bounds();
    let is_used = usage_records::charged_nanos
        .gt(0)
        .or(usage_records::input_tokens.gt(0))
        .or(usage_records::output_tokens.gt(0));
    let rows: Vec<ReplyColumns> = usage_records::table
        .inner_join(generations::table.inner_join(threads::table))
        .inner_join(models::table.on(models::key.eq(usage_records::model)))
        .filter(usage_records::account_id.eq(account_id.0))
        .filter(usage_records::created_at.ge(from).and(usage_records::created_at.lt(until)))
        .filter(is_used)
        .order((usage_records::created_at.desc(), usage_records::generation_id.desc()))
        .limit(limit)
        .select((ReplyRow::as_select(), models::name, ThreadColumns::as_select()))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(to_reply).collect())
}

fn to_reply((row, model, thread): ReplyColumns) -> ReplyUsage {
    ReplyUsage {
        generation_id: GenerationId(row.generation_id),
        thread: thread.into(),
        model,
        input_tokens: row.input_tokens.unsigned_abs(),
        output_tokens: row.output_tokens.unsigned_abs(),
        is_estimated: row.is_estimated,
        charged: Nanos(row.charged_nanos),
        created_at: row.created_at,
    }
}
