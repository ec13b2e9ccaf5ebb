//! Comparing everything with Stripe, and repairing what webhooks have missed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::findings::is_paid_for;
use super::inbox::job_of;
use super::{Cashier, SyncJob};
use crate::AppResult;
use crate::providers::stripe::{Event, Subscription};
use crate::store::audit::NewAuditEvent;
use crate::store::clock::now;
use crate::store::jobs::NewJob;
use crate::store::subscriptions::SubscriptionRow;
use crate::store::{StoreError, accounts, jobs, stripe_events, subscriptions};

/// For so long Stripe keeps events.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Clocks differ, and events take a moment to be listed.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// What has waited longer has been given up on by its jobs.
const WAITING: TimeDelta = TimeDelta::hours(1);

/// After a long outage there may be no end of them; how many there were is kept in any case.
const MOST_SENTENCES: usize = 100;

/// The job that compares everything.
pub(crate) const RECONCILE_JOB: &str = "reconcile_billing";

impl Cashier {
    /// Has everything compared as soon as a worker is free, with a row in the audit log.
    pub async fn ask_to_reconcile(&self, by: NewAuditEvent<'_>) -> AppResult<()> {
        let job = NewJob::alone(RECONCILE_JOB);
        Ok(jobs::enqueue_audited(&mut *self.db.get().await?, &job, by).await?)
    }

    /// Fetches the events that no webhook has brought since the last time, looks for subscriptions that are not as they
    /// were written down, and has all customers concerned read anew.
    pub async fn reconcile(&self) -> AppResult<()> {
        let (started_at, since) = {
            let mut conn = self.db.get().await?;
            let at = now(&mut conn).await?;
            let last = stripe_events::last_reconciliation(&mut conn).await?;
            (at, last.map_or(at - KEPT, |last| last - OVERLAP))
        };
        let mut missed = Vec::new();
        for event in self.stripe.list_events(since).await?.into_iter().rev() {
            if self.keep(&event).await? {
                missed.push(event);
            }
        }
        let missed_events = missed.len();
        let drifted = self.drifted_customers(started_at).await?;
        let mut conn = self.db.get().await?;
        let waiting = stripe_events::list_waiting(&mut conn, WAITING).await?;
        let waiting = waiting.into_iter().map(Event::from_payload).filter_map(|event| job_of(&event));
        let drift = drifted.iter().map(|customer_id| SyncJob::of_customer(customer_id));
        for job in drift.chain(waiting) {
            jobs::enqueue_behind(&mut conn, &job).await.map_err(StoreError::from)?;
        }
        let told = sentences(&missed, &drifted);
        stripe_events::record_reconciliation(&mut conn, started_at, missed_events, drifted.len(), &told)
            .await?;
        if missed_events + drifted.len() > 0 {
            tracing::warn!(
                missed_events,
                drifted_customers = drifted.len(),
                "Webhooks have missed something; it is being repaired"
            );
        }
        Ok(())
    }

    /// The customers of ours whose subscription is not as it was written down.
    async fn drifted_customers(&self, at: DateTime<Utc>) -> AppResult<BTreeSet<String>> {
        let live = self.stripe.list_live_subscriptions().await?;
        let customers: Vec<_> = live.iter().map(|each| each.customer_id.as_str()).collect();
        let (known, ours) = {
            let mut conn = self.db.get().await?;
            (
                subscriptions::list_all(&mut conn).await?,
                accounts::list_customers(&mut conn, &customers).await?,
            )
        };
        let live: BTreeMap<_, _> = live.iter().map(|each| (each.id.as_str(), each)).collect();
        let known: BTreeMap<_, _> =
            known.iter().map(|(customer, row)| (row.id.as_str(), (customer, row))).collect();
        let gone = known.iter().filter(|(id, (_, row))| is_live(row) && !live.contains_key(*id));
        let gone = gone.map(|(_, (customer, _))| (*customer).clone());
        let changed = live.values().filter(|subscription| {
            let row = known.get(subscription.id.as_str());
            row.is_none_or(|(_, row)| has_drifted(subscription, row) || is_overdue(row, at))
        });
        let changed = changed.map(|subscription| subscription.customer_id.clone());
        Ok(changed.filter(|customer| ours.contains(customer)).chain(gone).collect())
    }
}

/// What differed for whom, each beginning with the customer.
fn sentences(missed: &[Event], drifted: &BTreeSet<String>) -> Vec<String> {
    let of_customer = |event: &Event| {
        let customer_id = event.customer_id.as_deref()?;
        Some(format!("{customer_id}: {} had not arrived", event.kind))
    };
    let drifted = drifted.iter().map(|customer_id| format!("{customer_id}: not as Stripe has it"));
    missed.iter().filter_map(of_customer).chain(drifted).take(MOST_SENTENCES).collect()
}

fn is_live(row: &SubscriptionRow) -> bool {
    row.dunning().is_some_and(|dunning| dunning.status.is_live())
}

fn has_drifted(subscription: &Subscription, row: &SubscriptionRow) -> bool {
    let metered = subscription.metered.as_ref().map(|metered| metered.id.clone());
    let there = (subscription.status.to_string(), subscription.price.amount_cents, subscription.ends_at);
    let period = (subscription.period_start, subscription.period_end);
    metered != row.metered_item_id
        || there != (row.status.clone(), row.amount_cents, row.ends_at)
        || period != (row.period_start, row.period_end)
}

/// A month's credit of a year should have been given for longer than jobs take.
fn is_overdue(row: &SubscriptionRow, at: DateTime<Utc>) -> bool {
    row.interval == "year"
        && is_paid_for(&row.status)
        && row.credit_resets_at.is_some_and(|due| due + WAITING <= at)
}
