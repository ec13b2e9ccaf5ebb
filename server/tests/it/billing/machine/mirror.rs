//! What is written down of a subscription and its payments, beside what Stripe shows.

use std::collections::BTreeMap;

use app::types::Standing;
use serde_json::Value;

use crate::support::{Browser, Shop, billing};

/// Everything Stripe shows of the only customer there is, newest first.
pub struct Shown {
    pub now: i64,
    pub subscriptions: Vec<Value>,
    pub invoices: Vec<Value>,
    pub checkouts: Vec<Value>,
    pub refunds: Vec<Value>,
    pub disputes: Vec<Value>,
    schedules: Vec<Value>,
}

impl Shown {
    pub async fn read(shop: &Shop) -> Self {
        Self {
            now: shop.number("select extract(epoch from clock_timestamp())::bigint").await,
            subscriptions: shop.stripe.list("subscriptions?status=all&limit=100").await,
            invoices: shop.stripe.list("invoices?limit=100&expand[]=data.payments").await,
            checkouts: shop.stripe.list("checkout/sessions?limit=100").await,
            refunds: shop.stripe.list("refunds?limit=100").await,
            disputes: shop.stripe.list("disputes?limit=100").await,
            schedules: shop.stripe.list("subscription_schedules?limit=100").await,
        }
    }

    /// There is never more than one that lives.
    fn live_subscription(&self) -> Option<&Value> {
        let live: Vec<_> = self.subscriptions.iter().filter(|found| is_live(found)).collect();
        assert!(live.len() <= 1, "{live:?}");
        live.first().copied()
    }

    /// The price that a subscription has from the end of its period on, by its schedule.
    fn next_price(&self, subscription: &Value) -> Option<&Value> {
        let schedule = self.schedules.iter().find(|schedule| schedule["id"] == subscription["schedule"])?;
        let end = integer(&schedule["current_phase"]["end_date"]);
        let phases = schedule["phases"].as_array().expect("phases");
        phases
            .iter()
            .find(|phase| integer(&phase["start_date"]) >= end)
            .map(|phase| &phase["items"][0]["price"])
    }

    /// The cents that are not ours any more of what was paid with these, by refund and by dispute.
    pub fn money_back(&self, payment_intents: &[&str]) -> Vec<&Value> {
        let is_of = |back: &&Value| payment_intents.contains(&text(&back["payment_intent"]));
        self.refunds.iter().chain(&self.disputes).filter(is_of).collect()
    }
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub fn integer(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number"))
}

pub fn is_live(subscription: &Value) -> bool {
    matches!(text(&subscription["status"]), "trialing" | "active" | "past_due" | "unpaid")
}

/// How an invoice was paid.
pub fn payment_intents(invoice: &Value) -> Vec<&str> {
    let payments = invoice["payments"]["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    payments.iter().map(|payment| text(&payment["payment"]["payment_intent"])).collect()
}

/// By what it costs.
pub fn plan_of(cents: i64) -> (&'static str, &'static str) {
    match cents {
        2_000 => ("pro", "month"),
        20_000 => ("pro", "year"),
        10_000 => ("max", "month"),
        100_000 => ("max", "year"),
        cents => panic!("nothing costs {cents} cents"),
    }
}

pub async fn assert_is_as_stripe_has_it(shop: &Shop, browser: &Browser, shown: &Shown) {
    assert_plan(shop, shown).await;
    assert_standing(browser, shown).await;
    assert_invoices(shop, shown).await;
    let bought = shown.checkouts.iter().filter(|checkout| is_bought_pack(checkout)).count();
    assert_eq!(shop.number("select count(*) from purchases").await, bought as i64);
    let waiting = "select count(*) from stripe_events where processed_at is null and customer_id is not null";
    assert_eq!(shop.number(waiting).await, 0, "every event is dealt with");
}

pub fn is_bought_pack(checkout: &Value) -> bool {
    !checkout["metadata"]["pack"].is_null() && checkout["payment_status"] == "paid"
}

async fn assert_plan(shop: &Shop, shown: &Shown) {
    let plan: String = shop.app.database().rows("select plan from accounts").await[0].get(0);
    let Some(there) = shown.live_subscription() else {
        assert_eq!(plan, "free");
        return;
    };
    let kept = "select id, status, plan, interval, amount_cents, extract(epoch from period_start)::bigint,
                    extract(epoch from period_end)::bigint, extract(epoch from ends_at)::bigint,
                    unpaid_change_url is not null, next_amount_cents
                from subscriptions";
    let kept = &shop.app.database().rows(kept).await[0];
    let item = &there["items"]["data"][0];
    let cents = integer(&item["price"]["unit_amount"]);
    let (plan_there, interval) = plan_of(cents);
    assert_eq!(plan, plan_there);
    assert_eq!(kept.get::<_, &str>(0), text(&there["id"]));
    assert_eq!(kept.get::<_, &str>(1), text(&there["status"]));
    assert_eq!((kept.get::<_, &str>(2), kept.get::<_, &str>(3)), (plan_there, interval));
    assert_eq!(kept.get::<_, i64>(4), cents);
    assert_eq!(kept.get::<_, i64>(5), integer(&item["current_period_start"]));
    assert_eq!(kept.get::<_, i64>(6), integer(&item["current_period_end"]));
    assert_eq!(kept.get::<_, Option<i64>>(7), there["cancel_at"].as_i64());
    assert_eq!(kept.get::<_, bool>(8), !there["pending_update"].is_null(), "{there}");
    let next = match shown.next_price(there).filter(|_| there["cancel_at"].is_null()) {
        Some(price) => {
            Some(integer(&shop.stripe.get(&format!("prices/{}", text(price))).await["unit_amount"]))
        }
        None => None,
    };
    assert_eq!(kept.get::<_, Option<i64>>(9), next, "{there}");
}

/// Nobody has a plan for nothing, and nobody who pays is kept from it.
async fn assert_standing(browser: &Browser, shown: &Shown) {
    let status = shown.live_subscription().map_or("none", |subscription| text(&subscription["status"]));
    let standing = billing(browser).await.standing;
    let is_right = match standing {
        Standing::Free => status == "none",
        Standing::Active => matches!(status, "trialing" | "active"),
        Standing::PastDue { .. } => status == "past_due",
        Standing::Frozen { .. } => matches!(status, "past_due" | "unpaid"),
        Standing::Suspended => false,
    };
    assert!(is_right, "{standing:?} while Stripe says {status}");
}

async fn assert_invoices(shop: &Shop, shown: &Shown) {
    let rows = shop.app.database().rows("select id, status, total_cents from invoices").await;
    let kept: BTreeMap<String, (String, i64)> =
        rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
    let there = shown.invoices.iter().map(|invoice| {
        (text(&invoice["id"]).to_owned(), (text(&invoice["status"]).to_owned(), integer(&invoice["total"])))
    });
    assert_eq!(kept, there.collect());
}
