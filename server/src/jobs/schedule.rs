//! Work that is due at set times, enqueued once for each, however many workers look at the clock.

use std::fmt;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::store::clock::now;
use crate::store::jobs::{NewJob, enqueue_slot};
use crate::store::{Connection, StoreResult};

/// When something is due, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slots {
    /// Every so many minutes of the day; a divisor of a day.
    EveryMinutes(u32),
    /// Once a day, at this hour.
    DailyAt(u32),
}

impl Slots {
    /// The last time it was due. After a pause of the workers only this one is made up for, not all that were missed.
    fn latest(self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let floor = |at: DateTime<Utc>, length| at.duration_trunc(length).ok();
        match self {
            Self::EveryMinutes(minutes) => floor(at, TimeDelta::minutes(minutes.max(1).into())),
            Self::DailyAt(hour) => {
                let offset = TimeDelta::hours(hour.into());
                Some(floor(at - offset, TimeDelta::days(1))? + offset)
            }
        }
    }
}

/// In words.
impl fmt::Display for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EveryMinutes(60) => f.write_str("every hour"),
            Self::EveryMinutes(1) => f.write_str("every minute"),
            Self::EveryMinutes(minutes) => write!(f, "every {minutes} minutes"),
            Self::DailyAt(hour) => write!(f, "every day at {hour:02}:00 UTC"),
        }
    }
}

/// A job that is due again and again.
pub struct Schedule {
    /// Stable, as stored.
    pub name: &'static str,
    pub slots: Slots,
    pub job: NewJob,
}

impl Schedule {
    /// Of work that needs no payload and of which one is enough: its kind is its name.
    pub(super) fn alone(kind: &'static str, slots: Slots) -> Self {
        Self { name: kind, slots, job: NewJob::alone(kind) }
    }
}

/// Enqueues what is due, by the database's clock.
pub(super) async fn enqueue_due(conn: &mut Connection, schedules: &[Schedule]) -> StoreResult<()> {
    let at = now(conn).await?;
    for schedule in schedules {
        if let Some(slot) = schedule.slots.latest(at) {
            enqueue_slot(conn, schedule.name, slot, &schedule.job).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn a_slot_is_the_last_time_something_was_due() {
        let noon = at("2026-11-24T12:34:56Z");
        for (slots, latest) in [
            (Slots::EveryMinutes(60), "2026-11-24T12:00:00Z"),
            (Slots::EveryMinutes(5), "2026-11-24T12:30:00Z"),
            (Slots::DailyAt(3), "2026-11-24T03:00:00Z"),
            (Slots::DailyAt(13), "2026-11-23T13:00:00Z"),
        ] {
            assert_eq!(slots.latest(noon), Some(at(latest)), "{slots:?}");
        }
    }
}
