//! Stripe's meter: what is used beyond credit is told to it, and billed at a metered price.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use stripe::{IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_billing::billing_meter::{
    CreateBillingMeter, CreateBillingMeterDefaultAggregation, CreateBillingMeterDefaultAggregationFormula,
    ListBillingMeter,
};
use stripe_billing::billing_meter_event::CreateBillingMeterEvent;
use stripe_billing::billing_meter_event_summary::{
    ListIdBillingMeterEventSummary, ListIdBillingMeterEventSummaryValueGroupingWindow,
};
use stripe_billing::subscription::{UpdateSubscription, UpdateSubscriptionItems};
use stripe_billing::{BillingMeter, BillingMeterEventSummary, BillingMeterStatus};
use stripe_product::price::{
    CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, CreatePriceRecurringUsageType,
};

use super::{Price, Stripe, StripeError, StripeResult, Subscription};

/// What one unit of the meter, a micro-dollar, costs in cents. A price may have twelve decimals.
pub const UNIT_CENTS: &str = "0.0001";

/// The keys of an event's payload that a meter looks for unless told otherwise.
const CUSTOMER_KEY: &str = "stripe_customer_id";
const VALUE_KEY: &str = "value";

/// Summaries Stripe gives at once.
const PAGE: i64 = 100;

/// An amount used, as the meter is told of it.
#[derive(Clone, Debug)]
pub struct Usage<'a> {
    pub event_name: &'a str,
    /// By which Stripe knows it again, for at least 24 hours.
    pub identifier: String,
    pub customer_id: &'a str,
    /// Whole numbers only.
    pub value: i64,
    /// At most 35 days ago.
    pub at: DateTime<Utc>,
}

impl Stripe {
    /// The id of the meter that counts these events. None: there is none.
    pub async fn find_meter(&self, event_name: &str) -> StripeResult<Option<String>> {
        let list = ListBillingMeter::new().status(BillingMeterStatus::Active).limit(PAGE);
        let meters: Vec<BillingMeter> = list.paginate().stream(&self.client).try_collect().await?;
        Ok(meters.into_iter().find(|meter| meter.event_name == event_name).map(|meter| meter.id.to_string()))
    }

    /// Makes a meter that adds up the values of its events.
    pub async fn create_meter(&self, event_name: &str, name: &str) -> StripeResult<String> {
        let sum = CreateBillingMeterDefaultAggregation::new(CreateBillingMeterDefaultAggregationFormula::Sum);
        let request = CreateBillingMeter::new(sum, name, event_name);
        Ok(self.send(&request, &super::write::new_key()).await?.id.to_string())
    }

    /// Makes a price of [`UNIT_CENTS`] a unit of the meter, billed monthly.
    pub async fn create_metered_price(
        &self,
        product_id: &str,
        lookup_key: &str,
        meter_id: &str,
    ) -> StripeResult<Price> {
        let recurring = CreatePriceRecurring {
            meter: Some(meter_id.to_owned()),
            usage_type: Some(CreatePriceRecurringUsageType::Metered),
            ..CreatePriceRecurring::new(CreatePriceRecurringInterval::Month)
        };
        let request = CreatePrice::new(stripe_types::Currency::USD)
            .product(product_id)
            .unit_amount_decimal(UNIT_CENTS)
            .recurring(recurring)
            .lookup_key(lookup_key)
            .transfer_lookup_key(true);
        Ok(self.send(&request, &super::write::new_key()).await?.into())
    }

    /// Has a subscription billed by the meter, too.
    ///
    /// # Errors
    /// Refused: it is already. A second item of the same price, which would bill everything twice, there never is.
    pub async fn add_metered_item(&self, subscription: &Subscription, price_id: &str) -> StripeResult<()> {
        let item =
            UpdateSubscriptionItems { price: Some(price_id.to_owned()), ..UpdateSubscriptionItems::new() };
        let request = UpdateSubscription::new(subscription.id.as_str()).items([item]);
        self.send(&request, &super::write::new_key()).await?;
        Ok(())
    }

