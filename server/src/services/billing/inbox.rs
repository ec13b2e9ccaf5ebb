//! What Stripe tells us by webhook: verified, kept, and dealt with by a job.

use super::{Cashier, SyncJob};
use crate::AppResult;
use crate::providers::stripe::{BadWebhook, Event};
use crate::store::jobs::NewJob;
use crate::store::stripe_events;

impl Cashier {
    /// Takes a message. Once this returns, it is not lost any more.
    pub async fn receive(&self, body: &str, signature: &str) -> AppResult<Result<(), BadWebhook>> {
        match self.stripe.verify(body, signature) {
            Ok(event) => {
                self.keep(&event).await?;
                Ok(Ok(()))
            }
            Err(bad) => Ok(Err(bad)),
        }
    }

    /// Keeps an event with the job it causes. False: it was here before.
    pub(super) async fn keep(&self, event: &Event) -> AppResult<bool> {
        let job = job_of(event);
        Ok(stripe_events::receive(&mut *self.db.get().await?, event, job.as_ref()).await?)
    }
}

/// Every kind of event leads to the same job, so there is no list of kinds to fall behind with.
pub(super) fn job_of(event: &Event) -> Option<NewJob> {
    match (&event.customer_id, &event.charge_id) {
        (Some(customer_id), _) => Some(SyncJob::of_customer(customer_id)),
        (None, Some(charge_id)) => Some(SyncJob::of_charge(&event.id, charge_id)),
        (None, None) => None,
    }
}
