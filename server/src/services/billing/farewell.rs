//! The end of a customer at Stripe, with the account it is of.

use super::Cashier;
use crate::providers::stripe::StripeError;
use crate::{AppError, AppResult};

impl Cashier {
    /// Reads a customer anew, if Stripe has it.
    pub(in crate::services) async fn sync_if_known(&self, customer_id: &str) -> AppResult<()> {
        match self.sync_customer(customer_id).await {
            Err(AppError::Stripe(StripeError::NotFound(_))) => Ok(()),
            result => result,
        }
    }

    /// Deletes a customer at Stripe, with its cards and whatever it subscribes to. Invoices and payments stay there. One that
    /// is gone already is as good.
    pub(in crate::services) async fn delete_customer(&self, customer_id: &str) -> AppResult<()> {
        match self.stripe.delete_customer(customer_id).await {
            Ok(()) | Err(StripeError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
