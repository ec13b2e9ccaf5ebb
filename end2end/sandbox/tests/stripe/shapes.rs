//! Every object carries every field that Stripe's published examples of its kind have; client libraries require them.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Value, json};

use crate::account::{Account, GOOD_CARD, id_of};

/// The fields of Stripe's published example of each kind (github.com/stripe/openapi, fixtures3.json).
const FIELDS: &str = include_str!("fields.json");

/// Everything an account can be made to answer.
async fn everything() -> Vec<Value> {
    let account = Account::new("shapes");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let id = account.subscribe(&customer, &price, GOOD_CARD).await;
    let charge = id_of(&account.get("charges", &[]).await["data"][0]);
    account.post("refunds", &[("charge", &charge), ("amount", "1")]).await;
    account.control(Method::POST, "/disputes", json!({"charge": charge})).await;
    account.post("invoiceitems", &[("customer", &customer), ("amount", "100")]).await;
    account.post("subscription_schedules", &[("from_subscription", &id)]).await;
    let endpoint = [("url", "http://127.0.0.1:1/"), ("enabled_events[]", "no.such")];
    account.post("webhook_endpoints", &endpoint).await;
    let meter = [("display_name", "m"), ("event_name", "m"), ("default_aggregation[formula]", "sum")];
    let meter = id_of(&account.post("billing/meters", &meter).await);
    let used =
        [("event_name", "m"), ("payload[stripe_customer_id]", customer.as_str()), ("payload[value]", "1")];
    let range = [("customer", customer.as_str()), ("start_time", "0"), ("end_time", "60")];
    let session = account.get("checkout/sessions", &[]).await["data"][0].clone();
    let mut answers = vec![
        account.post("billing/meter_events", &used).await,
        account.get(&format!("billing/meters/{meter}/event_summaries"), &range).await,
        account.post("billing_portal/sessions", &[("customer", &customer)]).await,
        account.get(&format!("checkout/sessions/{}/line_items", id_of(&session)), &[]).await,
    ];
    let lists = [
        "products",
        "prices",
        "customers",
        "checkout/sessions",
        "subscriptions",
        "subscription_schedules",
        "invoices",
        "invoiceitems",
        "invoice_payments",
        "charges",
        "payment_intents",
        "refunds",
        "disputes",
        "billing/meters",
        "billing_portal/configurations",
        "webhook_endpoints",
        "events",
    ];
    for list in lists {
        answers.push(account.get(list, &[("limit", "100")]).await);
    }
    answers.push(account.get("payment_methods", &[("customer", &customer)]).await);
    answers.push(account.delete(&format!("customers/{customer}")).await);
    answers
}

/// Checks an answer and everything inside it.
fn check(answer: &Value, fields: &BTreeMap<String, BTreeSet<String>>, seen: &mut BTreeSet<String>) {
    match answer {
        Value::Array(elements) => elements.iter().for_each(|element| check(element, fields, seen)),
        Value::Object(object) => {
            let kind = answer["object"].as_str().unwrap_or_default();
            let kind = if answer["deleted"] == true { format!("deleted_{kind}") } else { kind.to_owned() };
            if let Some(wanted) = fields.get(&kind) {
                let missing: Vec<_> = wanted.iter().filter(|field| !object.contains_key(*field)).collect();
                assert!(missing.is_empty(), "{kind} lacks {missing:?}");
                seen.insert(kind);
            }
            object.values().for_each(|value| check(value, fields, seen));
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_object_carries_every_field() {
    let fields: BTreeMap<String, BTreeSet<String>> = serde_json::from_str(FIELDS).unwrap();
    let mut seen = BTreeSet::new();
    check(&json!(everything().await), &fields, &mut seen);
    let unseen: Vec<_> = fields.keys().filter(|kind| !seen.contains(*kind)).collect();
    assert_eq!(unseen, ["setup_intent"]);
}
