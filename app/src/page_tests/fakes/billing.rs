//! Offers, and accounts that stand differently with paying.

use chrono::{DateTime, TimeDelta, Utc};

use super::now;
use crate::api::{BillingApi, CheckoutItem, NextUrl};
use crate::types::*;
use crate::{ApiError, ApiResult};

#[derive(Clone)]
pub struct Fake {
    pub offers: Offers,
    pub billing: Billing,
    pub outcome: ApiResult<CheckoutOutcome>,
    /// Set: what is subscribed to cannot be read.
    pub failure: Option<ApiError>,
}

impl Fake {
    pub fn free() -> Self {
        let billing = Billing {
            standing: Standing::Free,
            subscription: None,
            card: None,
            invoices: vec![],
            packs: vec![],
            overage: None,
            plan_override: None,
        };
        Self { offers: offers(), billing, outcome: Ok(CheckoutOutcome::NotPaid), failure: None }
    }

    /// Payments are not set up.
    pub fn closed() -> Self {
        Self { offers: Offers { is_open: false, ..offers() }, ..Self::free() }
    }

    /// To Max, monthly.
    pub fn subscribed() -> Self {
        let subscription = Subscription {
            plan_key: "max".to_owned(),
            plan_name: "Max".to_owned(),
            interval: Interval::Month,
            amount_cents: 10_000,
            renews_at: now() + TimeDelta::days(29),
            ends_at: None,
            changes_to: None,
            unpaid_change_url: None,
        };
        let billing = Billing {
            standing: Standing::Active,
            subscription: Some(subscription),
            card: Some(card()),
            invoices: vec![
                invoice("PLUMB-0002", InvoiceStatus::Open, 1),
                invoice("PLUMB-0001", InvoiceStatus::Paid, 31),
            ],
            packs: vec![pack_purchase()],
            overage: Some(OverageTerms {
                most: Some(Nanos::from_cents(100_000)),
                cap: Some(Nanos::from_cents(5_000)),
                used: Nanos::from_cents(125),
                held: Nanos::ZERO,
            }),
            plan_override: None,
        };
        Self { billing, ..Self::free() }
    }
}

pub fn failed_at() -> DateTime<Utc> {
    now() - TimeDelta::days(1)
}

pub fn past_due() -> Standing {
    Standing::PastDue { since: failed_at(), grace_ends_at: now() + TimeDelta::days(6) }
}

fn card() -> Card {
    Card { brand: "visa".to_owned(), last4: "4242".to_owned(), expires_month: 12, expires_year: 2027 }
}

fn pack_purchase() -> PackPurchase {
    PackPurchase {
        name: "$10 of credit".to_owned(),
        credit: Nanos::from_cents(1_000),
        amount_cents: 1_000,
        refunded_cents: 0,
        bought_at: now() - TimeDelta::days(9),
        receipt_url: Some("https://receipt.example.com/1".to_owned()),
    }
}

fn offers() -> Offers {
    let free = PlanOffer { plan: plan("free", "Free", 1), prices: vec![], models: vec!["Small".to_owned()] };
    Offers {
        is_open: true,
        plans: vec![free, offer("pro", "Pro", 10, 2_000), offer("max", "Max", 50, 10_000)],
        packs: vec![PackOffer {
            key: "pack_10".to_owned(),
            name: "$10 of credit".to_owned(),
            credit: Nanos::from_cents(1_000),
            amount_cents: 1_000,
        }],
    }
}

fn plan(key: &str, name: &str, factor: u32) -> Plan {
    Plan {
        key: key.to_owned(),
        name: name.to_owned(),
        requests_per_minute: 5 * factor,
        requests_per_day: 100 * factor,
        tokens_per_minute: 20_000 * factor,
        concurrent_replies: 2 * factor,
        default_output_tokens: 4_096,
        monthly_credit: Nanos::from_cents(50 * i64::from(factor)),
        monthly_cap: None,
        thread_cap: None,
        overage_max: None,
    }
}

fn offer(key: &str, name: &str, factor: u32, month_cents: u32) -> PlanOffer {
    let price = |interval, amount_cents| Price { interval, amount_cents };
    let prices = vec![price(Interval::Month, month_cents), price(Interval::Year, month_cents * 10)];
    let models = vec!["Small".to_owned(), "Large".to_owned()];
    PlanOffer { plan: plan(key, name, factor), prices, models }
}

fn invoice(number: &str, status: InvoiceStatus, days_ago: i64) -> Invoice {
    Invoice {
        number: Some(number.to_owned()),
        status,
        total_cents: 2_000,
        refunded_cents: 0,
        created_at: now() - TimeDelta::days(days_ago),
        url: Some(format!("https://invoice.example.com/{number}")),
        pdf_url: Some(format!("https://invoice.example.com/{number}.pdf")),
    }
}

#[async_trait::async_trait]
impl BillingApi for Fake {
    async fn list_offers(&self) -> ApiResult<Offers> {
        Ok(self.offers.clone())
    }

    async fn read_standing(&self, actor: &Actor) -> ApiResult<Standing> {
        actor.user()?;
        Ok(self.billing.standing)
    }

    async fn read_billing(&self, actor: &Actor) -> ApiResult<Billing> {
        actor.user()?;
        self.failure.clone().map_or_else(|| Ok(self.billing.clone()), Err)
    }

    async fn begin_checkout(&self, actor: &Actor, _: CheckoutItem) -> ApiResult<NextUrl> {
        actor.user()?;
        Ok("https://checkout.example.com/1".to_owned())
    }

    async fn finish_checkout(&self, actor: &Actor, _: String) -> ApiResult<CheckoutOutcome> {
        actor.user()?;
        self.outcome.clone()
    }

    async fn change_plan(&self, actor: &Actor, _: String, _: Interval) -> ApiResult<NextUrl> {
        actor.user()?;
        Ok("/billing".to_owned())
    }

    async fn cancel_subscription(&self, actor: &Actor) -> ApiResult<()> {
        actor.user()?;
        Ok(())
    }

    async fn resume_subscription(&self, actor: &Actor) -> ApiResult<()> {
        actor.user()?;
        Ok(())
    }

    async fn set_overage_cap(&self, actor: &Actor, _: Nanos) -> ApiResult<()> {
        actor.user()?;
        Ok(())
    }

    async fn stop_overage(&self, actor: &Actor) -> ApiResult<()> {
        actor.user()?;
        Ok(())
    }

    async fn open_portal(&self, actor: &Actor, _: PortalPage) -> ApiResult<NextUrl> {
        actor.user()?;
        Ok("https://billing.example.com/1".to_owned())
    }
}
