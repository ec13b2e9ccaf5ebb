//! The nightly four-way check.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::config::AuditConfig;
use crate::services::four_way::FourWayCheck;
use crate::store::jobs::Lease;

const KIND: &str = "check_four_ways";

pub struct CheckFourWays {
    pub check: FourWayCheck,
    pub config: AuditConfig,
}

#[async_trait]
impl Handler for CheckFourWays {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn schedule(&self) -> Option<Schedule> {
        Some(Schedule::alone(KIND, Slots::DailyAt(self.config.hour_utc)))
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.check.log().await?;
        Ok(())
    }
}
