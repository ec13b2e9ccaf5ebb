//! What Stripe told us, and how its books and ours compare.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, operate};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::Operator;
use crate::types::{EntryId, EventsPage, EventsQuery, StripeEventDetail, StripeReport};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait StripeApi: Send + Sync {
    async fn read_report(&self, operator: &Operator) -> ApiResult<StripeReport>;
    async fn list_events(&self, operator: &Operator, query: EventsQuery) -> ApiResult<EventsPage>;
    async fn read_event(&self, operator: &Operator, id: &str) -> ApiResult<StripeEventDetail>;
    /// Has what the event may have changed read from Stripe once more.
    async fn replay_event(&self, operator: &Operator, id: &str) -> ApiResult<()>;
    /// Lets usage that Stripe's meter has refused be sent again; invalid for what is not refused.
    async fn resend_usage(&self, operator: &Operator, id: EntryId) -> ApiResult<()>;
    /// Has everything compared with Stripe now, not at the next full hour.
    async fn reconcile(&self, operator: &Operator) -> ApiResult<()>;
}

#[server(endpoint = "admin/stripe/read_report")]
pub async fn read_stripe_report() -> ApiResult<StripeReport> {
    let (backend, operator) = operate()?;
    answer(backend.stripe.read_report(&operator).await)
}

#[server(endpoint = "admin/stripe/list_events")]
pub async fn list_stripe_events(#[server(default)] query: EventsQuery) -> ApiResult<EventsPage> {
    let (backend, operator) = operate()?;
    answer(backend.stripe.list_events(&operator, query).await)
}

#[server(endpoint = "admin/stripe/read_event")]
pub async fn read_stripe_event(id: String) -> ApiResult<StripeEventDetail> {
    let (backend, operator) = operate()?;
    answer(backend.stripe.read_event(&operator, &id).await)
}

#[server(endpoint = "admin/stripe/replay_event")]
pub async fn replay_stripe_event(id: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.stripe.replay_event(&operator, &id).await)
}

#[server(endpoint = "admin/stripe/resend_usage")]
pub async fn resend_usage(id: EntryId) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.stripe.resend_usage(&operator, id).await)
}

#[server(endpoint = "admin/stripe/reconcile")]
pub async fn reconcile_with_stripe() -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.stripe.reconcile(&operator).await)
}
