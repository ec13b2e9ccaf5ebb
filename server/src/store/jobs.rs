//! The queue of jobs. A job is leased for a while to one worker at a time; whoever has lost the lease can neither finish
//! nor fail it, because each lease has a number of its own.

use std::time::Duration;

use app::types::JobId;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz};
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::audit::{self, NewAuditEvent};
use super::clock::{clock_timestamp, now};
use super::pool::notify;
use super::schema::{jobs, schedule_slots};
use super::{Connection, StoreError, StoreResult, notices};
use crate::telemetry::traces;

diesel::define_sql_function! {
    /// The earlier of two times.
    fn least(one: Timestamptz, other: Timestamptz) -> Timestamptz;
}

/// Told whenever a job is enqueued.
pub const CHANNEL: &str = "plumbline_jobs";

/// Work to be done later.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Names the handler.
    pub kind: &'static str,
    pub payload: Value,
    /// None: as soon as a worker is free.
    pub run_at: Option<DateTime<Utc>>,
    /// No two jobs of a kind wait with the same key. One that runs does not count: it may have looked already.
    pub unique_key: Option<String>,
    /// No two jobs run at a time with the same key.
    pub serial_key: Option<String>,
    /// After so many failures it is dead.
    pub max_attempts: i32,
}

impl NewJob {
    /// Work that needs no payload and of which one is enough.
    pub fn alone(kind: &'static str) -> Self {
        Self {
            kind,
            payload: Value::Null,
            run_at: None,
            unique_key: Some(kind.to_owned()),
            serial_key: None,
            max_attempts: 5,
        }
    }
}

/// A job in the hands of a worker.
#[derive(Clone, Debug, QueryableByName)]
#[diesel(table_name = jobs)]
pub struct Lease {
    pub id: Uuid,
    pub kind: String,
    pub payload: Value,
    /// Counts from one; also the number of the lease.
    pub attempt: i32,
    pub max_attempts: i32,
    /// Where the trace of what caused it goes on. None: it is not traced.
    pub traceparent: Option<String>,
}

/// Adds a job within the caller's transaction, if there is one. False: one with its unique key waits already.
pub async fn enqueue(mut conn: &Connection, job: &NewJob) -> QueryResult<bool> {
    let added = diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(Uuid::now_v7()),
            jobs::kind.eq(job.kind),
            jobs::payload.eq(&job.payload),
            job.run_at.map(|at| jobs::run_at.eq(at)),
            jobs::unique_key.eq(&job.unique_key),
            jobs::serial_key.eq(&job.serial_key),
            jobs::max_attempts.eq(job.max_attempts),
            jobs::traceparent.eq(traces::traceparent()),
        ))
        .on_conflict_do_nothing()
        .execute(&mut conn)
        .await?;
    if added > 0 {
        notify(conn, CHANNEL, job.kind).await?;
    }
    Ok(added > 0)
}

/// The same for what somebody asks for, with a row in the audit log. One that waits already does not wait any longer.
pub async fn enqueue_audited(conn: &mut Connection, job: &NewJob, by: NewAuditEvent<'_>) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        enqueue_behind(conn, job).await?;
        audit::insert(conn, by).await?;
        Ok(())
    })
    .await
}

/// The same for a job that is to see what the transaction writes: also one that waits already does not begin before the
/// transaction has ended, and then at once, even if it was to wait after a failure.
pub async fn enqueue_behind(conn: &mut Connection, job: &NewJob) -> QueryResult<()> {
    while !enqueue(conn, job).await? {
        let waiting = jobs::table
            .filter(jobs::kind.eq(job.kind))
            .filter(jobs::unique_key.eq(&job.unique_key))
            .filter(jobs::state.eq("ready"));
        // No worker takes a row that is locked.
        let at_once = jobs::run_at.eq(least(jobs::run_at, clock_timestamp()));
        let locked = diesel::update(waiting).set(at_once).execute(conn).await?;
        if locked > 0 {
            return notify(conn, CHANNEL, job.kind).await;
        }
    }
    Ok(())
}

