//! Changing, ending and resuming a subscription.

use app::ApiError;
use app::api::NextUrl;
use app::links::BILLING_PATH;
use app::types::{AccountId, Interval, PortalPage};

use super::Cashier;
use crate::AppResult;
use crate::providers::stripe::{StripeError, Subscription};
use crate::store::{accounts, subscriptions};

/// When a change of plan happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Now,
    AtPeriodEnd,
}

impl Cashier {
    /// What gives more happens at once and is paid at once. Where the bank wants to be asked, or another card is needed, it
    /// is paid on Stripe's page, which the answer leads to: until then nothing changes. What gives less, or is paid more
    /// often, happens at the end of the period that is paid for. Nothing does while a payment is due.
    pub async fn change_plan(
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
        if interval == Interval::Year && subscription.metered.is_some() {
            self.require_no_overage(account_id).await?;
        }
        // Whatever was planned before is not wanted any more.
        self.forget_plans(&subscription).await?;
        let mut page_to_pay = None;
        if subscription.price.id != price_id {
            match self.when(&subscription, key, interval).await? {
                When::Now => {
                    if let Some(metered) =
                        subscription.metered.as_ref().filter(|_| interval == Interval::Year)
                    {
                        // It is billed monthly. Apart, because nothing else can wait with a price for its payment.
                        self.stripe.remove_metered_item(&subscription, &metered.id).await?;
                    }
                    page_to_pay = self.stripe.change_price(&subscription, &price_id).await?;
                }
                When::AtPeriodEnd => self.stripe.schedule_price(&subscription, &price_id, interval).await?,
            }
        }
        self.sync_customer(&customer_id).await?;
        Ok(page_to_pay.unwrap_or_else(|| BILLING_PATH.to_owned()))
    }

    async fn when(&self, subscription: &Subscription, key: &str, interval: Interval) -> AppResult<When> {
        let prices = self.prices().await?;
        let current = prices.plan_of(&subscription.price.product_id).map(|paid| paid.plan.key.as_str());
        let rank = |key: &str| self.plans.paid().iter().position(|paid| paid.plan.key == key);
        let is_less = current.and_then(rank) > rank(key);
        let is_shorter = (subscription.price.interval, interval) == (Some(Interval::Year), Interval::Month);
        Ok(if is_less || is_shorter { When::AtPeriodEnd } else { When::Now })
    }

    pub async fn cancel_subscription(&self, account_id: AccountId) -> AppResult<()> {
        let (customer_id, subscription) = self.subscription_of(account_id).await?;
        self.forget_unpaid_change(&subscription).await?;
        if let Some(schedule) = &subscription.schedule {
            // Stripe lets nobody cancel what follows a schedule.
            self.stripe.release_schedule(&schedule.id).await?;
        }
        self.stripe.set_ending(&subscription.id, true).await?;
        self.sync_customer(&customer_id).await
    }

    pub async fn resume_subscription(&self, account_id: AccountId) -> AppResult<()> {
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
        let invoice = subscription.latest_invoice_id.as_ref().filter(|_| subscription.has_pending_update);
        let Some(invoice) = invoice else { return Ok(()) };
        match self.stripe.void_invoice(invoice).await {
            // It was paid this very moment, or has run out.
            Ok(()) | Err(StripeError::Refused(_) | StripeError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn open_portal(&self, account_id: AccountId, page: PortalPage) -> AppResult<NextUrl> {
        if page == PortalPage::UnpaidInvoice
            && let Some(url) = self.unpaid_invoice_url(account_id).await?
        {
            return Ok(url);
        }
        let customer_id = accounts::find_customer(&mut *self.db.get().await?, account_id).await?;
        let customer_id = customer_id.ok_or_else(no_subscription)?;
        Ok(self.stripe.create_portal(&customer_id, page, &self.url(BILLING_PATH)).await?)
    }

    /// Where the newest invoice that waits for its payment is paid.
    async fn unpaid_invoice_url(&self, account_id: AccountId) -> AppResult<Option<String>> {
        let invoices = subscriptions::list_invoices(&mut *self.db.get().await?, account_id).await?;
        Ok(invoices.into_iter().find(|invoice| invoice.status == "open").and_then(|invoice| invoice.url))
    }

    /// The account's customer and its live subscription, as Stripe has it now.
    pub(super) async fn subscription_of(&self, account_id: AccountId) -> AppResult<(String, Subscription)> {
        let customer_id = accounts::find_customer(&mut *self.db.get().await?, account_id).await?;
        let customer_id = customer_id.ok_or_else(no_subscription)?;
        let subscription = self.live_subscription(&customer_id).await?.ok_or_else(no_subscription)?;
        Ok((customer_id, subscription))
    }
}

fn no_subscription() -> ApiError {
    ApiError::invalid("There is no subscription to change. Choose a plan first.")
}