    /// Has a subscription billed by the meter no more. What was used and is in no invoice yet never will be.
    pub async fn remove_metered_item(&self, subscription: &Subscription, item_id: &str) -> StripeResult<()> {
        let item = UpdateSubscriptionItems {
            id: Some(item_id.to_owned()),
            deleted: Some(true),
            ..UpdateSubscriptionItems::new()
        };
        let request = UpdateSubscription::new(subscription.id.as_str()).items([item]);
        self.send(&request, &super::write::new_key()).await?;
        Ok(())
    }

    /// Tells the meter of an amount. Also fine when Stripe knows it already.
    ///
    /// # Errors
    /// Refused, or not found: it will never be taken.
    pub async fn report_usage(&self, usage: &Usage<'_>) -> StripeResult<()> {
        let payload = HashMap::from([
            (CUSTOMER_KEY.to_owned(), usage.customer_id.to_owned()),
            (VALUE_KEY.to_owned(), usage.value.to_string()),
        ]);
        let request = CreateBillingMeterEvent::new(usage.event_name, payload)
            .identifier(usage.identifier.clone())
            .timestamp(usage.at.timestamp());
        let key = IdempotencyKey::new(super::write::new_key())
            .map_err(|error| StripeError::Refused(error.to_string()))?;
        let strategy = RequestStrategy::Idempotent(key);
        match request.customize().request_strategy(strategy).send(&self.client).await {
            Err(stripe::StripeError::Stripe(error, _)) if is_known(&error) => Ok(()),
            result => result.map(|_| ()).map_err(of_meter),
        }
    }

    /// What the meter has counted of a customer from `start` until before `end`, which are whole minutes.
    ///
    /// # Errors
    /// Refused, or not found: it will never be told.
    pub async fn read_usage(
        &self,
        meter_id: &str,
        customer_id: &str,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> StripeResult<i64> {
        let summaries =
            ListIdBillingMeterEventSummary::new(meter_id, customer_id, end.timestamp(), start.timestamp());
        let list = summaries.limit(PAGE).send(&self.client).await.map_err(of_meter)?;
        Ok(list.data.iter().map(|summary| whole(summary.aggregated_value)).sum())
    }

    /// The same by the day, days without any left out. `start` and `end` begin days in UTC, at most a hundred apart.
    pub async fn read_daily_usage(
        &self,
        meter_id: &str,
        customer_id: &str,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> StripeResult<Vec<(DateTime<Utc>, i64)>> {
        let summaries =
            ListIdBillingMeterEventSummary::new(meter_id, customer_id, end.timestamp(), start.timestamp())
                .value_grouping_window(ListIdBillingMeterEventSummaryValueGroupingWindow::Day)
                .limit(PAGE);
        let list = summaries.send(&self.client).await?;
        let day = |summary: BillingMeterEventSummary| {
            let start = DateTime::from_timestamp(summary.start_time, 0)?;
            Some((start, whole(summary.aggregated_value))).filter(|(_, value)| *value != 0)
        };
        Ok(list.data.into_iter().filter_map(day).collect())
    }
}

/// Stripe has an event with this identifier.
fn is_known(error: &stripe_shared::ApiErrors) -> bool {
    let code = error.code.as_ref().map(|code| code.as_str());
    let says_so = error.message.as_ref().is_some_and(|text| text.contains("already exists with identifier"));
    code == Some("resource_already_exists") || says_so
}

/// What is ours to mend may be tried again.
fn of_meter(error: stripe::StripeError) -> StripeError {
    match error {
        stripe::StripeError::Stripe(error, status) if is_ours_to_mend(&error, status) => {
            StripeError::Unavailable(format!("{status} {}", error.message.unwrap_or_default()))
        }
        error => error.into(),
    }
}

/// The key is no good, or there is no meter yet: nothing is wrong with the event.
fn is_ours_to_mend(error: &stripe_shared::ApiErrors, status: u16) -> bool {
    let code = error.code.as_ref().map(|code| code.as_str());
    matches!(status, 401 | 403) || code == Some("meter_event_no_active_meter")
}

/// A sum of whole numbers, which Stripe's JSON has as a fraction: exact below 2⁵³.
fn whole(value: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "sums of micro-dollars are far below")]
    let value = value.round() as i64;
    value
}
