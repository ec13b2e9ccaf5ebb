//! Comparing everything with Stripe, and repairing what webhooks have missed.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;

use super::findings::is_paid_for;
use super::inbox::job_of;
use super::{Cashier, SyncJob};
use crate::AppResult;
use crate::providers::stripe::{Event, Subscription, WEBHOOK_EVENTS};
use crate::store::audit::NewAuditEvent;
use crate::store::clock::now;
use crate::store::jobs::NewJob;
use crate::store::subscriptions::SubscriptionRow;
use crate::store::{StoreError, accounts, jobs, stripe_events, subscriptions};

/// For so long Stripe keeps events.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Clocks differ, and events take a moment to be listed.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// What happened so recently may still come by webhook: it is kept, but was not missed.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(5);

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

    /// Looks for subscriptions that are not as they were written down, fetches the events that no webhook has brought since
    /// the last time, and has all customers concerned read anew.
    ///
    /// # Errors
    /// When Stripe or the database is away: what was found before that is repaired all the same.
    pub async fn reconcile(&self) -> AppResult<()> {
        let (started_at, since) = {
            let mut conn = self.db.get().await?;
            let at = now(&mut conn).await?;
            let last = stripe_events::last_reconciliation(&mut conn).await?;
            (at, last.map_or(at - KEPT, |last| last - OVERLAP).max(at - KEPT))
        };
        // First, because after a long outage there may be more events than there is time for.
        let drifted = self.repair_drift(started_at).await;
        let missed = self.fetch_events(since, started_at).await;
        let (drifted, missed) = (drifted?, missed?);
        let told = sentences(&missed.sentences, &drifted);
        let mut conn = self.db.get().await?;
        stripe_events::record_reconciliation(&mut conn, started_at, missed.count, drifted.len(), &told)
            .await?;
        if missed.count + drifted.len() > 0 {
            tracing::warn!(
                missed_events = missed.count,
                drifted_customers = drifted.len(),
                "Webhooks have missed something; it is being repaired"
            );
        }
        Ok(())
    }

    /// Has everybody read anew whose subscription has drifted, or of whom something has waited for too long.
    async fn repair_drift(&self, at: DateTime<Utc>) -> AppResult<BTreeSet<String>> {
        let drifted = self.drifted_customers(at).await?;
        let mut conn = self.db.get().await?;
        let waiting = stripe_events::list_waiting(&mut conn, WAITING).await?;
        let waiting = waiting.into_iter().map(Event::from_payload).filter_map(|event| job_of(&event));
        let drift = drifted.iter().map(|customer_id| SyncJob::of_customer(customer_id));
        for job in drift.chain(waiting) {
            jobs::enqueue_behind(&mut conn, &job).await.map_err(StoreError::from)?;
        }
        Ok(drifted)
    }

    /// Keeps what no webhook has brought, page by page: what an attempt that is broken off has kept stays, and no more than a
    /// page is held in memory.
    async fn fetch_events(&self, since: DateTime<Utc>, at: DateTime<Utc>) -> AppResult<Missed> {
        let mut missed = Missed::default();
        let mut pages = pin!(self.stripe.events(&WEBHOOK_EVENTS, since));
        while let Some(page) = pages.try_next().await? {
            // Apart, so that its connection is given back before the next one is asked for.
            let unknown = stripe_events::list_unknown(&mut *self.db.get().await?, page).await?;
            for event in unknown {
                if self.keep(&event).await? && !may_be_under_way(&event, at) {
                    missed.add(&event);
                }
            }
        }
        Ok(missed)
    }

    /// The customers of ours whose subscription is not as it was written down.
    async fn drifted_customers(&self, at: DateTime<Utc>) -> AppResult<BTreeSet<String>> {
        let known = subscriptions::list_all(&mut *self.db.get().await?).await?;
        let known: BTreeMap<_, _> =
            known.iter().map(|(customer, row)| (row.id.as_str(), (customer, row))).collect();
        let live = known.iter().filter(|(_, (_, row))| is_live(row));
        let mut gone: BTreeMap<_, _> = live.map(|(id, (customer, _))| (*id, (*customer).clone())).collect();
        let mut changed = BTreeSet::new();
        let mut pages = pin!(self.stripe.live_subscriptions());
        while let Some(page) = pages.try_next().await? {
            for subscription in page {
                gone.remove(subscription.id.as_str());
                let row = known.get(subscription.id.as_str());
                if row.is_none_or(|(_, row)| has_drifted(&subscription, row) || is_overdue(row, at)) {
                    changed.insert(subscription.customer_id);
                }
            }
        }
        let among: Vec<_> = changed.iter().map(String::as_str).collect();
        let ours = accounts::list_customers(&mut *self.db.get().await?, &among).await?;
        Ok(changed.into_iter().filter(|customer| ours.contains(customer)).chain(gone.into_values()).collect())
    }
}

/// What webhooks have not brought.
#[derive(Debug, Default)]
struct Missed {
    count: usize,
    /// Of the newest, each beginning with the customer.
    sentences: Vec<String>,
}

impl Missed {
    fn add(&mut self, event: &Event) {
        self.count += 1;
        if let Some(customer_id) = &event.customer_id
            && self.sentences.len() < MOST_SENTENCES
        {
            self.sentences.push(format!("{customer_id}: {} had not arrived", event.kind));
        }
    }
}

fn may_be_under_way(event: &Event, at: DateTime<Utc>) -> bool {
    event.created_at.is_some_and(|created| created + UNDER_WAY > at)
}

/// What differed for whom, each beginning with the customer.
fn sentences(missed: &[String], drifted: &BTreeSet<String>) -> Vec<String> {
    let drifted = drifted.iter().map(|customer_id| format!("{customer_id}: not as Stripe has it"));
    missed.iter().cloned().chain(drifted).take(MOST_SENTENCES).collect()
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
