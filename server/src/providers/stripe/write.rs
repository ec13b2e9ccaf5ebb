//! What Stripe is asked to change. Every call has a key by which Stripe knows it again, and is tried once more with the
//! same key when no answer came.

use std::collections::HashMap;

use app::types::{Interval, PortalPage};
use chrono::{DateTime, Utc};
use miniserde::Deserialize;
use sha2::{Digest, Sha256};
use stripe::{IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_billing::billing_portal_session::{
    CreateBillingPortalSession, CreateBillingPortalSessionFlowData, CreateBillingPortalSessionFlowDataType,
};
use stripe_billing::invoice::{FinalizeInvoiceInvoice, RetrieveInvoice, VoidInvoiceInvoice};
use stripe_billing::subscription::{
    CancelSubscription, UpdateSubscription, UpdateSubscriptionItems, UpdateSubscriptionPaymentBehavior,
    UpdateSubscriptionProrationBehavior,
};
use stripe_billing::subscription_schedule::{
    CreateSubscriptionSchedule, ReleaseSubscriptionSchedule, UpdateSubscriptionSchedule,
    UpdateSubscriptionSchedulePhases, UpdateSubscriptionSchedulePhasesBillingCycleAnchor,
    UpdateSubscriptionSchedulePhasesDuration, UpdateSubscriptionSchedulePhasesDurationInterval,
    UpdateSubscriptionSchedulePhasesEndDate, UpdateSubscriptionSchedulePhasesItems,
    UpdateSubscriptionSchedulePhasesProrationBehavior, UpdateSubscriptionSchedulePhasesStartDate,
};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, ExpireCheckoutSession,
};
use stripe_core::customer::{CreateCustomer, DeleteCustomer};
use stripe_product::price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval};
use stripe_product::product::{CreateProduct, RetrieveProduct};
use stripe_shared::{CheckoutSessionMode, InvoiceStatus, SubscriptionScheduleEndBehavior};
use uuid::Uuid;

use super::{Checkout, Price, Stripe, StripeError, StripeResult, Subscription};

/// A page to pay, as it is asked for.
#[derive(Clone, Debug)]
pub struct CheckoutRequest {
    pub customer_id: String,
    pub account_id: String,
    pub price_id: String,
    /// The key of a pack and its credit in nano-dollars. None: a subscription.
    pub pack: Option<(String, i64)>,
    /// With `{CHECKOUT_SESSION_ID}` where Stripe puts the page's id.
    pub success_url: String,
    pub cancel_url: String,
}

/// A price to be made.
#[derive(Clone, Debug)]
pub struct NewPrice {
    pub product_id: String,
    pub lookup_key: String,
    pub amount_cents: u32,
    /// None: paid once.
    pub interval: Option<Interval>,
}

impl Stripe {
    /// The customer for an account, made once however often this is called with the same number and address.
    pub async fn create_customer(
        &self,
        account_id: &str,
        number: i64,
        email: Option<&str>,
    ) -> StripeResult<String> {
        // Stripe takes a key with one request only, and wants no addresses in it.
        let address = format!("{:x}", Sha256::digest(email.unwrap_or_default()));
        let mut request = CreateCustomer::new().metadata(metadata(&[("account_id", account_id)]));
        if let Some(email) = email {
            request = request.email(email);
        }
        Ok(self.send(&request, &format!("customer:{account_id}:{number}:{address}")).await?.id.to_string())
    }

    /// Deletes a customer for good, with its cards, and ends what it subscribes to.
    ///
    /// # Errors
    /// Not found: it is deleted already, or was never there.
    pub async fn delete_customer(&self, id: &str) -> StripeResult<()> {
        self.send(&DeleteCustomer::new(id), &new_key()).await?;
        Ok(())
    }

    pub async fn create_checkout(&self, request: &CheckoutRequest) -> StripeResult<Checkout> {
        let line = CreateCheckoutSessionLineItems {
            price: Some(request.price_id.clone()),
            quantity: Some(1),
            ..CreateCheckoutSessionLineItems::new()
        };
        let mut fields = metadata(&[("account_id", &request.account_id)]);
        let mode = match &request.pack {
            None => CheckoutSessionMode::Subscription,
            Some((key, credit)) => {
                fields.extend(metadata(&[("pack", key), ("credit_nanos", &credit.to_string())]));
                CheckoutSessionMode::Payment
            }
        };
        let session = CreateCheckoutSession::new()
            .mode(mode)
            .customer(&request.customer_id)
            .client_reference_id(&request.account_id)
            .line_items([line])
            .metadata(fields)
            .success_url(&request.success_url)
            .cancel_url(&request.cancel_url);
        Ok(self.send(&session, &new_key()).await?.into())
    }

