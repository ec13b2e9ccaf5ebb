//! How the routes to the models did, for operators to read.

use std::collections::HashMap;

use app::types::{Nanos, Outcome};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::{Connection, StoreResult};

/// A route's last 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteDay {
    pub attempts: u32,
    /// How attempts ended that did not finish, the most frequent first.
    pub outcomes: Vec<Outcome>,
    pub first_token_ms_p50: Option<u32>,
    pub first_token_ms_p95: Option<u32>,
    pub cost: Nanos,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    route_key: String,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = Nullable<Integer>)]
    p50: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    p95: Option<i32>,
    #[diesel(sql_type = BigInt)]
    cost_nanos: i64,
}

#[derive(QueryableByName)]
struct OutcomeRow {
    #[diesel(sql_type = Text)]
    route_key: String,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Of each route that was asked, by its key.
pub async fn read_day(conn: &mut Connection) -> StoreResult<HashMap<String, RouteDay>> {
    const ROUTES: &str = "
        select route_key, count(*) as attempts,
            percentile_disc(0.5) within group (order by first_token_ms) as p50,
            percentile_disc(0.95) within group (order by first_token_ms) as p95,
            coalesce(sum(cost_nanos), 0)::bigint as cost_nanos
        from generation_attempts where started_at > now() - interval '24 hours' group by route_key";
    const OUTCOMES: &str = "
        select route_key, outcome, count(*) as count from generation_attempts
        where started_at > now() - interval '24 hours' and outcome <> 'finished'
        group by route_key, outcome order by count desc, outcome";
    let rows: Vec<Row> = diesel::sql_query(ROUTES).load(conn).await?;
    let mut days: HashMap<_, _> = rows.into_iter().map(|row| (row.route_key.clone(), day(&row))).collect();
    let outcomes: Vec<OutcomeRow> = diesel::sql_query(OUTCOMES).load(conn).await?;
    for OutcomeRow { route_key, outcome, count } in outcomes {
        let day: &mut RouteDay = days.entry(route_key).or_default();
        day.outcomes.push(Outcome { name: outcome, count: to_count(count) });
    }
    Ok(days)
}

fn day(row: &Row) -> RouteDay {
    RouteDay {
        attempts: to_count(row.attempts),
        outcomes: Vec::new(),
        first_token_ms_p50: row.p50.map(i32::unsigned_abs),
        first_token_ms_p95: row.p95.map(i32::unsigned_abs),
        cost: Nanos(row.cost_nanos),
    }
}

fn to_count(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
