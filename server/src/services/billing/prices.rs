//! Which of Stripe's products and prices are which of our plans and packs.

use app::types::Interval;

use crate::config::PaidPlan;
use crate::providers::stripe::Price;
use crate::services::plans::Plans;

/// Our prices at Stripe.
#[derive(Clone, Debug)]
pub struct PriceBook {
    plans: Plans,
    prices: Vec<Price>,
}

impl PriceBook {
    pub fn new(plans: Plans, prices: Vec<Price>) -> Self {
        Self { plans, prices }
    }

    /// Every lookup key of ours.
    pub fn lookup_keys(plans: &Plans) -> Vec<String> {
        let of_plans = plans.paid().iter().flat_map(|paid| &paid.prices).map(|price| &price.lookup_key);
        let of_overage = plans.overage().map(|overage| overage.lookup_key.clone());
        of_plans.chain(plans.packs().iter().map(|pack| &pack.lookup_key)).cloned().chain(of_overage).collect()
    }

    pub fn find(&self, lookup_key: &str) -> Option<&Price> {
        self.prices.iter().find(|price| price.lookup_key.as_deref() == Some(lookup_key))
    }

    /// What overage is billed at: a product of its own, so its lines on invoices are of no plan and give no credit.
    pub fn overage(&self) -> Option<&Price> {
        self.find(&self.plans.overage()?.lookup_key).filter(|price| price.metered.is_some())
    }

    /// By the product, because a price that was replaced has no lookup key any more and is paid on.
    pub fn plan_of(&self, product_id: &str) -> Option<&PaidPlan> {
        let is_of = |paid: &&PaidPlan| {
            let mut prices = paid.prices.iter().filter_map(|price| self.find(&price.lookup_key));
            prices.any(|price| price.product_id == product_id)
        };
        self.plans.paid().iter().find(is_of)
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
