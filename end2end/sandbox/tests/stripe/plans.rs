//! Changing plans: upgrades with proration, downgrades by schedule, notice, trials.

use axum::http::Method;
use serde_json::{Value, json};

use crate::account::{Account, GOOD_CARD, id_of};

struct Subscribed {
    account: Account,
    customer: String,
    subscription: String,
    item: String,
}

async fn subscribed(key: &str) -> Subscribed {
    let account = Account::new(key);
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let subscription = account.subscribe(&customer, &price, GOOD_CARD).await;
    let item = id_of(&account.subscription(&subscription).await["items"]["data"][0]);
    Subscribed { account, customer, subscription, item }
}

impl Subscribed {
    async fn update(&self, form: &[(&str, &str)]) -> Value {
        self.account.post(&format!("subscriptions/{}", self.subscription), form).await
    }

    async fn change_to(&self, price: &str, behavior: &str) -> Value {
        let form = [
            ("items[0][id]", self.item.as_str()),
            ("items[0][price]", price),
            ("proration_behavior", behavior),
        ];
        self.update(&form).await
    }

    async fn latest_invoice(&self) -> Value {
        let expanded = [("expand[]", "latest_invoice")];
        self.account.get(&format!("subscriptions/{}", self.subscription), &expanded).await["latest_invoice"]
            .clone()
    }

    /// Goes to the end of the period and an hour further.
    async fn renew(&self) {
        let subscription = self.account.subscription(&self.subscription).await;
        let end = subscription["items"]["data"][0]["current_period_end"].as_i64().unwrap();
        let now = self.account.control(Method::GET, "", json!(null)).await["now"].as_i64().unwrap();
        self.account.control(Method::POST, "/advance", json!({"seconds": end - now + 3_601})).await;
    }
}

#[tokio::test]
async fn an_upgrade_is_billed_at_once_for_the_rest_of_the_period() {
    let ada = subscribed("upgrade").await;
    let team = ada.account.price("team", "5000", "month").await;
    ada.account.control(Method::POST, "/advance", json!({"days": 10})).await;
    ada.change_to(&team, "always_invoice").await;
    let invoice = ada.latest_invoice().await;
    let lines = invoice["lines"]["data"].as_array().unwrap();
    let [credit, charge] = lines.as_slice() else { panic!("two lines: {lines:?}") };
    assert!(credit["amount"].as_i64().unwrap() < 0);
    assert_eq!(credit["parent"]["subscription_item_details"]["proration"], true);
    let total = credit["amount"].as_i64().unwrap() + charge["amount"].as_i64().unwrap();
    assert!((1_900..2_100).contains(&total), "two thirds of 30 dollars: {total}");
    assert_eq!(
        (&invoice["status"], &invoice["billing_reason"]),
        (&json!("paid"), &json!("subscription_update"))
    );
    assert_eq!(invoice["amount_paid"], total);
}

#[tokio::test]
async fn prorations_that_were_not_billed_come_with_the_renewal() {
    let ada = subscribed("pending").await;
    let team = ada.account.price("team", "5000", "month").await;
    ada.change_to(&team, "create_prorations").await;
    assert_eq!(ada.latest_invoice().await["billing_reason"], "subscription_create");
    ada.renew().await;
    let invoice = ada.latest_invoice().await;
    assert_eq!(invoice["lines"]["data"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&invoice["billing_reason"], &invoice["status"]),
        (&json!("subscription_cycle"), &json!("paid"))
    );
}

#[tokio::test]
async fn a_year_instead_of_a_month_begins_at_once() {
    let ada = subscribed("yearly").await;
    let yearly = ada.account.price("pro-yearly", "20000", "year").await;
    let changed = ada.change_to(&yearly, "create_prorations").await;
    let item = &changed["items"]["data"][0];
    let days = (item["current_period_end"].as_i64().unwrap()
        - item["current_period_start"].as_i64().unwrap())
        / 86_400;
    assert!((365..=366).contains(&days));
    assert_eq!(ada.latest_invoice().await["status"], "paid");
}

