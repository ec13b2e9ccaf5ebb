//! The hourly comparison with Stripe.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::services::billing::{Cashier, RECONCILE_JOB};
use crate::store::jobs::Lease;

pub struct ReconcileBilling {
    pub cashier: Cashier,
}

#[async_trait]
impl Handler for ReconcileBilling {
    fn kind(&self) -> &'static str {
        RECONCILE_JOB
    }

    fn schedule(&self) -> Option<Schedule> {
        Some(Schedule::alone(RECONCILE_JOB, Slots::EveryMinutes(60)))
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.cashier.reconcile().await?;
        Ok(())
    }
}