/// Adds a scheduled job, once for each slot of its name.
pub async fn enqueue_slot(
    conn: &mut Connection,
    name: &str,
    slot: DateTime<Utc>,
    job: &NewJob,
) -> StoreResult<bool> {
    let added = conn
        .transaction::<_, Error, _>(async |conn| {
            let is_new = diesel::insert_into(schedule_slots::table)
                .values((schedule_slots::name.eq(name), schedule_slots::slot.eq(slot)))
                .on_conflict_do_nothing()
                .execute(conn)
                .await?;
            Ok(is_new > 0 && enqueue(conn, job).await?)
        })
        .await?;
    Ok(added)
}

/// Leases the job that has waited longest of those that may run now, also one whose worker has not been heard of for the
/// time of its lease. Those of the `urgent` kinds go first.
pub async fn lease(conn: &mut Connection, length: Duration, urgent: &[&str]) -> StoreResult<Option<Lease>> {
    const LEASE: &str = "
        update jobs set state = 'running', attempt = attempt + 1, leased_until = clock_timestamp() + $1 * interval '1 ms'
        where id = coalesce((
            select id from jobs as candidate
            where kind = any($2) and state = 'ready' and run_at <= clock_timestamp()
            and not exists (
                select from jobs as other
                where other.serial_key = candidate.serial_key and other.state = 'running' and other.id <> candidate.id)
            order by run_at
            limit 1
            for update skip locked), (
            select id from jobs as candidate
            where ((state = 'ready' and run_at <= clock_timestamp())
                or (state = 'running' and leased_until <= clock_timestamp()))
            and not exists (
                select from jobs as other
                where other.serial_key = candidate.serial_key and other.state = 'running' and other.id <> candidate.id)
            order by run_at
            limit 1
            for update skip locked))
        returning id, kind, payload, attempt, max_attempts, traceparent";
    let length_ms = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    let lease = diesel::sql_query(LEASE)
        .bind::<BigInt, _>(length_ms)
        .bind::<Array<Text>, _>(urgent)
        .get_result(conn)
        .await
        .optional();
    match lease {
        // Another worker took one with the same serial key in the same moment.
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(None),
        lease => Ok(lease?),
    }
}

/// Keeps a job for `length` from now on; false when it was leased to another worker, or finished.
pub async fn renew(conn: &mut Connection, lease: &Lease, length: Duration) -> StoreResult<bool> {
    let until = now(conn).await? + length;
    Ok(diesel::update(held(lease)).set(jobs::leased_until.eq(until)).execute(conn).await? > 0)
}

/// Marks a job as done, in the transaction of its effects where they must go together. False: another worker has it now, or
/// it is done, and the effects must not be written.
pub async fn complete(conn: &mut Connection, lease: &Lease) -> StoreResult<bool> {
    let at = now(conn).await?;
    Ok(end(conn, lease, End { state: "done", finished_at: Some(at), ..End::default() }, at).await?)
}

/// Gives a failed job back, to be tried again after `delay`; without one it is dead. False: another worker has it now.
pub async fn fail(
    conn: &mut Connection,
    lease: &Lease,
    error: &str,
    delay: Option<Duration>,
) -> StoreResult<bool> {
    let at = now(conn).await?;
    let last_error = Some(error);
    let Some(delay) = delay else {
        let dead = End { state: "dead", finished_at: Some(at), last_error, ..End::default() };
        return Ok(end(conn, lease, dead, at).await?);
    };
    let ready = End { state: "ready", last_error, ..End::default() };
    match end(conn, lease, ready, at + delay).await {
        // One with the same unique key was enqueued meanwhile and does the same.
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            let done = End { state: "done", finished_at: Some(at), last_error, ..End::default() };
            Ok(end(conn, lease, done, at).await?)
        }
        failed => Ok(failed?),
    }
}

/// Where a lease leaves its job.
#[derive(AsChangeset, Default)]
#[diesel(table_name = jobs)]
#[diesel(treat_none_as_null = true)]
struct End<'a> {
    state: &'a str,
    leased_until: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    last_error: Option<&'a str>,
}

