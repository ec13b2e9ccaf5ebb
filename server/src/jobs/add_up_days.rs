//! Adding up, every few minutes, what operators look at.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::services::day_totals::DayTotals;
use crate::store::jobs::{Lease, NewJob};

const KIND: &str = "add_up_days";

pub struct AddUpDays {
    pub totals: DayTotals,
}

#[async_trait]
impl Handler for AddUpDays {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn schedule(&self) -> Option<Schedule> {
        let schedule = Schedule::alone(KIND, Slots::EveryMinutes(5));
        // Two at a time would add up the same days, and one of them for nothing.
        let job = NewJob { serial_key: Some(KIND.to_owned()), ..schedule.job };
        Some(Schedule { job, ..schedule })
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.totals.bring_up_to_date().await?;
        Ok(())
    }
}
