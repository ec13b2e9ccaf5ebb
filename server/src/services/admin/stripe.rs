//! What Stripe told us, and how its books and ours compare.

use app::api::admin::StripeApi;
use app::types::{AuditKind, EntryId, EventsPage, EventsQuery, Operator, StripeEventDetail, StripeReport};
use app::{ApiError, ApiResult};
use async_trait::async_trait;

use super::page;
use crate::AppResult;
use crate::error::reported;
use crate::services::billing::Cashier;
use crate::store::audit::NewAuditEvent;
use crate::store::{Db, event_reports, meter_events, money_back};

/// Comparisons that are shown.
const COMPARISONS: i64 = 20;

/// Refused usage, and refunds and disputes, that are shown: the newest of each.
const ROWS: i64 = 50;

#[derive(Clone)]
pub struct StripeService {
    db: Db,
    /// None: nothing can be bought here.
    cashier: Option<Cashier>,
}

impl StripeService {
    pub fn new(db: Db, cashier: Option<Cashier>) -> Self {
        Self { db, cashier }
    }

    async fn report(&self) -> AppResult<StripeReport> {
        let mut conn = self.db.get().await?;
        Ok(StripeReport {
            inbox: event_reports::read_inbox(&mut conn).await?,
            meter: event_reports::read_meter(&mut conn).await?,
            comparisons: event_reports::list_comparisons(&mut conn, COMPARISONS).await?,
            refused_usage: event_reports::list_refused_usage(&mut conn, ROWS).await?,
            money_back: money_back::list(&mut conn, ROWS).await?,
        })
    }

    async fn events(&self, query: EventsQuery) -> AppResult<EventsPage> {
        let rows = event_reports::list(&mut *self.db.get().await?, &query, page::READ).await?;
        let (events, next) = page::cut(rows, |event| event.received_at);
        Ok(EventsPage { events, next })
    }

    async fn event(&self, id: &str) -> AppResult<StripeEventDetail> {
        Ok(event_reports::read(&mut *self.db.get().await?, id).await?)
    }

    async fn resend(&self, id: EntryId, by: NewAuditEvent<'_>) -> AppResult<()> {
        match meter_events::revive(&mut *self.db.get().await?, id.0, by).await? {
            true => Ok(()),
            false => Err(ApiError::invalid("This is not refused any more.").into()),
        }
    }

    fn cashier(&self) -> AppResult<&Cashier> {
        let nothing = || ApiError::invalid("Stripe is not configured here.");
        Ok(self.cashier.as_ref().ok_or_else(nothing)?)
    }
}

#[async_trait]
impl StripeApi for StripeService {
    async fn read_report(&self, operator: &Operator) -> ApiResult<StripeReport> {
        reported(operator.actor(), self.report()).await
    }

    async fn list_events(&self, operator: &Operator, query: EventsQuery) -> ApiResult<EventsPage> {
        reported(operator.actor(), self.events(query)).await
    }

    async fn read_event(&self, operator: &Operator, id: &str) -> ApiResult<StripeEventDetail> {
        reported(operator.actor(), self.event(id)).await
    }

    async fn replay_event(&self, operator: &Operator, id: &str) -> ApiResult<()> {
        let by = NewAuditEvent::by(operator, AuditKind::StripeEventReplayed);
        reported(operator.actor(), async { self.cashier()?.replay(id, by).await }).await
    }

    async fn resend_usage(&self, operator: &Operator, id: EntryId) -> ApiResult<()> {
        let by = NewAuditEvent::by(operator, AuditKind::UsageResent);
        reported(operator.actor(), self.resend(id, by)).await
    }

    async fn reconcile(&self, operator: &Operator) -> ApiResult<()> {
        let by = NewAuditEvent::by(operator, AuditKind::ReconciliationRequested);
        reported(operator.actor(), async { self.cashier()?.ask_to_reconcile(by).await }).await
    }
}
