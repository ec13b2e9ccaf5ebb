//! Another plan or interval, the end of a subscription, and taking that back.

use app::ApiError;
use app::api::NextUrl;
use app::links::BILLING_PATH;
use app::types::{AccountId, Interval};

use super::Cashier;
use crate::AppResult;
use crate::providers::stripe::{StripeError, Subscription};

/// When a change of plan happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Now,
    AtPeriodEnd,
}

impl Cashier {
    /// What gives more happens at once and is paid at once. Where the bank wants to be asked, or another card is needed, it
    /// is paid on Stripe's page, which the answer leads to: until then nothing changes. What gives less, or is paid more
    /// often, happens at the end of the period that is paid for. Nothing does while a payment is due, or while something
    /// else is planned: an upgrade that is not paid in the end would have taken that back.
    pub(super) async fn change_plan(
        &self,
        account_id: AccountId,
        key: &str,
        interval: Interval,
    ) -> AppResult<NextUrl> {
        let price = self.plans.find_price(key, interval).ok_or(ApiError::NotFound)?;
        let price_id = self.price_id(&price.lookup_key).await?;
        let (customer_id, subscription) = self.subscription_of(account_id).await?;
        if subscription.status.is_due() {
            let text = "A payment is due. Pay it first; after that, the plan can be changed.";
            return Err(ApiError::invalid(text).into());
        }
        let mut page_to_pay = None;
        if subscription.pending_price_id() == Some(price_id.as_str()) {
            page_to_pay = self.pending_page(&subscription).await?;
        } else if subscription.planned_price_id() != Some(price_id.as_str()) {
            require_nothing_planned(&subscription)?;
            // What may be left of an earlier try.
            self.forget_plans(&subscription).await?;
            if subscription.price.id != price_id {
                page_to_pay = self.begin_plan(account_id, &subscription, key, interval, &price_id).await?;
            }
        }
        self.sync_customer(&customer_id).await?;
        Ok(page_to_pay.unwrap_or_else(|| BILLING_PATH.to_owned()))
    }

    /// The answer is where it is to be paid, if it is.
    async fn begin_plan(
        &self,
        account_id: AccountId,
        subscription: &Subscription,
        key: &str,
        interval: Interval,
        price_id: &str,
    ) -> AppResult<Option<NextUrl>> {
        let metered = subscription.metered.as_ref().filter(|_| interval == Interval::Year);
        if metered.is_some() {
            self.require_no_overage(account_id).await?;
        }
        if self.when(subscription, key, interval).await? == When::AtPeriodEnd {
            self.stripe.schedule_price(subscription, price_id, interval).await?;
            return Ok(None);
        }
        if let Some(metered) = metered {
            // It is billed monthly. Apart, because nothing else can wait with a price for its payment.
            self.stripe.remove_metered_item(subscription, &metered.id).await?;
        }
        Ok(self.stripe.change_price(subscription, price_id).await?)
    }

    async fn when(&self, subscription: &Subscription, key: &str, interval: Interval) -> AppResult<When> {
        let prices = self.prices().await?;
        let current = prices.plan_of(&subscription.price.product_id).map(|paid| paid.plan.key.as_str());
        let rank = |key: &str| self.plans.paid().iter().position(|paid| paid.plan.key == key);
        let is_less = current.and_then(rank) > rank(key);
        let is_shorter = (subscription.price.interval, interval) == (Some(Interval::Year), Interval::Month);
        Ok(if is_less || is_shorter { When::AtPeriodEnd } else { When::Now })
    }

    pub(super) async fn cancel_subscription(&self, account_id: AccountId) -> AppResult<()> {
        let (customer_id, subscription) = self.subscription_of(account_id).await?;
        if subscription.ends_at.is_none() {
            self.forget_unpaid_change(&subscription).await?;
            if let Some(schedule) = &subscription.schedule {
                // Stripe lets nobody cancel what follows a schedule.
                self.stripe.release_schedule(&schedule.id).await?;
            }
            self.stripe.set_ending(&subscription.id, true).await?;
        }
        self.sync_customer(&customer_id).await
    }

    pub(super) async fn resume_subscription(&self, account_id: AccountId) -> AppResult<()> {
        let (customer_id, subscription) = self.subscription_of(account_id).await?;
        self.forget_plans(&subscription).await?;
        self.sync_customer(&customer_id).await
    }

    /// Takes back what was planned for the end of the period, so that the subscription goes on as it is.
    async fn forget_plans(&self, subscription: &Subscription) -> AppResult<()> {
        self.forget_unpaid_change(subscription).await?;
        if let Some(schedule) = &subscription.schedule {
            self.stripe.release_schedule(&schedule.id).await?;
        }
        if subscription.ends_at.is_some() {
            self.stripe.set_ending(&subscription.id, false).await?;
        }
        Ok(())
    }

    /// A change that waits for its payment can be paid no more, lest it comes on top of what is wanted now.
    async fn forget_unpaid_change(&self, subscription: &Subscription) -> AppResult<()> {
        let invoice = subscription.pending_update.as_ref().and(subscription.latest_invoice_id.as_ref());
        let Some(invoice) = invoice else { return Ok(()) };
        match self.stripe.void_invoice(invoice).await {
            // It was paid this very moment, or has run out.
            Ok(()) | Err(StripeError::Refused(_) | StripeError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Where the change that waits for its payment is paid.
    async fn pending_page(&self, subscription: &Subscription) -> AppResult<Option<NextUrl>> {
        match &subscription.latest_invoice_id {
            Some(invoice) => Ok(self.stripe.invoice_page(invoice).await?),
            None => Ok(None),
        }
    }
}

fn require_nothing_planned(subscription: &Subscription) -> Result<(), ApiError> {
    let planned = match (subscription.ends_at, subscription.planned_price_id()) {
        (Some(_), _) => "Your subscription is cancelled.",
        (None, Some(_)) => "Another change of your plan is planned already.",
        (None, None) => return Ok(()),
    };
    Err(ApiError::invalid(format!("{planned} Take that back first, under Billing; then choose again.")))
}
