//! What other limits would have done to the people on a plan.

use app::types::AccountId;
use chrono::{DateTime, Datelike, TimeDelta, Utc};

use crate::AppResult;
use crate::simulation::{Limits, Outcome, Simulation};
use crate::store::{Db, simulation};

/// What is asked of a simulation.
#[derive(Clone, Debug)]
pub struct Question {
    /// The key of a plan: accounts count that are on it today.
    pub plan: String,
    pub limits: Limits,
    pub since: DateTime<Utc>,
    /// Not included.
    pub until: DateTime<Utc>,
}

/// Replays what was used against the limits; also says how many people would have been stopped.
///
/// # Errors
/// When the database is away.
pub async fn simulate(db: &Db, question: &Question) -> AppResult<(Outcome, i64)> {
    let Question { plan, limits, since, until } = question;
    let mut conn = db.get().await?;
    let mut replay = Simulation::new(*limits, *since);
    let from = warm_up(*since);
    simulation::for_each_request(&mut conn, plan, from, *until, |request| replay.add(&request)).await?;
    let outcome = replay.finish();
    let stopped: Vec<AccountId> = outcome.stopped.iter().map(|account| account.id).collect();
    let people = simulation::count_people(&mut conn, &stopped).await?;
    Ok((outcome, people))
}

/// What fills the windows of the first requests: the day before, and the month so far.
fn warm_up(since: DateTime<Utc>) -> DateTime<Utc> {
    let day_before = since - TimeDelta::hours(24);
    let month = since.date_naive().with_day(1).and_then(|day| day.and_hms_opt(0, 0, 0));
    month.map_or(day_before, |month| month.and_utc().min(day_before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_windows_are_filled_from_the_day_before_and_the_month_so_far() {
        let from = |since: &str| warm_up(since.parse().expect("a time")).to_rfc3339();
        assert_eq!(from("2026-11-01T00:00:00Z"), "2026-10-31T00:00:00+00:00");
        assert_eq!(from("2026-11-20T00:00:00Z"), "2026-11-01T00:00:00+00:00");
    }
}
