//! How the queue of jobs stands, for operators to read.

use app::types::{Job, JobId, JobState, JobsQuery, Queue};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::{jobs, schedule_slots};
use super::{Connection, StoreResult};

#[derive(QueryableByName)]
struct QueueRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    ready: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    running: i64,
    #[diesel(sql_type = BigInt)]
    dead: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    due_since: Option<DateTime<Utc>>,
}

/// The kinds with jobs that are not done.
pub async fn list_queues(conn: &mut Connection) -> StoreResult<Vec<Queue>> {
    const LIST: &str = "
        select kind, count(*) filter (where state = 'ready' and attempt = 0) as ready,
            count(*) filter (where state = 'ready' and attempt > 0) as failed,
            count(*) filter (where state = 'running') as running, count(*) filter (where state = 'dead') as dead,
            min(run_at) filter (where state = 'ready' and run_at <= clock_timestamp()) as due_since
        from jobs where state in ('ready', 'running', 'dead') group by kind order by kind";
    let rows: Vec<QueueRow> = diesel::sql_query(LIST).load(conn).await?;
    let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
    let queues = rows.into_iter().map(|row| Queue {
        kind: row.kind,
        ready: count(row.ready),
        failed: count(row.failed),
        running: count(row.running),
        dead: count(row.dead),
        due_since: row.due_since,
    });
    Ok(queues.collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs)]
struct JobRow {
    id: Uuid,
    kind: String,
    payload: Value,
    attempt: i32,
    max_attempts: i32,
    run_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
}

impl JobRow {
    fn into_job(self, state: JobState) -> Job {
        Job {
            id: JobId(self.id),
            kind: self.kind,
            payload: self.payload.to_string(),
            state,
            attempt: self.attempt.unsigned_abs(),
            max_attempts: self.max_attempts.unsigned_abs(),
            run_at: self.run_at,
            finished_at: self.finished_at,
            last_error: self.last_error,
        }
    }
}

/// Newest first, `limit` of them at most.
pub async fn list(conn: &mut Connection, query: &JobsQuery, limit: i64) -> StoreResult<Vec<Job>> {
    let wanted = jobs::table.into_boxed();
    let mut wanted = match query.state {
        JobState::Ready => wanted.filter(jobs::state.eq("ready")).filter(jobs::attempt.eq(0)),
        JobState::Failed => wanted.filter(jobs::state.eq("ready")).filter(jobs::attempt.gt(0)),
        state => wanted.filter(jobs::state.eq(state.to_string())),
    };
    if let Some(kind) = &query.kind {
        wanted = wanted.filter(jobs::kind.eq(kind));
    }
    if let Some(JobId(id)) = query.after {
        wanted = wanted.filter(jobs::id.lt(id));
    }
    let wanted = wanted.order(jobs::id.desc()).limit(limit).select(JobRow::as_select());
    let rows: Vec<JobRow> = wanted.load(conn).await?;
    Ok(rows.into_iter().map(|row| row.into_job(query.state)).collect())
}

/// When each scheduled work was last due.
pub async fn list_slots(conn: &mut Connection) -> StoreResult<Vec<(String, Option<DateTime<Utc>>)>> {
    Ok(schedule_slots::table
        .group_by(schedule_slots::name)
        .select((schedule_slots::name, diesel::dsl::max(schedule_slots::slot)))
        .load(conn)
        .await?)
}
