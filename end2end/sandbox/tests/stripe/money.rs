//! Money that goes back, is disputed, or is metered; and an API that is down.

use axum::http::Method;
use serde_json::{Value, json};

use crate::account::{Account, GOOD_CARD, id_of};

async fn charge_of(account: &Account) -> Value {
    account.get("charges", &[]).await["data"][0].clone()
}

async fn paid(key: &str) -> Account {
    let account = Account::new(key);
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    account.subscribe(&customer, &price, GOOD_CARD).await;
    account
}

#[tokio::test]
async fn a_charge_is_refunded_in_parts_and_not_beyond() {
    let account = paid("refunds").await;
    let charge = id_of(&charge_of(&account).await);
    account.post("refunds", &[("charge", &charge), ("amount", "500")]).await;
    assert_eq!(
        account.refused("refunds", &[("charge", &charge), ("amount", "1501")]).await["param"],
        "amount"
    );
    account.post("refunds", &[("charge", &charge)]).await;
    assert_eq!(account.refused("refunds", &[("charge", &charge)]).await["code"], "charge_already_refunded");
    let charge = charge_of(&account).await;
    assert_eq!((&charge["amount_refunded"], &charge["refunded"]), (&json!(2000), &json!(true)));
    assert_eq!(
        account.get("events", &[("type", "charge.refunded")]).await["data"].as_array().unwrap().len(),
        2
    );
}

#[tokio::test]
async fn a_dispute_is_opened_and_decided_by_hand() {
    let account = paid("disputes").await;
    let charge = id_of(&charge_of(&account).await);
    let dispute = account.control(Method::POST, "/disputes", json!({"charge": charge})).await;
    assert_eq!(charge_of(&account).await["disputed"], true);
    let path = format!("/disputes/{}/close", id_of(&dispute));
    account.control(Method::POST, &path, json!({"won": false})).await;
    assert_eq!(account.get(&format!("disputes/{}", id_of(&dispute)), &[]).await["status"], "lost");
    assert_eq!(account.event_types().await.last().unwrap(), "charge.dispute.closed");
}

/// A meter for tokens and a price of a hundredth of a cent for each.
async fn metered(account: &Account) -> String {
    let form = [
        ("display_name", "Overage"),
        ("event_name", "overage"),
        ("default_aggregation[formula]", "sum"),
        ("customer_mapping[event_payload_key]", "stripe_customer_id"),
        ("customer_mapping[type]", "by_id"),
        ("value_settings[event_payload_key]", "value"),
    ];
    let meter = id_of(&account.post("billing/meters", &form).await);
    let form = [
        ("currency", "usd"),
        ("unit_amount_decimal", "0.01"),
        ("lookup_key", "overage"),
        ("recurring[interval]", "month"),
        ("recurring[usage_type]", "metered"),
        ("recurring[meter]", &meter),
        ("product_data[name]", "Overage"),
    ];
    id_of(&account.post("prices", &form).await)
}

#[tokio::test]
async fn metered_use_is_billed_at_the_end_of_the_period_and_counted_once() {
    let account = Account::new("meters");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let overage = metered(&account).await;
    let session = account.checkout(&customer, &price, &[("line_items[1][price]", &overage)]).await;
    account.submit(session["url"].as_str().unwrap(), &[("card", GOOD_CARD)]).await;
    let event = |identifier: &'static str| {
        [
            ("event_name", "overage"),
            ("payload[stripe_customer_id]", &customer),
            ("payload[value]", "12345"),
            ("identifier", identifier),
        ]
    };
    account.post("billing/meter_events", &event("u-1")).await;
    assert!(
        account.refused("billing/meter_events", &event("u-1")).await["message"]
            .as_str()
            .unwrap()
            .contains("u-1")
    );
    account.post("billing/meter_events", &event("u-2")).await;
    let sums = account.control(Method::GET, "/meters", Value::Null).await;
    assert_eq!(sums["overage"][&customer], 24_690);
    account.advance(32).await;
    let invoice = account.get("invoices", &[]).await["data"][0].clone();
    // 24,690 hundredths of a cent are 2.47 dollars.
    assert_eq!((&invoice["amount_paid"], &invoice["status"]), (&json!(2_247), &json!("paid")));
}

#[tokio::test]
async fn an_api_that_is_down_does_nothing_or_loses_its_answer() {
    let account = Account::new("outage");
    account.control(Method::POST, "/outage", json!({"mode": "unavailable", "requests": 1})).await;
    assert_eq!(account.ask(Method::POST, "customers", &[]).await.status, 503);
    account.control(Method::POST, "/outage", json!({"mode": "lose_answer", "requests": 1})).await;
    assert_eq!(account.ask(Method::POST, "customers", &[]).await.status, 503);
    assert_eq!(account.get("customers", &[]).await["data"].as_array().unwrap().len(), 1);
}
