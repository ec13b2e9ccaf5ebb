//! Which of Stripe's products and prices are which of our plans and packs.

use app::types::Interval;

use super::price_sync::product_id;
use crate::config::PaidPlan;
use crate::providers::stripe::{Price, Subscription};
use crate::services::plans::Plans;
use crate::store::subscriptions::SubscriptionRow;

/// Our prices at Stripe.
#[derive(Clone, Debug)]
pub struct PriceBook {
    plans: Plans,
    prices: Vec<Price>,
    /// The product of a subscription that is paid on, and the key of the plan it was when that was known.
    kept: Option<(String, String)>,
}

impl PriceBook {
    pub fn new(plans: Plans, prices: Vec<Price>) -> Self {
        Self { plans, prices, kept: None }
    }

    /// The same, but the subscription that was written down stays of its plan though nothing tells any more whose product
    /// it is of: nobody who pays is cut off because something was tidied up at Stripe.
    pub fn keeping(&self, written: Option<&SubscriptionRow>, subscriptions: &[Subscription]) -> Self {
        let mut kept = None;
        for subscription in subscriptions.iter().filter(|each| each.status.is_live()) {
            let product_id = &subscription.price.product_id;
            if self.plan_of(product_id).is_some() {
                continue;
            }
            let plan = written.filter(|row| row.id == subscription.id).and_then(|row| row.plan.clone());
            tracing::error!(
                subscription.id,
                product.id = product_id,
                plan,
                "A live subscription is of a product that is no plan's; it keeps the plan it had"
            );
            kept = kept.or_else(|| Some((product_id.clone(), plan?)));
        }
        Self { kept, ..self.clone() }
    }

    /// Every lookup key of ours.
    pub fn lookup_keys(plans: &Plans) -> Vec<String> {
        let of_plans = plans.paid().iter().flat_map(|paid| &paid.prices).map(|price| &price.lookup_key);
        let of_overage = plans.overage().map(|overage| overage.lookup_key.clone());
        of_plans.chain(plans.packs().iter().map(|pack| &pack.lookup_key)).cloned().chain(of_overage).collect()
    }

    /// Stripe has every one of them.
    pub fn is_complete(&self) -> bool {
        self.prices.len() == Self::lookup_keys(&self.plans).len()
    }

    pub fn find(&self, lookup_key: &str) -> Option<&Price> {
        self.prices.iter().find(|price| price.lookup_key.as_deref() == Some(lookup_key))
    }

    /// What overage is billed at: a product of its own, so its lines on invoices are of no plan and give no credit.
    pub fn overage(&self) -> Option<&Price> {
        self.find(&self.plans.overage()?.lookup_key).filter(|price| price.metered.is_some())
    }

    /// By the product, because a price that was replaced has no lookup key any more and is paid on. Where none of its
    /// prices is on sale any more, by the name that `plumbline stripe sync` gives to a plan's product.
    pub fn plan_of(&self, product: &str) -> Option<&PaidPlan> {
        let is_sold = |paid: &&PaidPlan| {
            let mut prices = paid.prices.iter().filter_map(|price| self.find(&price.lookup_key));
            prices.any(|price| price.product_id == product)
        };
        let paid = self.plans.paid();
        let kept = self.kept.as_ref().filter(|(kept, _)| kept == product);
        paid.iter()
            .find(is_sold)
            .or_else(|| paid.iter().find(|paid| product_id(&paid.plan.key) == product))
            .or_else(|| self.plans.find_paid(&kept?.1))
    }

    /// The plan and interval of a price by its id.
    pub fn plan_of_price(&self, price_id: &str) -> Option<(&PaidPlan, Interval, i64)> {
        let price = self.prices.iter().find(|price| price.id == price_id)?;
        Some((self.plan_of(&price.product_id)?, price.interval?, price.amount_cents))
    }

    /// The key of the plan of everybody who has none.
    pub fn free_key(&self) -> &str {
        &self.plans.default_plan().key
    }
}
