//! What can be bought, and the subscription.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, call};
#[cfg(feature = "ssr")]
use crate::ApiError;
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::links::BILLING_PATH;
#[cfg(feature = "ssr")]
use crate::types::{Actor, Nanos};
use crate::types::{Billing, CheckoutOutcome, Interval, Offers, PortalPage, Standing};

/// What a person wants to buy.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckoutItem {
    Plan { key: String, interval: Interval },
    Pack { key: String },
}

/// Where a person is sent next: a page of Stripe's, or one of ours.
#[cfg(feature = "ssr")]
pub type NextUrl = String;

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait BillingApi: Send + Sync {
    /// Also for people who have not signed in.
    async fn list_offers(&self) -> ApiResult<Offers>;
    async fn read_standing(&self, actor: &Actor) -> ApiResult<Standing>;
    async fn read_billing(&self, actor: &Actor) -> ApiResult<Billing>;
    /// Leads to Stripe's page to pay; for a plan while subscribed, to the page that asks before a change.
    async fn begin_checkout(&self, actor: &Actor, item: CheckoutItem) -> ApiResult<NextUrl>;
    /// How the visit to that page ended. May be asked again and again.
    async fn finish_checkout(&self, actor: &Actor, session_id: String) -> ApiResult<CheckoutOutcome>;
    /// What gives more at once, what gives less at the end of the period. When the difference cannot be paid, nothing
    /// changes. Refused while a payment is due, or while a cancellation or another change is planned.
    async fn change_plan(&self, actor: &Actor, plan_key: String, interval: Interval) -> ApiResult<NextUrl>;
    /// At the end of the period that is paid for.
    async fn cancel_subscription(&self, actor: &Actor) -> ApiResult<()>;
    /// Takes back a cancellation, or a change that waits for the end of the period.
    async fn resume_subscription(&self, actor: &Actor) -> ApiResult<()>;
    /// Lets replies cost up to so much a billing period beyond credit.
    async fn set_overage_cap(&self, actor: &Actor, cap: Nanos) -> ApiResult<()>;
    /// From now on no reply costs more than there is credit.
    async fn stop_overage(&self, actor: &Actor) -> ApiResult<()>;
    async fn open_portal(&self, actor: &Actor, page: PortalPage) -> ApiResult<NextUrl>;
}

#[server(endpoint = "billing/list_offers")]
pub async fn list_offers() -> ApiResult<Offers> {
    let (backend, _) = call()?;
    answer(backend.billing.list_offers().await)
}

#[server(endpoint = "billing/read_standing")]
pub async fn read_standing() -> ApiResult<Standing> {
    let (backend, actor) = call()?;
    answer(backend.billing.read_standing(&actor).await)
}

#[server(endpoint = "billing/read_billing")]
pub async fn read_billing() -> ApiResult<Billing> {
    let (backend, actor) = call()?;
    answer(backend.billing.read_billing(&actor).await)
}

#[server(endpoint = "billing/begin_checkout")]
pub async fn begin_checkout(plan: String, interval: Interval) -> ApiResult<()> {
    let (backend, actor) = call()?;
    let item = CheckoutItem::Plan { key: plan, interval };
    leptos_axum::redirect(&answer(backend.billing.begin_checkout(&actor, item).await)?);
    Ok(())
}

#[server(endpoint = "billing/buy_pack")]
pub async fn buy_pack(pack: String) -> ApiResult<()> {
    let (backend, actor) = call()?;
    let item = CheckoutItem::Pack { key: pack };
    leptos_axum::redirect(&answer(backend.billing.begin_checkout(&actor, item).await)?);
    Ok(())
}

#[server(endpoint = "billing/finish_checkout")]
pub async fn finish_checkout(session: String) -> ApiResult<CheckoutOutcome> {
    let (backend, actor) = call()?;
    answer(backend.billing.finish_checkout(&actor, session).await)
}

#[server(endpoint = "billing/change_plan")]
pub async fn change_plan(plan: String, interval: Interval) -> ApiResult<()> {
    let (backend, actor) = call()?;
    leptos_axum::redirect(&answer(backend.billing.change_plan(&actor, plan, interval).await)?);
    Ok(())
}

#[server(endpoint = "billing/cancel_subscription")]
pub async fn cancel_subscription() -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.billing.cancel_subscription(&actor).await)?;
    leptos_axum::redirect(BILLING_PATH);
    Ok(())
}

#[server(endpoint = "billing/resume_subscription")]
pub async fn resume_subscription() -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.billing.resume_subscription(&actor).await)?;
    leptos_axum::redirect(BILLING_PATH);
    Ok(())
}

/// `amount` is in dollars, as the person wrote it.
#[server(endpoint = "billing/set_overage_cap")]
pub async fn set_overage_cap(amount: String) -> ApiResult<()> {
    let (backend, actor) = call()?;
    let cap = Nanos::parse_dollars(&amount).map_err(|error| ApiError::invalid(error.to_string()));
    answer(backend.billing.set_overage_cap(&actor, answer(cap)?).await)?;
    leptos_axum::redirect(BILLING_PATH);
    Ok(())
}

#[server(endpoint = "billing/stop_overage")]
pub async fn stop_overage() -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.billing.stop_overage(&actor).await)?;
    leptos_axum::redirect(BILLING_PATH);
    Ok(())
}

#[server(endpoint = "billing/open_portal")]
pub async fn open_portal(page: PortalPage) -> ApiResult<()> {
    let (backend, actor) = call()?;
    leptos_axum::redirect(&answer(backend.billing.open_portal(&actor, page).await)?);
    Ok(())
}
