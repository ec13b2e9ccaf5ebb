//! Bringing an account in line with its customer at Stripe.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Handler, JobError};
use crate::services::billing::Cashier;
use crate::store::jobs::{Lease, NewJob};

const KIND: &str = "sync_customer";

/// With the pauses between them, over a day.
const MAX_ATTEMPTS: i32 = 30;

pub struct SyncCustomer {
    pub cashier: Cashier,
}

/// Whose account it is.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Payload {
    Customer {
        customer_id: String,
    },
    /// Of whoever paid this.
    Charge {
        event_id: String,
        charge_id: String,
    },
}

impl SyncCustomer {
    /// One that waits is enough, and one runs at a time.
    pub fn job(customer_id: &str) -> NewJob {
        NewJob {
            kind: KIND,
            payload: json!(Payload::Customer { customer_id: customer_id.to_owned() }),
            run_at: None,
            unique_key: Some(customer_id.to_owned()),
            serial_key: Some(format!("stripe:{customer_id}")),
            max_attempts: MAX_ATTEMPTS,
        }
    }

    /// The same at a later time. One for that time is enough, and does not keep others from being done before.
    pub fn job_at(customer_id: &str, at: DateTime<Utc>) -> NewJob {
        let unique_key = Some(format!("{customer_id} at {}", at.timestamp()));
        NewJob { run_at: Some(at), unique_key, ..Self::job(customer_id) }
    }

    /// For an event that names a charge and no customer.
    pub fn job_of_charge(event_id: &str, charge_id: &str) -> NewJob {
        let payload = Payload::Charge { event_id: event_id.to_owned(), charge_id: charge_id.to_owned() };
        NewJob { payload: json!(payload), unique_key: None, ..Self::job(charge_id) }
    }
}

#[async_trait]
impl Handler for SyncCustomer {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, lease: &Lease) -> Result<(), JobError> {
        let payload = serde_json::from_value(lease.payload.clone()).map_err(JobError::lasting)?;
        match payload {
            Payload::Customer { customer_id } => self.cashier.sync_customer(&customer_id).await?,
            Payload::Charge { event_id, charge_id } => {
                self.cashier.sync_charge(&event_id, &charge_id).await?
            }
        }
        Ok(())
    }
}
