//! What Stripe tells us by webhook: verified, kept, and dealt with by a job.

use app::ApiError;

use super::{Cashier, SyncJob};
use crate::AppResult;
use crate::providers::stripe::{BadWebhook, Event, api_version};
use crate::store::audit::NewAuditEvent;
use crate::store::jobs::{self, NewJob};
use crate::store::stripe_events;
use crate::telemetry::metrics;

/// Where Stripe tells us.
pub(crate) const WEBHOOK_PATH: &str = "/webhooks/stripe";

impl Cashier {
    /// Takes a message. Once this returns, it is not lost any more.
    pub async fn receive(&self, body: &str, signature: &str) -> AppResult<Result<(), BadWebhook>> {
        let event = match self.stripe.verify(body, signature) {
            Ok(event) => event,
            Err(bad) => {
                metrics::webhook_came("refused");
                return Ok(Err(bad));
            }
        };
        self.keep(&event).await?;
        match &event.api_version {
            // What it says does not matter, as everything is read anew.
            Some(version) if *version != api_version() => {
                let Event { id, kind, .. } = &event;
                tracing::warn!(
                    event.id = id,
                    event.kind = kind,
                    version,
                    "A webhook is of another version of Stripe's API"
                );
                metrics::webhook_came("other_version");
            }
            _ => metrics::webhook_came("taken"),
        }
        Ok(Ok(()))
    }

    /// Has what an event may have changed read from Stripe once more, with a row in the audit log.
    ///
    /// # Errors
    /// Not found: no such event was received. Refused: it concerns no customer, so nothing comes of it.
    pub async fn replay(&self, id: &str, by: NewAuditEvent<'_>) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let event = Event::from_payload(stripe_events::find_payload(&mut conn, id).await?);
        let nobody = || ApiError::invalid("This event concerns no customer: nothing comes of it.");
        let job = job_of(&event).ok_or_else(nobody)?;
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
