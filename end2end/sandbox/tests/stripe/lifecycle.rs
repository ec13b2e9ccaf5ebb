//! Subscriptions over time: bought, renewed, failing, canceled.

use axum::http::Method;
use serde_json::json;

use crate::account::{Account, GOOD_CARD, id_of};

#[tokio::test]
async fn a_subscription_is_bought_on_the_page_and_renewed_a_month_later() {
    let account = Account::new("renewal");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let session = account.checkout(&customer, &price, &[("client_reference_id", "acc-1")]).await;
    let (status, location) = account.submit(session["url"].as_str().unwrap(), &[("card", GOOD_CARD)]).await;
    assert_eq!(status, 303);
    assert_eq!(location, format!("http://localhost:3000/billing?session={}", id_of(&session)));

    let session =
        account.get(&format!("checkout/sessions/{}", id_of(&session)), &[("expand[]", "subscription")]).await;
    assert_eq!((&session["status"], &session["payment_status"]), (&"complete".into(), &"paid".into()));
    let subscription = session["subscription"].clone();
    assert_eq!(subscription["status"], "active");
    let types = account.event_types().await;
    for kind in
        ["customer.subscription.created", "invoice.paid", "charge.succeeded", "checkout.session.completed"]
    {
        assert!(types.iter().any(|own| own == kind), "{kind} in {types:?}");
    }

    let period_end = subscription["items"]["data"][0]["current_period_end"].as_i64().unwrap();
    let now = account.control(Method::GET, "", json!(null)).await["now"].as_i64().unwrap();
    account.control(Method::POST, "/advance", json!({"seconds": period_end - now + 60})).await;
    let invoices = account.get("invoices", &[("subscription", subscription["id"].as_str().unwrap())]).await;
    assert_eq!(invoices["data"].as_array().unwrap().len(), 2);
    let draft = &invoices["data"][0];
    assert_eq!((&draft["status"], &draft["billing_reason"]), (&"draft".into(), &"subscription_cycle".into()));
    assert_eq!(draft["lines"]["data"][0]["period"]["start"], period_end);

    account.control(Method::POST, "/advance", json!({"seconds": 3_600})).await;
    let invoice = account.get(&format!("invoices/{}", id_of(draft)), &[("expand[]", "payments")]).await;
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&"paid".into(), &2000.into()));
    assert_eq!(invoice["payments"]["data"][0]["status"], "paid");
}

/// The first second of the period that comes next, and an hour: the renewal was tried.
async fn renew(account: &Account, subscription: &str) {
    let item = account.subscription(subscription).await["items"]["data"][0].clone();
    let now = account.control(Method::GET, "", json!(null)).await["now"].as_i64().unwrap();
    let seconds = item["current_period_end"].as_i64().unwrap() - now + 3_601;
    account.control(Method::POST, "/advance", json!({"seconds": seconds})).await;
}

#[tokio::test]
async fn a_declined_renewal_is_retried_for_a_week_and_then_ends_the_subscription() {
    let account = Account::new("dunning");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let id = account.subscribe(&customer, &price, "4000000000000341").await;
    assert_eq!(account.subscription(&id).await["status"], "active");
    renew(&account, &id).await;
    let subscription = account.subscription(&id).await;
    assert_eq!(subscription["status"], "past_due");
    let invoice = subscription["latest_invoice"].as_str().unwrap().to_owned();
    for (days, attempts) in [(0, 1), (1, 2), (2, 3), (2, 4)] {
        account.advance(days).await;
        assert_eq!(account.get(&format!("invoices/{invoice}"), &[]).await["attempt_count"], attempts);
    }
    account.advance(2).await;
    let subscription = account.subscription(&id).await;
    assert_eq!(subscription["status"], "canceled");
    assert_eq!(subscription["cancellation_details"]["reason"], "payment_failed");
    let invoice = account.get(&format!("invoices/{invoice}"), &[]).await;
    assert_eq!((&invoice["status"], &invoice["attempt_count"]), (&json!("open"), &json!(5)));
}

#[tokio::test]
async fn a_payment_that_was_told_to_fail_once_is_made_up_for_by_the_retry() {
    let account = Account::new("recovery");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let id = account.subscribe(&customer, &price, GOOD_CARD).await;
    account
        .control(Method::POST, "/cards", json!({"customer": customer, "mode": "decline", "times": 1}))
        .await;
    renew(&account, &id).await;
    assert_eq!(account.subscription(&id).await["status"], "past_due");
    account.advance(1).await;
    assert_eq!(account.subscription(&id).await["status"], "active");
}
