//! Bringing an account in line with its customer at Stripe.

use async_trait::async_trait;

use super::{Handler, JobError};
use crate::services::billing::{Cashier, SyncJob};
use crate::store::jobs::Lease;

pub struct SyncCustomer {
    pub cashier: Cashier,
}

#[async_trait]
impl Handler for SyncCustomer {
    fn kind(&self) -> &'static str {
        SyncJob::KIND
    }

    async fn run(&self, lease: &Lease) -> Result<(), JobError> {
        let job = serde_json::from_value(lease.payload.clone()).map_err(JobError::lasting)?;
        match job {
            SyncJob::Customer { customer_id } => self.cashier.sync_customer(&customer_id).await?,
            SyncJob::Charge { event_id, charge_id } => {
                self.cashier.sync_charge(&event_id, &charge_id).await?
            }
        }
        Ok(())
    }
}
