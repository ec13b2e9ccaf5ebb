//! What is asked of Stripe.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use miniserde::{Deserialize, json};
use stripe::StripeRequest;
use stripe_billing::invoice::ListInvoice;
use stripe_billing::subscription::{ListSubscription, ListSubscriptionStatus};
use stripe_checkout::checkout_session::{ListCheckoutSession, RetrieveCheckoutSession};
use stripe_core::charge::{ListCharge, RetrieveCharge};
use stripe_core::customer::{RetrieveCustomer, RetrieveCustomerReturned};
use stripe_core::dispute::ListDispute;
use stripe_core::event::ListEvent;
use stripe_misc::webhook_endpoint::ListWebhookEndpoint;
use stripe_product::price::ListPrice;
use stripe_shared as api;
use stripe_types::{AsCursorOpt, Expandable, List, Object, RangeQueryTs};

use super::{
    Charge, Checkout, Customer, Event, Invoice, Price, Stripe, StripeError, StripeResult, Subscription,
    WebhookEndpoint, convert,
};

/// The most Stripe gives at once.
const PAGE: i64 = 100;

/// The most kinds of events it is asked for at once.
const KINDS: usize = 20;

/// And the most lookup keys it takes at once.
const LOOKUP_KEYS: usize = 10;

/// No id of Stripe's is longer. <https://docs.stripe.com/upgrades#what-changes-does-stripe-consider-to-be-backward-compatible>
const MAX_ID: usize = 250;

fn expand(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

impl Stripe {
    /// Everything about a customer, however much that is: what is not listed would be forgotten. One that was deleted has
    /// nothing.
    pub async fn read_customer(&self, id: &str) -> StripeResult<Customer> {
        let customer = RetrieveCustomer::new(id)
            .expand(expand(&["invoice_settings.default_payment_method"]))
            .send(&self.client)
            .await?;
        let RetrieveCustomerReturned::Customer(customer) = customer else {
            return Ok(Customer { is_deleted: true, ..Customer::default() });
        };
        let method = customer.invoice_settings.and_then(|settings| settings.default_payment_method);
        let method = method.and_then(Expandable::into_object);
        let (subscriptions, invoices, charges, checkouts) = futures::try_join!(
            self.list_subscriptions(id),
            self.list_invoices(id),
            self.list_charges(id),
            self.list_checkouts(id)
        )?;
        let card = method.and_then(|method| convert::card(&method));
        Ok(Customer { is_deleted: false, card, subscriptions, invoices, charges, checkouts })
    }

    /// Those that are paid ahead: what is billed by a meter alone is none of ours.
    pub async fn list_subscriptions(&self, customer_id: &str) -> StripeResult<Vec<Subscription>> {
        let list = ListSubscription::new()
            .customer(customer_id)
            .status(ListSubscriptionStatus::All)
            .limit(PAGE)
            .expand(expand(&["data.default_payment_method", "data.schedule"]));
        let list = self.every_page(list, |list, last| list.starting_after(last)).await?;
        list.into_iter().map(convert::subscription).filter_map(Result::transpose).collect()
    }

    /// The same of all customers, those that have not ended, page by page. One that cannot be understood is left out and
    /// logged: the account at Stripe may sell other things, too.
    pub fn live_subscriptions(&self) -> impl Stream<Item = StripeResult<Vec<Subscription>>> + Send {
        let pages = self.pages(ListSubscription::new().limit(PAGE), |list, last| list.starting_after(last));
        pages.map_ok(|page| page.into_iter().filter_map(understood).collect())
    }

    async fn list_invoices(&self, customer_id: &str) -> StripeResult<Vec<Invoice>> {
        let list = ListInvoice::new().customer(customer_id).limit(PAGE).expand(expand(&["data.payments"]));
        let list = self.every_page(list, |list, last| list.starting_after(last)).await?;
        Ok(list.into_iter().map(Invoice::from).collect())
    }

    async fn list_charges(&self, customer_id: &str) -> StripeResult<Vec<Charge>> {
        let list = ListCharge::new().customer(customer_id).limit(PAGE).expand(expand(&["data.refunds"]));
        let list = self.every_page(list, |list, last| list.starting_after(last)).await?;
        let with_disputes = |charge: api::Charge| async move {
            let disputes = match charge.disputed {
                true => {
                    ListDispute::new().charge(charge.id.as_str()).limit(PAGE).send(&self.client).await?.data
                }
                false => vec![],
            };
            Ok(convert::charge(charge, disputes))
        };
        stream::iter(list).then(with_disputes).try_collect().await
    }

    async fn list_checkouts(&self, customer_id: &str) -> StripeResult<Vec<Checkout>> {
        let done = ListCheckoutSession::new()
            .customer(customer_id)
            .status(api::CheckoutSessionStatus::Complete)
            .limit(PAGE);
        let list = self.every_page(done, |list, last| list.starting_after(last)).await?;
        Ok(list.into_iter().map(Checkout::from).collect())
    }

    /// A page to pay. The id may come from anybody and becomes part of an address: what is none is not asked for.
    pub async fn read_checkout(&self, id: &str) -> StripeResult<Checkout> {
        if !is_checkout_id(id) {
            return Err(StripeError::NotFound("an id that is none".to_owned()));
        }
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

    /// What happened since of these kinds, page by page, newest first within as many kinds as Stripe is asked for at once. It
    /// keeps events for 30 days.
    pub fn events<'a>(
        &'a self,
        kinds: &'a [&'a str],
        since: DateTime<Utc>,
    ) -> impl Stream<Item = StripeResult<Vec<Event>>> + Send + 'a {
        let of_kinds = move |kinds: &'a [&'a str]| {
            let kinds: Vec<_> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            let list =
                ListEvent::new().created(RangeQueryTs::gte(since.timestamp())).types(kinds).limit(PAGE);
            self.pages(list, |list, last| list.starting_after(last))
        };
        let pages = stream::iter(kinds.chunks(KINDS)).flat_map(of_kinds);
        pages.map_ok(|page| page.iter().map(to_event).collect())
    }

    pub async fn list_webhook_endpoints(&self) -> StripeResult<Vec<WebhookEndpoint>> {
        let list = ListWebhookEndpoint::new().limit(PAGE);
        let list = self.every_page(list, |list, last| list.starting_after(last)).await?;
        Ok(list.into_iter().map(WebhookEndpoint::from).collect())
    }

    /// Everything that is listed, newest first.
    async fn every_page<R, T>(&self, list: R, after: fn(R, String) -> R) -> StripeResult<Vec<T>>
    where
        R: StripeRequest<Output = List<T>> + Clone + Send + Sync,
        List<T>: Deserialize,
        T: Object + Send,
    {
        self.pages(list, after).try_concat().await
    }

    /// The same page by page. Not as the library's stream: it hands on one object after the other, which are so big that a
    /// thread's stack does not hold a few of them.
    fn pages<R, T>(
        &self,
        list: R,
        after: fn(R, String) -> R,
    ) -> impl Stream<Item = StripeResult<Vec<T>>> + Send
    where
        R: StripeRequest<Output = List<T>> + Clone + Send + Sync,
        List<T>: Deserialize,
        T: Object + Send,
    {
        stream::try_unfold(Some(list.clone()), move |page| {
            let list = list.clone();
            async move {
                let Some(page) = page else { return Ok(None) };
                let List { data, has_more, .. } = page.customize().send(&self.client).await?;
                let last = data.last().and_then(|last| last.id().as_cursor_opt()).map(str::to_owned);
                Ok(Some((data, last.filter(|_| has_more).map(|last| after(list, last)))))
            }
        })
    }
}