#[tokio::test]
async fn an_upgrade_that_must_be_paid_changes_nothing_when_the_card_is_declined() {
    let ada = subscribed("strict").await;
    let team = ada.account.price("team", "5000", "month").await;
    ada.account.control(Method::POST, "/cards", json!({"customer": ada.customer, "mode": "decline"})).await;
    let form = [
        ("items[0][id]", ada.item.as_str()),
        ("items[0][price]", team.as_str()),
        ("proration_behavior", "always_invoice"),
        ("payment_behavior", "error_if_incomplete"),
    ];
    let error = ada.account.refused(&format!("subscriptions/{}", ada.subscription), &form).await;
    assert_eq!((&error["type"], &error["code"]), (&json!("card_error"), &json!("card_declined")));
    let item = ada.account.subscription(&ada.subscription).await["items"]["data"][0].clone();
    assert_eq!(item["price"]["lookup_key"], "pro");
}

#[tokio::test]
async fn an_upgrade_that_may_wait_changes_nothing_until_its_invoice_is_paid_and_is_forgotten_after_23_hours()
{
    let ada = subscribed("pending-update").await;
    let team = ada.account.price("team", "5000", "month").await;
    ada.account.control(Method::POST, "/cards", json!({"customer": ada.customer, "mode": "decline"})).await;
    let form = [
        ("items[0][id]", ada.item.as_str()),
        ("items[0][price]", team.as_str()),
        ("proration_behavior", "always_invoice"),
        ("payment_behavior", "pending_if_incomplete"),
    ];
    let waiting = ada.update(&form).await;
    assert_eq!((&waiting["status"], price_of(&waiting)), (&json!("active"), &json!("pro")));
    assert_eq!(waiting["pending_update"]["subscription_items"][0]["price"]["lookup_key"], "team");
    let unpaid = ada.latest_invoice().await;
    assert_eq!((&unpaid["status"], &unpaid["next_payment_attempt"]), (&json!("open"), &Value::Null));
    ada.account.control(Method::POST, "/advance", json!({"seconds": 23 * 3_600})).await;
    let kept = ada.account.subscription(&ada.subscription).await;
    assert_eq!((&kept["pending_update"], price_of(&kept)), (&Value::Null, &json!("pro")));
    assert_eq!(ada.latest_invoice().await["status"], "void");

    ada.update(&form).await;
    ada.account.control(Method::POST, "/cards", json!({"customer": ada.customer})).await;
    ada.account.post(&format!("invoices/{}/pay", id_of(&ada.latest_invoice().await)), &[]).await;
    let changed = ada.account.subscription(&ada.subscription).await;
    assert_eq!((&changed["pending_update"], price_of(&changed)), (&Value::Null, &json!("team")));
    let told = ada.account.event_types().await;
    assert_eq!(told.iter().filter(|kind| kind.contains("pending_update_expired")).count(), 1);
    assert_eq!(told.iter().filter(|kind| kind.contains("pending_update_applied")).count(), 1);
}

fn price_of(subscription: &Value) -> &Value {
    &subscription["items"]["data"][0]["price"]["lookup_key"]
}

#[tokio::test]
async fn a_schedule_downgrades_at_the_end_of_the_period() {
    let ada = subscribed("schedule").await;
    let basic = ada.account.price("basic", "500", "month").await;
    let schedule =
        ada.account.post("subscription_schedules", &[("from_subscription", &ada.subscription)]).await;
    let phase = &schedule["phases"][0];
    let (start, end) = (phase["start_date"].to_string(), phase["end_date"].to_string());
    let form = [
        ("end_behavior", "release"),
        ("phases[0][start_date]", start.as_str()),
        ("phases[0][end_date]", end.as_str()),
        ("phases[0][items][0][price]", phase["items"][0]["price"].as_str().unwrap()),
        ("phases[1][items][0][price]", basic.as_str()),
        ("phases[1][proration_behavior]", "none"),
    ];
    ada.account.post(&format!("subscription_schedules/{}", id_of(&schedule)), &form).await;
    ada.renew().await;
    let invoice = ada.latest_invoice().await;
    assert_eq!(
        (&invoice["amount_paid"], &invoice["billing_reason"]),
        (&json!(500), &json!("subscription_cycle"))
    );
    ada.renew().await;
    let schedule = ada.account.get(&format!("subscription_schedules/{}", id_of(&schedule)), &[]).await;
    assert_eq!(schedule["status"], "completed");
    assert_eq!(ada.account.subscription(&ada.subscription).await["schedule"], Value::Null);
}