    /// Closes a page to pay.
    ///
    /// # Errors
    /// Refused: it is not open any more.
    pub async fn expire_checkout(&self, id: &str) -> StripeResult<()> {
        self.send(&ExpireCheckoutSession::new(id), &new_key()).await?;
        Ok(())
    }

    /// Changes what is subscribed to, and has the difference paid, at once. Where the bank or the card does not allow
    /// that, nothing changes until the difference is paid: on the page whose address is the answer, within a day.
    ///
    /// <https://docs.stripe.com/billing/subscriptions/pending-updates>
    pub async fn change_price(
        &self,
        subscription: &Subscription,
        price_id: &str,
    ) -> StripeResult<Option<String>> {
        let item = UpdateSubscriptionItems {
            id: Some(subscription.item_id.clone()),
            price: Some(price_id.to_owned()),
            ..UpdateSubscriptionItems::new()
        };
        let request = UpdateSubscription::new(subscription.id.as_str())
            .items([item])
            .payment_behavior(UpdateSubscriptionPaymentBehavior::PendingIfIncomplete)
            .proration_behavior(UpdateSubscriptionProrationBehavior::AlwaysInvoice);
        let changed = self.send(&request, &new_key()).await?;
        let invoice = changed.latest_invoice.filter(|_| changed.pending_update.is_some());
        let Some(invoice) = invoice.and_then(|invoice| invoice.into_id()) else { return Ok(None) };
        self.invoice_page(invoice.as_str()).await
    }

    /// Where an invoice is paid; a draft is made final for that. None: there is nothing to pay any more.
    pub async fn invoice_page(&self, id: &str) -> StripeResult<Option<String>> {
        let mut invoice = RetrieveInvoice::new(id).send(&self.client).await?;
        if invoice.status == Some(InvoiceStatus::Draft) {
            invoice = match self.send(&FinalizeInvoiceInvoice::new(id), &new_key()).await {
                // It has been made final this very moment.
                Err(StripeError::Refused(_)) => RetrieveInvoice::new(id).send(&self.client).await?,
                finalized => finalized?,
            };
        }
        Ok(invoice.hosted_invoice_url.filter(|_| invoice.status == Some(InvoiceStatus::Open)))
    }

    /// Makes an invoice that is open worth nothing; a change that waits for it is not made.
    ///
    /// # Errors
    /// Refused: it is not open any more.
    pub async fn void_invoice(&self, id: &str) -> StripeResult<()> {
        self.send(&VoidInvoiceInvoice::new(id), &new_key()).await?;
        Ok(())
    }

    /// Lets a subscription end with its period, or go on after all.
    pub async fn set_ending(&self, subscription_id: &str, is_ending: bool) -> StripeResult<()> {
        let request = UpdateSubscription::new(subscription_id).cancel_at_period_end(is_ending);
        self.send(&request, &new_key()).await?;
        Ok(())
    }

    /// Ends a subscription at once.
    pub async fn end_subscription(&self, id: &str) -> StripeResult<()> {
        self.send(&CancelSubscription::new(id), &new_key()).await?;
        Ok(())
    }

    /// Plans another price from the end of the period on.
    pub async fn schedule_price(
        &self,
        subscription: &Subscription,
        price_id: &str,
        interval: Interval,
    ) -> StripeResult<()> {
        let request = CreateSubscriptionSchedule::new().from_subscription(&subscription.id);
        let schedule = self.send(&request, &new_key()).await?;
        let metered = subscription.metered.as_ref().map(|metered| metered.price_id.as_str());
        let start =
            schedule.current_phase.map_or(subscription.period_start.timestamp(), |phase| phase.start_date);
        let now = UpdateSubscriptionSchedulePhases {
            start_date: Some(UpdateSubscriptionSchedulePhasesStartDate::Timestamp(start)),
            end_date: Some(end_date(subscription.period_end)),
            ..phase(&subscription.price.id, metered)
        };
        let is_other_interval = subscription.price.interval != Some(interval);
        let next = UpdateSubscriptionSchedulePhases {
            // Else Stripe keeps the old period's day of the year, and collects nothing until then.
            billing_cycle_anchor: is_other_interval
                .then_some(UpdateSubscriptionSchedulePhasesBillingCycleAnchor::PhaseStart),
            duration: Some(UpdateSubscriptionSchedulePhasesDuration::new(match interval {
                Interval::Month => UpdateSubscriptionSchedulePhasesDurationInterval::Month,
                Interval::Year => UpdateSubscriptionSchedulePhasesDurationInterval::Year,
            })),
            ..phase(price_id, metered.filter(|_| interval == Interval::Month))
        };
        let request = UpdateSubscriptionSchedule::new(schedule.id.clone())
            .end_behavior(SubscriptionScheduleEndBehavior::Release)
            .phases([now, next]);
        let planned = self.send(&request, &new_key()).await;
        if planned.is_err() {
            // A schedule without a plan would only stand in the way of the next change.
            self.release_schedule(schedule.id.as_str()).await?;
        }
        planned.map(|_| ())
    }

