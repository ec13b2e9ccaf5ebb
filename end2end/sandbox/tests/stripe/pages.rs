//! The hosted pages as a person uses them.

use axum::http::Method;
use serde_json::json;

use crate::account::{Account, GOOD_CARD, id_of};

#[tokio::test]
async fn a_declined_card_leaves_the_checkout_open() {
    let account = Account::new("declined");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let session = account.checkout(&customer, &price, &[]).await;
    let url = session["url"].as_str().unwrap();
    let (status, page) = account.submit(url, &[("card", "4000000000000002")]).await;
    assert_eq!(status, 200);
    assert!(page.contains("Your card was declined."));
    assert!(account.get("subscriptions", &[]).await["data"].as_array().unwrap().is_empty());
    assert_eq!(account.submit(url, &[("card", GOOD_CARD)]).await.0, 303);
    assert_eq!(account.submit(url, &[("card", GOOD_CARD)]).await.0, 400);
}

#[tokio::test]
async fn three_d_secure_is_passed_or_failed_on_a_page_of_its_own() {
    let account = Account::new("secure");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let session = account.checkout(&customer, &price, &[]).await;
    let url = session["url"].as_str().unwrap();
    let card = ("card", "4000002500003155");
    assert!(account.submit(url, &[card]).await.1.contains("Complete authentication"));
    assert!(account.submit(url, &[card, ("challenge", "fail")]).await.1.contains("unable to authenticate"));
    assert_eq!(account.submit(url, &[card, ("challenge", "complete")]).await.0, 303);
    let subscription = account.get("subscriptions", &[]).await["data"][0].clone();
    assert_eq!(subscription["status"], "active");
    account.advance(32).await;
    assert_eq!(account.subscription(&id_of(&subscription)).await["status"], "active");
}

#[tokio::test]
async fn a_checkout_expires_after_a_day() {
    let account = Account::new("expiry");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let session = account.checkout(&customer, &price, &[]).await;
    account.advance(1).await;
    assert_eq!(
        account.get(&format!("checkout/sessions/{}", id_of(&session)), &[]).await["status"],
        "expired"
    );
    assert_eq!(account.event_types().await.last().unwrap(), "checkout.session.expired");
}

#[tokio::test]
async fn a_pack_is_bought_once() {
    let account = Account::new("pack");
    let form = [
        ("mode", "payment"),
        ("customer", &account.customer().await),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount]", "1000"),
        ("line_items[0][price_data][product_data][name]", "Pack"),
        ("payment_intent_data[metadata][account]", "acc-1"),
        ("success_url", "http://localhost:3000/"),
    ];
    let session = account.post("checkout/sessions", &form).await;
    account.submit(session["url"].as_str().unwrap(), &[("card", GOOD_CARD)]).await;
    let expanded = [("expand[]", "payment_intent.latest_charge")];
    let session = account.get(&format!("checkout/sessions/{}", id_of(&session)), &expanded).await;
    assert_eq!((&session["payment_status"], &session["amount_total"]), (&json!("paid"), &json!(1000)));
    assert_eq!(session["payment_intent"]["metadata"]["account"], "acc-1");
    assert_eq!(session["payment_intent"]["latest_charge"]["amount"], 1000);
}

#[tokio::test]
async fn an_overdue_invoice_is_paid_on_its_page() {
    let account = Account::new("overdue");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let id = account.subscribe(&customer, &price, "4000000000000341").await;
    account.advance(32).await;
    let invoice = account.get("invoices", &[("status", "open")]).await["data"][0].clone();
    let url = invoice["hosted_invoice_url"].as_str().unwrap();
    assert!(account.submit(url, &[("card", "4000000000009995")]).await.1.contains("insufficient funds"));
    assert_eq!(account.submit(url, &[("card", GOOD_CARD)]).await.0, 303);
    assert_eq!(account.subscription(&id).await["status"], "active");
    account.advance(31).await;
    assert_eq!(account.subscription(&id).await["status"], "active");
}

