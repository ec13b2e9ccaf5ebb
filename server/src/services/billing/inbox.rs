//! What Stripe tells us by webhook: verified, kept, and dealt with by a job.

use app::ApiError;

use super::{Cashier, SyncJob};
use crate::AppResult;
use crate::providers::stripe::{BadWebhook, Event};
use crate::store::audit::NewAuditEvent;
use crate::store::jobs::{self, NewJob};
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

    /// Has what an event may have changed read from Stripe once more, with a row in the audit log.
    ///
    /// # Errors
    /// Not found: no such event was received. Refused: it concerns no customer, so nothing comes of it.
    pub async fn replay(&self, id: &str, by: NewAuditEvent<'_>) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let event = Event::from_payload(stripe_events::find_payload(&mut conn, id).await?);
        let job = event.as_ref().and_then(job_of);
        let job =
            job.ok_or_else(|| ApiError::invalid("This event concerns no customer: nothing comes of it."))?;
        Ok(jobs::enqueue_audited(&mut conn, &job, NewAuditEvent { detail: id, ..by }).await?)
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
