//! The job that brings an account in line with its customer at Stripe.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::store::jobs::NewJob;

/// Whose account it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SyncJob {
    Customer {
        customer_id: String,
    },
    /// Of whoever paid this.
    Charge {
        event_id: String,
        charge_id: String,
    },
}

impl SyncJob {
    pub const KIND: &str = "sync_customer";

    /// With the pauses between them, over a day.
    const MAX_ATTEMPTS: i32 = 30;

    /// One that waits is enough, and one runs at a time.
    pub(in crate::services) fn of_customer(customer_id: &str) -> NewJob {
        NewJob {
            kind: Self::KIND,
            payload: json!(Self::Customer { customer_id: customer_id.to_owned() }),
            run_at: None,
            unique_key: Some(customer_id.to_owned()),
            serial_key: Some(format!("stripe:{customer_id}")),
            max_attempts: Self::MAX_ATTEMPTS,
        }
    }

    /// The same at a later time. One for that time is enough, and does not keep others from being done before.
    pub(super) fn of_customer_at(customer_id: &str, at: DateTime<Utc>) -> NewJob {
        let unique_key = Some(format!("{customer_id} at {}", at.timestamp()));
        NewJob { run_at: Some(at), unique_key, ..Self::of_customer(customer_id) }
    }

    /// For an event that names a charge and no customer. One for each event is enough.
    pub(super) fn of_charge(event_id: &str, charge_id: &str) -> NewJob {
        let payload = Self::Charge { event_id: event_id.to_owned(), charge_id: charge_id.to_owned() };
        let unique_key = Some(event_id.to_owned());
        NewJob { payload: json!(payload), unique_key, ..Self::of_customer(charge_id) }
    }
}
