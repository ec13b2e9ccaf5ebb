//! Whether Stripe's meter has counted what was used beyond credit, by customer and day.

use std::collections::{BTreeMap, BTreeSet};

use app::types::Days;
use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt, stream};

use super::Cashier;
use crate::AppResult;
use crate::providers::stripe::StripeResult;
use crate::store::meter_events;

/// Customers that Stripe is asked about at a time.
const CONCURRENCY: usize = 8;

/// A day of a customer that the meter has counted otherwise, in micro-dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterDifference {
    pub customer_id: String,
    pub day: NaiveDate,
    pub ours: i64,
    pub stripes: i64,
}

/// What both sides have counted in all, and where they differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterComparison {
    pub ours: i64,
    pub stripes: i64,
    pub differences: Vec<MeterDifference>,
}

impl Cashier {
    /// Everybody's overage of these days, which are at most a hundred.
    pub async fn compare_meter(&self, days: Days) -> AppResult<MeterComparison> {
        let Some(overage) = self.plans.overage() else { return Ok(MeterComparison::default()) };
        let (ours, metered) = {
            let mut conn = self.db.get().await?;
            let ours = meter_events::list_days(&mut conn, days.first, days.last).await?;
            (ours, meter_events::list_metered_customers(&mut conn, days.first).await?)
        };
        let customers: BTreeSet<_> = ours.iter().map(|day| day.customer_id.clone()).chain(metered).collect();
        if customers.is_empty() {
            return Ok(MeterComparison::default());
        }
        let ours: BTreeMap<_, _> =
            ours.into_iter().map(|day| ((day.customer_id, day.day), day.units)).collect();
        let (meter_id, (start, end)) = (self.meter_id(overage).await?, days.bounds());
        let meter_id = meter_id.as_str();
        let read = |customer: String| async move {
            let days = self.stripe.read_daily_usage(meter_id, &customer, start, end).await?;
            let days =
                days.into_iter().map(move |(day, units)| ((customer.clone(), day.date_naive()), units));
            StripeResult::Ok(stream::iter(days.map(StripeResult::Ok)))
        };
        let stripes = stream::iter(customers).map(read).buffer_unordered(CONCURRENCY).try_flatten();
        Ok(compare(&ours, &stripes.try_collect().await?))
    }
}

type Counted = BTreeMap<(String, NaiveDate), i64>;

fn compare(ours: &Counted, stripes: &Counted) -> MeterComparison {
    let keys: BTreeSet<_> = ours.keys().chain(stripes.keys()).collect();
    let count = |counted: &Counted, key| counted.get(key).copied().unwrap_or_default();
    let both = keys.into_iter().map(|key| (key, count(ours, key), count(stripes, key)));
    let differing = both.filter(|(_, ours, stripes)| ours != stripes);
    MeterComparison {
        ours: ours.values().sum(),
        stripes: stripes.values().sum(),
        differences: differing
            .map(|((customer_id, day), ours, stripes)| MeterDifference {
                customer_id: customer_id.clone(),
                day: *day,
                ours,
                stripes,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_either_side_has_alone_or_otherwise_is_a_difference() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 24).expect("a day");
        let counted = |all: &[(&str, i64)]| -> Counted {
            all.iter().map(|(customer, units)| (((*customer).to_owned(), day), *units)).collect()
        };
        let ours = counted(&[("cus_1", 5), ("cus_2", 7), ("cus_3", 1)]);
        let stripes = counted(&[("cus_1", 5), ("cus_2", 8), ("cus_4", 2)]);
        let difference = |customer_id: &str, ours, stripes| MeterDifference {
            customer_id: customer_id.to_owned(),
            day,
            ours,
            stripes,
        };
        assert_eq!(
            compare(&ours, &stripes),
            MeterComparison {
                ours: 13,
                stripes: 15,
                differences: vec![
                    difference("cus_2", 7, 8),
                    difference("cus_3", 1, 0),
                    difference("cus_4", 0, 2)
                ],
            }
        );
    }
}
