//! Making Stripe's meter and the price by which it bills.

use super::price_sync::{Difference, product_id};
use crate::AppResult;
use crate::config::PlansConfig;
use crate::providers::stripe::{MeteredPrice, Price, Stripe, UNIT_CENTS};

/// As invoices name it.
const NAME: &str = "Pay as you go";

/// Makes the meter and the metered price that Stripe lacks. A price that differs is left alone unless `may_replace`.
pub(super) async fn sync_meter(
    stripe: &Stripe,
    plans: &PlansConfig,
    may_replace: bool,
) -> AppResult<Vec<Difference>> {
    let Some(overage) = &plans.overage else { return Ok(vec![]) };
    let mut differences = Vec::new();
    let meter_id = match stripe.find_meter(&overage.event_name).await? {
        Some(id) => id,
        None => {
            differences.push(Difference::NewMeter { event_name: overage.event_name.clone() });
            stripe.create_meter(&overage.event_name, NAME).await?
        }
    };
    let lookup_key = &overage.lookup_key;
    let there = stripe.list_prices(std::slice::from_ref(lookup_key)).await?.pop();
    match there {
        Some(price) if is_same(&price, &meter_id) => {}
        Some(price) => {
            if may_replace {
                stripe.create_metered_price(&price.product_id, lookup_key, &meter_id).await?;
            }
            differences.push(Difference::Price {
                lookup_key: lookup_key.clone(),
                there: words(&price, &meter_id),
                here: format!("{} a unit of the meter", unit_words(UNIT_CENTS)),
                is_replaced: may_replace,
            });
        }
        None => {
            let product_id = product_id("overage");
            if stripe.ensure_product(&product_id, NAME).await? {
                differences.push(Difference::NewProduct { id: product_id.clone() });
            }
            stripe.create_metered_price(&product_id, lookup_key, &meter_id).await?;
            differences.push(Difference::NewMeteredPrice { lookup_key: lookup_key.clone() });
        }
    }
    Ok(differences)
}

fn is_same(price: &Price, meter_id: &str) -> bool {
    let wanted = MeteredPrice { meter_id: meter_id.to_owned(), unit_cents: UNIT_CENTS.to_owned() };
    let has_interval = price.interval == Some(app::types::Interval::Month);
    price.is_in_dollars && has_interval && price.metered.as_ref() == Some(&wanted)
}

fn words(price: &Price, meter_id: &str) -> String {
    match &price.metered {
        None => "not metered".to_owned(),
        Some(metered) if metered.meter_id != meter_id => "of another meter".to_owned(),
        Some(metered) => format!("{} a unit", unit_words(&metered.unit_cents)),
    }
}

pub(super) fn unit_words(cents: &str) -> String {
    format!("{cents} cents")
}
