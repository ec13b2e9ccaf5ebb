//! The daily comparison of overage with Stripe's meter.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::config::AuditConfig;
use crate::services::billing::Cashier;
use crate::store::jobs::Lease;

const KIND: &str = "check_meter";

pub struct CheckMeter {
    pub cashier: Cashier,
    pub config: AuditConfig,
}

#[async_trait]
impl Handler for CheckMeter {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn schedule(&self) -> Option<Schedule> {
        Some(Schedule::alone(KIND, Slots::DailyAt(self.config.hour_utc)))
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.cashier.check_meter().await?;
        Ok(())
    }
}