async fn end(conn: &mut Connection, lease: &Lease, end: End<'_>, run_at: DateTime<Utc>) -> QueryResult<bool> {
    Ok(diesel::update(held(lease)).set((end, jobs::run_at.eq(run_at))).execute(conn).await? > 0)
}

/// Lets a dead job be tried again from the start, or one that waits after a failure at once, with a row in the audit log.
/// False: it is neither, or one with its unique key waits already.
pub async fn revive(conn: &mut Connection, id: JobId, by: NewAuditEvent<'_>) -> StoreResult<bool> {
    let revived = conn
        .transaction::<_, StoreError, _>(async |conn| {
            let ready = (
                jobs::state.eq("ready"),
                // One that waits keeps its number: whoever had it before must not take it for theirs.
                jobs::attempt.eq(sql::<Integer>("case when state = 'dead' then 0 else attempt end")),
                jobs::run_at.eq(clock_timestamp()),
                jobs::finished_at.eq(None::<DateTime<Utc>>),
            );
            let revived = diesel::update(failed(id)).set(ready).returning(jobs::kind).get_result(conn).await;
            note(conn, id, revived.optional()?, by).await
        })
        .await;
    match revived {
        // One with the same unique key waits already and does the same.
        Err(StoreError::Query(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _))) => Ok(false),
        revived => revived,
    }
}

/// Forgets a job that is dead or waits after a failure, with a row in the audit log. False: it is neither. A notice that was
/// to be mailed is left to the app.
pub async fn discard(conn: &mut Connection, id: JobId, by: NewAuditEvent<'_>) -> StoreResult<bool> {
    conn.transaction(async |conn| {
        let discarded =
            diesel::delete(failed(id)).returning((jobs::kind, jobs::payload)).get_result(conn).await;
        let discarded: Option<(String, Value)> = discarded.optional()?;
        if let Some((kind, payload)) = &discarded
            && kind == notices::DELIVERY
        {
            notices::keep_undelivered(conn, payload).await?;
        }
        note(conn, id, discarded.map(|(kind, _)| kind), by).await
    })
    .await
}

#[diesel::dsl::auto_type(no_type_alias)]
fn failed(id: JobId) -> _ {
    let id: Uuid = id.0;
    let waits = jobs::state.eq("ready").and(jobs::attempt.gt(0_i32));
    jobs::table.filter(jobs::id.eq(id)).filter(jobs::state.eq("dead").or(waits))
}

/// Writes down what was done to a job of this kind. None: nothing was.
async fn note(
    conn: &mut Connection,
    id: JobId,
    kind: Option<String>,
    by: NewAuditEvent<'_>,
) -> StoreResult<bool> {
    let Some(kind) = kind else { return Ok(false) };
    let detail = [&format!("{kind}, job {id}"), by.detail].map(ToString::to_string).join(" ");
    audit::insert(conn, NewAuditEvent { detail: detail.trim_end(), ..by }).await?;
    notify(conn, CHANNEL, &kind).await?;
    Ok(true)
}

/// Forgets what was done so long ago; dead jobs stay until somebody has looked at them.
pub async fn delete_done(conn: &mut Connection, age: TimeDelta) -> StoreResult<usize> {
    let before = now(conn).await? - age;
    let old = jobs::table.filter(jobs::state.eq("done")).filter(jobs::finished_at.lt(before));
    Ok(diesel::delete(old).execute(conn).await?)
}

/// Forgets which slots were enqueued so long ago, but for the newest of each name.
pub async fn delete_slots(conn: &mut Connection, age: TimeDelta) -> StoreResult<usize> {
    let before = now(conn).await? - age;
    let old = "delete from schedule_slots as old where slot < $1 and exists (
        select from schedule_slots as newer where newer.name = old.name and newer.slot > old.slot)";
    Ok(diesel::sql_query(old).bind::<Timestamptz, _>(before).execute(conn).await?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn held(lease: &Lease) -> _ {
    let (id, attempt): (Uuid, i32) = (lease.id, lease.attempt);
    jobs::table.filter(jobs::id.eq(id)).filter(jobs::attempt.eq(attempt)).filter(jobs::state.eq("running"))
}
