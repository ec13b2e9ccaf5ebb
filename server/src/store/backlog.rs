//! What waits: holds of replies in progress, jobs, and events of Stripe's.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double};
use diesel_async::RunQueryDsl;

use super::{Connection, StoreResult};

/// Counts, nano-dollars, and ages in seconds; ages are 0 where nothing waits.
#[derive(Clone, Copy, Debug, Default, QueryableByName)]
pub struct Backlog {
    #[diesel(sql_type = BigInt)]
    pub holds: i64,
    #[diesel(sql_type = BigInt)]
    pub held_nanos: i64,
    #[diesel(sql_type = Double)]
    pub oldest_hold_seconds: f64,
    #[diesel(sql_type = BigInt)]
    pub jobs_ready: i64,
    #[diesel(sql_type = BigInt)]
    pub jobs_running: i64,
    #[diesel(sql_type = BigInt)]
    pub jobs_dead: i64,
    #[diesel(sql_type = Double)]
    pub oldest_due_job_seconds: f64,
    /// That came in and are not dealt with.
    #[diesel(sql_type = BigInt)]
    pub events: i64,
    #[diesel(sql_type = Double)]
    pub oldest_event_seconds: f64,
}

pub async fn read(conn: &mut Connection) -> StoreResult<Backlog> {
    const READ: &str = "
        select * from (
            select count(*) as holds, coalesce(sum(amount_nanos), 0)::bigint as held_nanos,
                coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as oldest_hold_seconds
            from holds where state = 'pending') as holds,
        (
            select count(*) filter (where state = 'ready') as jobs_ready,
                count(*) filter (where state = 'running') as jobs_running,
                count(*) filter (where state = 'dead') as jobs_dead,
                greatest(coalesce(extract(epoch from clock_timestamp() - min(run_at) filter (where state = 'ready')), 0),
                    0)::float8 as oldest_due_job_seconds
            from jobs where state <> 'done') as jobs,
        (
            select count(*) as events,
                coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0)::float8 as oldest_event_seconds
            from stripe_events where processed_at is null) as events";
    Ok(diesel::sql_query(READ).get_result(conn).await?)
}
