//! The daily comparison of overage with Stripe's meter.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::config::AuditConfig;
use crate::services::billing::Cashier;
use crate::store::jobs::Lease;

const KIND: &str = "check_meter";

pub struct CheckMeter {
    pub cashier: Cashier,
}

impl CheckMeter {
    pub fn schedule(config: AuditConfig) -> Schedule {
        Schedule::alone(KIND, Slots::DailyAt(config.hour_utc))
    }
}

#[async_trait]
impl Handler for CheckMeter {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.cashier.check_meter().await?;
        Ok(())
    }
}
