//! Telling Stripe's meter what was used beyond credit: out of an outbox, in the order in which it was posted, again until
//! it is taken, and counted once whatever happens between sending and noting that.

use chrono::{DurationRound, TimeDelta};
use futures::{StreamExt, stream};
use uuid::Uuid;

use super::Cashier;
use crate::config::OveragePrice;
use crate::providers::stripe::{StripeError, Usage};
use crate::store::meter_events::{self, MeterEvent};
use crate::{AppError, AppResult};

const BATCH: i64 = 100;

/// Stripe takes a thousand events a second; this many requests are under way at a time.
const CONCURRENCY: usize = 8;

impl Cashier {
    /// Sends what waits. One that Stripe refuses for good is noted, and keeps no other from going.
    ///
    /// # Errors
    /// When Stripe is away: what is left goes the next time.
    pub async fn export_meter(&self) -> AppResult<()> {
        let Some(overage) = self.plans.overage() else { return Ok(()) };
        let mut after = Uuid::nil();
        loop {
            let batch = meter_events::begin_batch(&mut *self.db.get().await?, after, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(()) };
            after = last.id;
            let (old, fresh): (Vec<_>, Vec<_>) = batch.into_iter().partition(|event| event.may_be_forgotten);
            let send = |event: MeterEvent| async move { self.send(overage, &event).await };
            let sent: Vec<_> = stream::iter(fresh).map(send).buffer_unordered(CONCURRENCY).collect().await;
            sent.into_iter().collect::<AppResult<()>>()?;
            // One after another: each is told from what was counted before.
            for event in &old {
                self.send_unless_counted(overage, event).await?;
            }
        }
    }

    async fn send(&self, overage: &OveragePrice, event: &MeterEvent) -> AppResult<()> {
        let usage = Usage {
            event_name: &overage.event_name,
            identifier: event.id.to_string(),
            customer_id: &event.customer_id,
            value: event.units,
            at: event.occurred_at,
        };
        let result = self.stripe.report_usage(&usage).await;
        match result {
            // A connection is asked for only now: none is held while Stripe is.
            Ok(()) => Ok(meter_events::mark_sent(&*self.db.get().await?, event.id).await?),
            Err(error) => self.note_failure(event, error).await,
        }
    }

    /// # Errors
    /// When trying again may help: nothing else is to be tried now.
    async fn note_failure(&self, event: &MeterEvent, error: StripeError) -> AppResult<()> {
        let (text, is_final) = (error.to_string(), !matches!(error, StripeError::Unavailable(_)));
        meter_events::note_failure(&*self.db.get().await?, event.id, &text, is_final).await?;
        if !is_final {
            return Err(error.into());
        }
        tracing::error!(ledger_entry.id = %event.id, %error, "Stripe's meter refuses overage: it is not billed");
        Ok(())
    }

    /// Stripe may have taken it and forgotten its identifier since: the minute it is of tells whether it was counted.
    async fn send_unless_counted(&self, overage: &OveragePrice, event: &MeterEvent) -> AppResult<()> {
        let minute = TimeDelta::minutes(1);
        let start = event.occurred_at.duration_trunc(minute).unwrap_or(event.occurred_at);
        let end = start + minute;
        let meter_id = self.meter_id(overage).await?;
        let there = match self.stripe.read_usage(&meter_id, &event.customer_id, start, end).await {
            Ok(there) => there,
            Err(error) => return self.note_failure(event, error).await,
        };
        let conn = self.db.get().await?;
        let sent = meter_events::sum_sent(&conn, event.account_id(), start, end).await?;
        if there >= sent + event.units {
            return Ok(meter_events::mark_sent(&conn, event.id).await?);
        }
        drop(conn);
        self.send(overage, event).await
    }

    pub(super) async fn meter_id(&self, overage: &OveragePrice) -> AppResult<String> {
        let prices = self.prices().await?;
        if let Some(metered) = prices.overage().and_then(|price| price.metered.as_ref()) {
            return Ok(metered.meter_id.clone());
        }
        let lookup_key = &overage.lookup_key;
        Err(AppError::from(StripeError::NotFound(format!("{lookup_key}; `plumbline stripe sync` makes it"))))
    }
}
