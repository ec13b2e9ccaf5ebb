//! Telling Stripe's meter, every minute, what was used beyond credit.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::services::billing::Cashier;
use crate::store::jobs::{Lease, NewJob};

const KIND: &str = "export_meter";

pub struct ExportMeter {
    pub cashier: Cashier,
}

#[async_trait]
impl Handler for ExportMeter {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn schedule(&self) -> Option<Schedule> {
        let schedule = Schedule::alone(KIND, Slots::EveryMinutes(1));
        // Two at a time would send everything twice: Stripe counts it once, but need not be asked to. Pauses between
        // attempts stay short of the hour in which a period that has ended can still be billed.
        let job = NewJob { serial_key: Some(KIND.to_owned()), max_attempts: 8, ..schedule.job };
        Some(Schedule { job, ..schedule })
    }

    /// An event of Stripe's for each of many customers is no reason to tell usage after its period was billed.
    fn is_urgent(&self) -> bool {
        true
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.cashier.export_meter().await?;
        Ok(())
    }
}