/// As people report of the real one.
#[tokio::test]
async fn a_schedule_from_a_month_to_a_year_bills_the_year_only_when_its_phase_begins_a_period() {
    for (anchor, cents) in [("automatic", 2_000), ("phase_start", 20_000)] {
        let ada = subscribed(&format!("schedule-{anchor}")).await;
        let yearly = ada.account.price("pro-yearly", "20000", "year").await;
        let schedule =
            ada.account.post("subscription_schedules", &[("from_subscription", &ada.subscription)]).await;
        let phase = &schedule["phases"][0];
        let (start, end) = (phase["start_date"].to_string(), phase["end_date"].to_string());
        let form = [
            ("phases[0][start_date]", start.as_str()),
            ("phases[0][end_date]", end.as_str()),
            ("phases[0][items][0][price]", phase["items"][0]["price"].as_str().unwrap()),
            ("phases[1][items][0][price]", yearly.as_str()),
            ("phases[1][proration_behavior]", "none"),
            ("phases[1][billing_cycle_anchor]", anchor),
        ];
        ada.account.post(&format!("subscription_schedules/{}", id_of(&schedule)), &form).await;
        ada.renew().await;
        assert_eq!(ada.latest_invoice().await["amount_paid"], cents, "{anchor}");
        let item = &ada.account.subscription(&ada.subscription).await["items"]["data"][0];
        assert_eq!(
            (&item["price"]["lookup_key"], &item["current_period_start"]),
            (&json!("pro-yearly"), &phase["end_date"])
        );
    }
}

#[tokio::test]
async fn notice_can_be_taken_back_until_the_period_ends() {
    let ada = subscribed("notice").await;
    let noticed = ada.update(&[("cancel_at_period_end", "true")]).await;
    assert_eq!(noticed["cancel_at"], noticed["items"]["data"][0]["current_period_end"]);
    let kept = ada.update(&[("cancel_at_period_end", "false")]).await;
    assert_eq!((&kept["cancel_at"], &kept["canceled_at"]), (&Value::Null, &Value::Null));
    ada.update(&[("cancel_at_period_end", "true")]).await;
    ada.renew().await;
    assert_eq!(ada.account.subscription(&ada.subscription).await["status"], "canceled");
    assert_eq!(ada.account.event_types().await.last().unwrap(), "customer.subscription.deleted");
}

#[tokio::test]
async fn a_trial_warns_before_it_ends_and_pauses_without_a_card() {
    let account = Account::new("trial");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let form = [
        ("customer", customer.as_str()),
        ("items[0][price]", price.as_str()),
        ("trial_period_days", "14"),
        ("trial_settings[end_behavior][missing_payment_method]", "pause"),
    ];
    let id = id_of(&account.post("subscriptions", &form).await);
    assert_eq!(account.subscription(&id).await["status"], "trialing");
    account.advance(12).await;
    assert_eq!(account.event_types().await.last().unwrap(), "customer.subscription.trial_will_end");
    account.advance(3).await;
    assert_eq!(account.subscription(&id).await["status"], "paused");
    let method = account.post("payment_methods/pm_card_visa/attach", &[("customer", &customer)]).await;
    account.post(&format!("subscriptions/{id}"), &[("default_payment_method", &id_of(&method))]).await;
    let resumed = account.post(&format!("subscriptions/{id}/resume"), &[]).await;
    assert_eq!(resumed["status"], "active");
}

#[tokio::test]
async fn a_first_payment_that_never_comes_expires_the_subscription() {
    let account = Account::new("incomplete");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let form = [("customer", customer.as_str()), ("items[0][price]", price.as_str())];
    let id = id_of(&account.post("subscriptions", &form).await);
    assert_eq!(account.subscription(&id).await["status"], "incomplete");
    account.advance(1).await;
    assert_eq!(account.subscription(&id).await["status"], "incomplete_expired");
}
