//! The nightly four-way check.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::config::AuditConfig;
use crate::services::four_way::FourWayCheck;
use crate::store::jobs::Lease;

const KIND: &str = "check_four_ways";

pub struct CheckFourWays {
    pub check: FourWayCheck,
}

impl CheckFourWays {
    pub fn schedule(config: AuditConfig) -> Schedule {
        Schedule::alone(KIND, Slots::DailyAt(config.hour_utc))
    }
}

#[async_trait]
impl Handler for CheckFourWays {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.check.log().await?;
        Ok(())
    }
}
