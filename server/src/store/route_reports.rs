//! How the routes to the models did, for operators to read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use app::types::{Nanos, Outcome};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::attempts::has_failed;
use super::{Connection, StoreResult};

/// A route's last 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteDay {
    pub attempts: u32,
    /// How attempts ended that failed, the most frequent first.
    pub outcomes: Vec<Outcome>,
    pub first_token_ms_p50: Option<u32>,
    pub first_token_ms_p95: Option<u32>,
    pub cost: Nanos,
}

/// Attempts of a route that ended in the same way, with their first token at the same time.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    route_key: String,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Nullable<Integer>)]
    first_token_ms: Option<i32>,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    cost_nanos: i64,
}

/// Of each route that was asked, by its key.
pub async fn read_day(conn: &mut Connection) -> StoreResult<HashMap<String, RouteDay>> {
    // Counted without sorting: there are far fewer different times than attempts.
    const ATTEMPTS: &str = "
        select route_key, outcome, first_token_ms, count(*) as attempts, sum(cost_nanos)::bigint as cost_nanos
        from generation_attempts where started_at > now() - interval '24 hours'
        group by route_key, outcome, first_token_ms";
    let rows: Vec<Row> = diesel::sql_query(ATTEMPTS).load(conn).await?;
    let mut routes: HashMap<String, Vec<Row>> = HashMap::new();
    for row in rows {
        routes.entry(row.route_key.clone()).or_default().push(row);
    }
    Ok(routes.into_iter().map(|(key, rows)| (key, day(&rows))).collect())
}

fn day(rows: &[Row]) -> RouteDay {
    let mut outcomes: BTreeMap<&str, i64> = BTreeMap::new();
    let mut first_tokens: BTreeMap<i32, i64> = BTreeMap::new();
    for row in rows {
        if has_failed(&row.outcome) {
            *outcomes.entry(&row.outcome).or_default() += row.attempts;
        }
        if let Some(ms) = row.first_token_ms {
            *first_tokens.entry(ms).or_default() += row.attempts;
        }
    }
    let mut outcomes: Vec<_> = outcomes
        .into_iter()
        .map(|(name, count)| Outcome { name: name.to_owned(), count: to_count(count) })
        .collect();
    outcomes.sort_by_key(|outcome| Reverse(outcome.count));
    RouteDay {
        attempts: to_count(rows.iter().map(|row| row.attempts).sum()),
        outcomes,
        first_token_ms_p50: rank(&first_tokens, 50),
        first_token_ms_p95: rank(&first_tokens, 95),
        cost: Nanos(rows.iter().map(|row| row.cost_nanos).sum()),
    }
}

/// The shortest time that so many of a hundred did not exceed. None: there is none.
fn rank(counts: &BTreeMap<i32, i64>, hundredths: i64) -> Option<u32> {
    let wanted = (counts.values().sum::<i64>() * hundredths + 99) / 100;
    let mut reached = 0;
    let found = counts.iter().find(|(_, count)| {
        reached += **count;
        reached >= wanted
    });
    found.map(|(ms, _)| ms.unsigned_abs())
}

fn to_count(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stopped_or_reached_its_limit_is_no_failure() {
        let outcomes =
            ["finished", "limited", "stopped", "cut off", "overloaded", "interrupted", "overloaded"];
        let rows = outcomes.map(|outcome| Row {
            route_key: "one".to_owned(),
            outcome: outcome.to_owned(),
            first_token_ms: None,
            attempts: 2,
            cost_nanos: 1,
        });
        let day = day(&rows);
        let failures: Vec<_> =
            day.outcomes.iter().map(|outcome| (outcome.name.as_str(), outcome.count)).collect();
        assert_eq!((day.attempts, failures), (14, vec![("overloaded", 4), ("interrupted", 2)]));
    }

    #[test]
    fn a_rank_is_one_of_the_times() {
        let counts = BTreeMap::from([(100, 50), (200, 45), (9_000, 5)]);
        assert_eq!([50, 51, 95, 96].map(|rank_of| rank(&counts, rank_of)), [100, 200, 200, 9_000].map(Some));
        assert_eq!(rank(&BTreeMap::new(), 50), None);
        assert_eq!(rank(&BTreeMap::from([(7, 1)]), 95), Some(7));
    }
}