    /// Forgets a planned change.
    pub async fn release_schedule(&self, id: &str) -> StripeResult<()> {
        self.send(&ReleaseSubscriptionSchedule::new(id), &new_key()).await?;
        Ok(())
    }

    /// The address of Stripe's page about a customer's subscription, invoices and cards.
    pub async fn create_portal(
        &self,
        customer_id: &str,
        page: PortalPage,
        return_url: &str,
    ) -> StripeResult<String> {
        let mut request = CreateBillingPortalSession::new().customer(customer_id).return_url(return_url);
        if page != PortalPage::Overview {
            let flow = CreateBillingPortalSessionFlowDataType::PaymentMethodUpdate;
            request = request.flow_data(CreateBillingPortalSessionFlowData::new(flow));
        }
        Ok(self.send(&request, &new_key()).await?.url)
    }

    /// Makes a product unless it is there. True: it is new.
    pub async fn ensure_product(&self, id: &str, name: &str) -> StripeResult<bool> {
        match RetrieveProduct::new(id).send(&self.client).await.map_err(StripeError::from) {
            Ok(_) => return Ok(false),
            Err(StripeError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        self.send(&CreateProduct::new(name).id(id), &new_key()).await?;
        Ok(true)
    }

    /// Makes a price, which takes its lookup key over from the one that had it.
    pub async fn create_price(&self, new: &NewPrice) -> StripeResult<Price> {
        let mut request = CreatePrice::new(stripe_types::Currency::USD)
            .product(&new.product_id)
            .unit_amount(i64::from(new.amount_cents))
            .lookup_key(&new.lookup_key)
            .transfer_lookup_key(true);
        if let Some(interval) = new.interval {
            request = request.recurring(CreatePriceRecurring::new(match interval {
                Interval::Month => CreatePriceRecurringInterval::Month,
                Interval::Year => CreatePriceRecurringInterval::Year,
            }));
        }
        Ok(self.send(&request, &new_key()).await?.into())
    }

    pub(super) async fn send<R>(&self, request: &R, key: &str) -> StripeResult<R::Output>
    where
        R: StripeRequest,
        R::Output: Deserialize,
    {
        let key = IdempotencyKey::new(key).map_err(|error| StripeError::Refused(error.to_string()))?;
        let send = || async {
            let strategy = RequestStrategy::Idempotent(key.clone());
            request.customize().request_strategy(strategy).send(&self.client).await.map_err(StripeError::from)
        };
        match send().await {
            Err(StripeError::Unavailable(_)) => send().await,
            result => result,
        }
    }
}

pub(super) fn new_key() -> String {
    Uuid::now_v7().to_string()
}

fn metadata(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn end_date(at: DateTime<Utc>) -> UpdateSubscriptionSchedulePhasesEndDate {
    UpdateSubscriptionSchedulePhasesEndDate::Timestamp(at.timestamp())
}

fn phase(price_id: &str, metered_price_id: Option<&str>) -> UpdateSubscriptionSchedulePhases {
    let item = UpdateSubscriptionSchedulePhasesItems {
        price: Some(price_id.to_owned()),
        quantity: Some(1),
        ..UpdateSubscriptionSchedulePhasesItems::new()
    };
    let metered = metered_price_id.map(|price_id| UpdateSubscriptionSchedulePhasesItems {
        price: Some(price_id.to_owned()),
        ..UpdateSubscriptionSchedulePhasesItems::new()
    });
    let items: Vec<_> = std::iter::once(item).chain(metered).collect();
    UpdateSubscriptionSchedulePhases {
        proration_behavior: Some(UpdateSubscriptionSchedulePhasesProrationBehavior::None),
        ..UpdateSubscriptionSchedulePhases::new(items)
    }
}
