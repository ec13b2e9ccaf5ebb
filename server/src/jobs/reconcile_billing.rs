//! The hourly comparison with Stripe.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::services::billing::Cashier;
use crate::store::jobs::Lease;

const KIND: &str = "reconcile_billing";

pub struct ReconcileBilling {
    pub cashier: Cashier,
}

impl ReconcileBilling {
    pub fn schedule() -> Schedule {
        Schedule::alone(KIND, Slots::EveryMinutes(60))
    }
}

#[async_trait]
impl Handler for ReconcileBilling {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.cashier.reconcile().await?;
        Ok(())
    }
}
