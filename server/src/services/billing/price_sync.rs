//! Making Stripe's products and prices out of the plans.

use std::fmt;

use app::types::Interval;

use super::meter_sync::{sync_meter, unit_words};
use crate::AppResult;
use crate::config::PlansConfig;
use crate::providers::stripe::{NewPrice, Price, Stripe, UNIT_CENTS};

/// What was not at Stripe as the plans say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    NewProduct {
        id: String,
    },
    NewPrice {
        lookup_key: String,
        amount_cents: u32,
    },
    NewMeter {
        event_name: String,
    },
    NewMeteredPrice {
        lookup_key: String,
    },
    /// A price that is another one than the plans say, and the words for that. Replaced only when asked to.
    Price {
        lookup_key: String,
        there: String,
        here: String,
        is_replaced: bool,
    },
}

impl Difference {
    /// It is still as it was.
    pub fn remains(&self) -> bool {
        matches!(self, Self::Price { is_replaced: false, .. })
    }
}

/// A line for operators.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewProduct { id } => write!(f, "made the product {id}"),
            Self::NewPrice { lookup_key, amount_cents } => {
                write!(f, "made the price {lookup_key}: {}", dollars(i64::from(*amount_cents)))
            }
            Self::NewMeter { event_name } => write!(f, "made the meter {event_name}"),
            Self::NewMeteredPrice { lookup_key } => {
                write!(f, "made the price {lookup_key}: {} a unit", unit_words(UNIT_CENTS))
            }
            Self::Price { lookup_key, there, here, is_replaced: true } => {
                write!(f, "replaced the price {lookup_key}: it was {there}, now it is {here}")
            }
            Self::Price { lookup_key, there, here, is_replaced: false } => {
                write!(f, "the price {lookup_key} is {there} at Stripe, but {here} in the plans")
            }
        }
    }
}

/// Makes the products and prices that Stripe lacks. One that differs is left alone unless `may_replace`: then a new one
/// takes its lookup key over, and subscriptions that run keep the old one.
pub async fn sync_prices(
    stripe: &Stripe,
    plans: &PlansConfig,
    may_replace: bool,
) -> AppResult<Vec<Difference>> {
    let mut differences = Vec::new();
    for (name, new) in wanted(plans) {
        let there = stripe.list_prices(std::slice::from_ref(&new.lookup_key)).await?.pop();
        let difference = match there {
            Some(price) if is_same(&price, &new) => continue,
            Some(price) if !may_replace => Some(differing(&price, &new, false)),
            Some(price) => {
                // The product goes on: it is what plans are recognised by.
                let new = NewPrice { product_id: price.product_id.clone(), ..new };
                stripe.create_price(&new).await?;
                Some(differing(&price, &new, true))
            }
            None => {
                if stripe.ensure_product(&new.product_id, &name).await? {
                    differences.push(Difference::NewProduct { id: new.product_id.clone() });
                }
                stripe.create_price(&new).await?;
                Some(Difference::NewPrice { lookup_key: new.lookup_key, amount_cents: new.amount_cents })
            }
        };
        differences.extend(difference);
    }
    differences.extend(sync_meter(stripe, plans, may_replace).await?);
    Ok(differences)
}

/// Every price there should be, with the name of its product.
fn wanted(plans: &PlansConfig) -> Vec<(String, NewPrice)> {
    let of_plans = plans.paid.iter().flat_map(|paid| {
        paid.prices.iter().map(|price| {
            let new = NewPrice {
                product_id: product_id(&paid.plan.key),
                lookup_key: price.lookup_key.clone(),
                amount_cents: price.amount_cents,
                interval: Some(price.interval),
            };
            (paid.plan.name.clone(), new)
        })
    });
    let of_packs = plans.packs.iter().map(|pack| {
        let new = NewPrice {
            product_id: product_id(&pack.offer.key),
            lookup_key: pack.lookup_key.clone(),
            amount_cents: pack.offer.amount_cents,
            interval: None,
        };
        (pack.offer.name.clone(), new)
    });
    of_plans.chain(of_packs).collect()
}

pub(super) fn product_id(key: &str) -> String {
    format!("plumbline_{key}")
}

fn is_same(price: &Price, new: &NewPrice) -> bool {
    price.is_in_dollars
        && price.metered.is_none()
        && price.amount_cents == i64::from(new.amount_cents)
        && price.interval == new.interval
}

fn differing(price: &Price, new: &NewPrice, is_replaced: bool) -> Difference {
    let there = match price.is_in_dollars {
        true => words(price.amount_cents, price.interval),
        false => "not in US dollars".to_owned(),
    };
    let here = words(i64::from(new.amount_cents), new.interval);
    Difference::Price { lookup_key: new.lookup_key.clone(), there, here, is_replaced }
}

fn words(cents: i64, interval: Option<Interval>) -> String {
    let interval = interval.map_or_else(|| "once".to_owned(), |interval| format!("each {interval}"));
    format!("{} {interval}", dollars(cents))
}

fn dollars(cents: i64) -> String {
    app::types::Nanos::from_cents(cents).to_string()
}
