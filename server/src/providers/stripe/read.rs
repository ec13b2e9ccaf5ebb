//! What is asked of Stripe.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use miniserde::json;
use stripe_billing::invoice::ListInvoice;
use stripe_billing::subscription::{ListSubscription, ListSubscriptionStatus};
use stripe_checkout::checkout_session::{ListCheckoutSession, RetrieveCheckoutSession};
use stripe_core::charge::{ListCharge, RetrieveCharge};
use stripe_core::customer::{RetrieveCustomer, RetrieveCustomerReturned};
use stripe_core::dispute::ListDispute;
use stripe_core::event::ListEvent;
use stripe_product::price::ListPrice;
use stripe_shared as api;
use stripe_types::{Expandable, RangeQueryTs};

use super::{
    Charge, Checkout, Customer, Event, Invoice, Price, Stripe, StripeError, StripeResult, Subscription,
    convert,
};

/// The most Stripe gives at once.
const PAGE: i64 = 100;

/// And the most lookup keys it takes at once.
const LOOKUP_KEYS: usize = 10;

fn expand(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

impl Stripe {
    /// Everything about a customer. One that was deleted has nothing.
    pub async fn read_customer(&self, id: &str) -> StripeResult<Customer> {
        let customer = RetrieveCustomer::new(id)
            .expand(expand(&["invoice_settings.default_payment_method"]))
            .send(&self.client)
            .await?;
        let RetrieveCustomerReturned::Customer(customer) = customer else { return Ok(Customer::default()) };
        let method = customer.invoice_settings.and_then(|settings| settings.default_payment_method);
        let method = method.and_then(Expandable::into_object);
        let (subscriptions, invoices, charges, checkouts) = futures::try_join!(
            self.list_subscriptions(id),
            self.list_invoices(id),
            self.list_charges(id),
            self.list_checkouts(id)
        )?;
        let card = method.and_then(|method| convert::card(&method));
        Ok(Customer { card, subscriptions, invoices, charges, checkouts })
    }

    pub async fn list_subscriptions(&self, customer_id: &str) -> StripeResult<Vec<Subscription>> {
        let list = ListSubscription::new()
            .customer(customer_id)
            .status(ListSubscriptionStatus::All)
            .limit(PAGE)
            .expand(expand(&["data.default_payment_method", "data.schedule"]))
            .send(&self.client)
            .await?;
        list.data.into_iter().map(Subscription::try_from).collect()
    }

    /// Of all customers, those that have not ended.
    pub async fn list_live_subscriptions(&self) -> StripeResult<Vec<Subscription>> {
        let list = ListSubscription::new().limit(PAGE).paginate().stream(&self.client);
        let list: Vec<api::Subscription> = list.try_collect().await?;
        list.into_iter().map(Subscription::try_from).collect()
    }

    async fn list_invoices(&self, customer_id: &str) -> StripeResult<Vec<Invoice>> {
        let list = ListInvoice::new()
            .customer(customer_id)
            .limit(PAGE)
            .expand(expand(&["data.payments"]))
            .send(&self.client)
            .await?;
        Ok(list.data.into_iter().map(Invoice::from).collect())
    }

    async fn list_charges(&self, customer_id: &str) -> StripeResult<Vec<Charge>> {
        let list = ListCharge::new()
            .customer(customer_id)
            .limit(PAGE)
            .expand(expand(&["data.refunds"]))
            .send(&self.client)
            .await?;
        let with_disputes = |charge: api::Charge| async move {
            let disputes = match charge.disputed {
                true => {
                    ListDispute::new().charge(charge.id.as_str()).limit(PAGE).send(&self.client).await?.data
                }
                false => vec![],
            };
            Ok(convert::charge(charge, disputes))
        };
        stream::iter(list.data).then(with_disputes).try_collect().await
    }

    async fn list_checkouts(&self, customer_id: &str) -> StripeResult<Vec<Checkout>> {
        let list = ListCheckoutSession::new().customer(customer_id).limit(PAGE).send(&self.client).await?;
        Ok(list.data.into_iter().map(Checkout::from).collect())
    }

    /// A page to pay.
    pub async fn read_checkout(&self, id: &str) -> StripeResult<Checkout> {
        Ok(RetrieveCheckoutSession::new(id).send(&self.client).await?.into())
    }

    /// Whose money a charge is. None: nobody's we know.
    pub async fn find_customer_of_charge(&self, charge_id: &str) -> StripeResult<Option<String>> {
        let charge = RetrieveCharge::new(charge_id).send(&self.client).await?;
        Ok(charge.customer.map(|customer| customer.into_id().to_string()))
    }

    /// The prices with these lookup keys, as far as there are any.
    pub async fn list_prices(&self, lookup_keys: &[String]) -> StripeResult<Vec<Price>> {
        let wanted: HashSet<_> = lookup_keys.iter().collect();
        let mut prices = Vec::new();
        for keys in lookup_keys.chunks(LOOKUP_KEYS) {
            let list = ListPrice::new().lookup_keys(keys).active(true).limit(PAGE).send(&self.client).await?;
            prices.extend(list.data.into_iter().map(Price::from));
        }
        prices.retain(|price| price.lookup_key.as_ref().is_some_and(|key| wanted.contains(key)));
        Ok(prices)
    }

    /// What happened since, newest first. Stripe keeps events for 30 days.
    pub async fn list_events(&self, since: DateTime<Utc>) -> StripeResult<Vec<Event>> {
        let list = ListEvent::new().created(RangeQueryTs::gte(since.timestamp())).limit(PAGE);
        let list: Vec<api::Event> = list.paginate().stream(&self.client).try_collect().await?;
        list.iter().map(to_event).collect()
    }
}

fn to_event(event: &api::Event) -> StripeResult<Event> {
    let object: serde_json::Value = serde_json::from_str(&json::to_string(&event.data.object))
        .map_err(|_| StripeError::Refused("an event that is no JSON".to_owned()))?;
    let payload = serde_json::json!({
        "id": event.id.as_str(),
        "object": "event",
        "type": event.type_.as_str(),
        "api_version": event.api_version,
        "created": event.created,
        "livemode": event.livemode,
        "data": { "object": object },
    });
    Event::from_payload(payload).ok_or_else(|| StripeError::Refused("an event without an object".to_owned()))
}