fn is_checkout_id(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let rest = text.strip_prefix("cs_").unwrap_or_default();
    (1..=MAX_ID).contains(&rest.len()) && rest.bytes().all(is_allowed)
}

fn understood(subscription: api::Subscription) -> Option<Subscription> {
    let id = subscription.id.clone();
    convert::subscription(subscription).unwrap_or_else(|error| {
        tracing::warn!(subscription.id = id.as_str(), %error, "A subscription at Stripe cannot be understood");
        None
    })
}

fn to_event(event: &api::Event) -> Event {
    let object: serde_json::Value =
        serde_json::from_str(&json::to_string(&event.data.object)).unwrap_or_default();
    Event::from_payload(serde_json::json!({
        "id": event.id.as_str(),
        "object": "event",
        "type": event.type_.as_str(),
        "api_version": event.api_version,
        "created": event.created,
        "livemode": event.livemode,
        "data": { "object": object },
    }))
}

#[cfg(test)]
mod tests {
    use super::is_checkout_id;

    #[test]
    fn only_what_looks_like_the_id_of_a_page_to_pay_is_asked_for() {
        let longest = format!("cs_{}", "x".repeat(250));
        for id in ["cs_1", "cs_test_a1B2", longest.as_str()] {
            assert!(is_checkout_id(id), "{id}");
        }
        let too_long = format!("{longest}x");
        for text in
            ["", "cs_", "ch_1", "cs_1/expire", "cs_1?expand=x", "../prices", "cs_ä", "cs_1\n", &too_long]
        {
            assert!(!is_checkout_id(text), "{text}");
        }
    }
}
