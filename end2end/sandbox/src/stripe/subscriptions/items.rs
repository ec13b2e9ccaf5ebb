//! The items of a subscription: which prices it has, and for which period.

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::catalog::{self, plan_of};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::invoices::lines;
use crate::stripe::objects::Fields;
use crate::stripe::shape::list_of;
use crate::stripe::subscriptions::period;

/// A price and how many of it; metered ones have no quantity.
pub(crate) type Wanted = (Value, Option<i64>);

/// Reads `items[…]` (or a checkout's `line_items`) of a new subscription.
pub(crate) fn wanted(books: &mut Books, items: &[Params], param: &str) -> Answer<Vec<Wanted>> {
    if items.is_empty() {
        return Err(StripeError::missing_parameter(param));
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    for item in items {
        let price = catalog::price_of_item(books, item)?;
        let quantity = quantity_of(&price, item)?;
        wanted.push((price, quantity));
    }
    require_one_interval(wanted.iter().map(|(price, _)| price))?;
    Ok(wanted)
}

/// The quantity an item asks for; one when it says nothing.
pub(crate) fn quantity_of(price: &Value, item: &Params) -> Answer<Option<i64>> {
    let quantity = item.integer("quantity")?;
    if !is_metered(price) {
        return Ok(Some(quantity.unwrap_or(1)));
    }
    match quantity {
        None => Ok(None),
        Some(_) => {
            let message = "Quantity should not be specified where usage_type is `metered`.".to_owned();
            Err(StripeError::invalid(&item.name_of("quantity"), message))
        }
    }
}

pub(crate) fn require_one_interval<'a>(prices: impl Iterator<Item = &'a Value>) -> Answer<()> {
    let mut interval: Option<(&Value, &Value)> = None;
    for price in prices {
        let recurring = &price["recurring"];
        if recurring.is_null() {
            let message = format!(
                "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {}",
                price.text("id")
            );
            return Err(StripeError::refused(None, message));
        }
        let own = (&recurring["interval"], &recurring["interval_count"]);
        if *interval.get_or_insert(own) != own {
            let message = "Currency and interval fields must match across all plans on this subscription.";
            return Err(StripeError::refused(None, message));
        }
    }
    Ok(())
}

pub(crate) fn is_metered(price: &Value) -> bool {
    price["recurring"].text("usage_type") == "metered"
}

/// An item for a subscription.
pub(crate) fn new_item(
    books: &mut Books,
    subscription: &str,
    (price, quantity): &Wanted,
    period: (i64, i64),
) -> Value {
    books.draft(
        "subscription_item",
        json!({
            "subscription": subscription, "price": price, "plan": plan_of(price), "quantity": quantity,
            "current_period_start": period.0, "current_period_end": period.1,
        }),
    )
}

pub(crate) fn list_object(subscription: &str, items: Vec<Value>) -> Value {
    let count = items.len();
    let mut list = list_of(&format!("/v1/subscription_items?subscription={subscription}"), items);
    list["total_count"] = count.into();
    list
}

/// The period a subscription is in, which its items carry.
pub(crate) fn period_of(subscription: &Value) -> (i64, i64) {
    let first = subscription.elements("items").first().cloned().unwrap_or_default();
    (first.integer("current_period_start"), first.integer("current_period_end"))
}

pub(crate) fn set_period(subscription: &mut Value, start: i64, end: i64) {
    if let Some(items) = subscription["items"]["data"].as_array_mut() {
        for item in items {
            item["current_period_start"] = start.into();
            item["current_period_end"] = end.into();
        }
    }
}

/// The end of the period that begins at `start` by the subscription's anchor and interval.
pub(crate) fn period_end(subscription: &Value, start: i64) -> i64 {
    let first = subscription.elements("items").first().cloned().unwrap_or_default();
    period::period_end(subscription.integer("billing_cycle_anchor"), &first["price"]["recurring"], start)
}

/// Lines for what is paid ahead in a period.
pub(crate) fn advance_lines(books: &mut Books, subscription: &Value, (start, end): (i64, i64)) -> Vec<Value> {
    let licensed = subscription.elements("items").iter().filter(|item| !is_metered(&item["price"]));
    licensed.map(|item| lines::line_for_period(books, item, start, end)).collect()
}

/// Lines for what was used in a period that is over.
pub(crate) fn usage_lines(books: &mut Books, subscription: &Value, (start, end): (i64, i64)) -> Vec<Value> {
    let customer = subscription.text("customer");
    let metered = subscription.elements("items").iter().filter(|item| is_metered(&item["price"]));
    metered.map(|item| lines::line_for_usage(books, item, customer, start, end)).collect()
}