#[tokio::test]
async fn the_portal_changes_the_card_and_gives_notice() {
    let account = Account::new("portal");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let id = account.subscribe(&customer, &price, "4000000000000341").await;
    let session = account.post("billing_portal/sessions", &[("customer", &customer)]).await;
    let url = session["url"].as_str().unwrap();
    assert_eq!(account.submit(url, &[("action", "change_card"), ("card", GOOD_CARD)]).await.0, 303);
    account.advance(32).await;
    assert_eq!(account.subscription(&id).await["status"], "active");
    account.submit(url, &[("action", "cancel"), ("subscription", &id)]).await;
    assert_eq!(account.subscription(&id).await["cancel_at_period_end"], true);
    account.submit(url, &[("action", "resume"), ("subscription", &id)]).await;
    assert_eq!(account.subscription(&id).await["cancel_at_period_end"], false);
}

#[tokio::test]
async fn a_portal_flow_confirms_another_plan_and_goes_back() {
    let account = Account::new("flow");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let team = account.price("team", "5000", "month").await;
    let id = account.subscribe(&customer, &price, GOOD_CARD).await;
    let item = id_of(&account.subscription(&id).await["items"]["data"][0]);
    let form = [
        ("customer", customer.as_str()),
        ("flow_data[type]", "subscription_update_confirm"),
        ("flow_data[subscription_update_confirm][subscription]", id.as_str()),
        ("flow_data[subscription_update_confirm][items][0][id]", item.as_str()),
        ("flow_data[subscription_update_confirm][items][0][price]", team.as_str()),
        ("flow_data[after_completion][type]", "redirect"),
        ("flow_data[after_completion][redirect][return_url]", "http://localhost:3000/billing"),
    ];
    let session = account.post("billing_portal/sessions", &form).await;
    let change = [("action", "change_plan"), ("subscription", id.as_str()), ("price", team.as_str())];
    let (_, location) = account.submit(session["url"].as_str().unwrap(), &change).await;
    assert_eq!(location, "http://localhost:3000/billing");
    assert_eq!(account.subscription(&id).await["items"]["data"][0]["price"]["lookup_key"], "team");
}

#[tokio::test]
async fn the_control_page_moves_the_clock_and_lets_a_payment_fail() {
    let account = Account::new("page");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let id = account.subscribe(&customer, &price, GOOD_CARD).await;
    let page = "http://127.0.0.1:4010/control/stripe";
    let fail =
        [("key", account.key.as_str()), ("action", "fail_next_payment"), ("customer", customer.as_str())];
    assert_eq!(account.submit(page, &fail).await.0, 303);
    for action in ["month", "day"] {
        account.submit(page, &[("key", &account.key), ("action", action)]).await;
    }
    let failed = account.get("events", &[("type", "invoice.payment_failed")]).await;
    assert_eq!(failed["data"].as_array().unwrap().len(), 1);
    assert_eq!(account.control(Method::GET, "", json!(null)).await["ahead_seconds"], 32 * 86_400);
    assert!(!account.subscription(&id).await.is_null());
}

#[tokio::test]
async fn the_control_page_leads_to_the_end_of_dunning_and_back() {
    let account = Account::new("dunning-page");
    let (price, customer) = (account.monthly_price("pro").await, account.customer().await);
    let id = account.subscribe(&customer, &price, GOOD_CARD).await;
    let page = "http://127.0.0.1:4010/control/stripe";
    let act = async |action: &str, more: (&str, &str)| {
        assert_eq!(account.submit(page, &[("key", &account.key), ("action", action), more]).await.0, 303);
    };
    act("set_after_retries", ("after_retries", "mark_unpaid")).await;
    act("fail_payments", ("customer", &customer)).await;
    for span in ["month", "week", "week"] {
        act(span, ("customer", &customer)).await;
    }
    assert_eq!(account.subscription(&id).await["status"], "unpaid");
    act("allow_payments", ("customer", &customer)).await;
    let open = account.get("invoices", &[("status", "open"), ("subscription", &id)]).await;
    for invoice in open["data"].as_array().unwrap() {
        account.post(&format!("invoices/{}/pay", id_of(invoice)), &[]).await;
    }
    assert_eq!(account.subscription(&id).await["status"], "active");
}
