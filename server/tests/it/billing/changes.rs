//! Changing what is subscribed to: clicked twice, given up half-way, refused.

use std::time::Duration;

use app::types::Nanos;
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use server::build_router;

use crate::support::{Browser, Shop, TestDatabase, ask, available, begin, billing, to_router};

const PRO: [(&str, &str); 2] = [("plan", "pro"), ("interval", "month")];
const MAX: [(&str, &str); 2] = [("plan", "max"), ("interval", "month")];

/// Where each of two clicks leads.
async fn click_twice(browser: &Browser, function: &str, fields: &[(&str, &str)]) -> [String; 2] {
    let function = format!("billing/{function}");
    let pages = join_all((0..2).map(|_| begin(browser, &function, fields))).await;
    pages.try_into().expect("two")
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_clicked_twice_happens_once_and_both_clicks_see_it() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    let subscription = async || billing(&browser).await.subscription.expect("a subscription");
    let to_billing = ["/billing", "/billing"];

    assert_eq!(click_twice(&browser, "change_plan", &MAX).await, to_billing);
    assert_eq!(subscription().await.plan_key, "max");
    assert_eq!(shop.stripe.list("invoices").await.len(), 2, "the difference was paid once");

    assert_eq!(click_twice(&browser, "change_plan", &PRO).await, to_billing);
    assert_eq!(subscription().await.changes_to.expect("a change").plan_key, "pro");
    assert_eq!(shop.stripe.list("subscription_schedules").await.len(), 1);

    assert_eq!(click_twice(&browser, "cancel_subscription", &[]).await, to_billing);
    let ending = subscription().await;
    assert_eq!((ending.ends_at, ending.changes_to), (Some(ending.renews_at), None));

    assert_eq!(click_twice(&browser, "resume_subscription", &[]).await, to_billing);
    assert_eq!(subscription().await.ends_at, None);

    let pages = click_twice(&browser, "buy_pack", &[("pack", "credit_10")]).await;
    assert!(pages.iter().all(|page| page.contains("/checkout/")), "{pages:?}");
    assert_eq!(shop.stripe.list("customers").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_waits_for_its_payment_and_is_clicked_again_leads_to_the_same_page() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.set_card_mode(&customer, Some("require_authentication")).await;
    let [one, other] = click_twice(&browser, "change_plan", &MAX).await;
    assert!(one.contains("/invoices/"), "{one}");
    assert_eq!(one, other);
    assert_eq!(begin(&browser, "billing/change_plan", &MAX).await, one, "also later");
    let invoices = shop.stripe.list("invoices").await;
    let states: Vec<_> = invoices.iter().map(|invoice| invoice["status"].as_str().expect("text")).collect();
    assert_eq!(states, ["open", "paid"], "none was voided");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_planned_stays_until_it_is_taken_back() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "year").await;
    begin(&browser, "billing/cancel_subscription", &[]).await;
    // Whoever is led to pay for an upgrade may never come back.
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    let refused = async |plan| {
        let (status, error) =
            browser.error("billing/change_plan", &[("plan", plan), ("interval", "year")]).await;
        assert_eq!(status, 400);
        error["message"].as_str().expect("a message").to_owned()
    };
    assert!(refused("max").await.contains("Your subscription is cancelled. Take that back first"));
    let kept = &shop.stripe.list("subscriptions").await[0];
    assert_eq!(kept["cancel_at_period_end"], true, "it does not renew");

    begin(&browser, "billing/resume_subscription", &[]).await;
    begin(&browser, "billing/change_plan", &PRO).await;
    assert!(refused("max").await.contains("Another change of your plan is planned already."));
    let planned = billing(&browser).await.subscription.expect("a subscription").changes_to;
    assert_eq!(planned.expect("a change").interval, app::types::Interval::Month);
}

/// It gives less in a month, so it waits; then the whole year is paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_planned_change_from_monthly_to_yearly_is_a_year_that_is_paid_for() {
    let shop = Shop::with_clock().await;
    let (browser, _) = shop.subscriber("max", "month").await;
    let yearly = [("plan", "pro"), ("interval", "year")];
    assert_eq!(begin(&browser, "billing/change_plan", &yearly).await, "/billing");
    shop.advance_days(32).await;
    let invoice = &shop.stripe.list("invoices").await[0];
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&json!("paid"), &json!(20_000)));
    assert_eq!(available(&browser).await, Nanos::from_cents(1500));
    let billing = billing(&browser).await;
    let subscription = billing.subscription.expect("a subscription");
    let days = (subscription.renews_at - chrono::Utc::now()).num_days();
    assert!((390..=398).contains(&days), "a year from the end of the month on: {days}");
}

/// The schedule of a planned change has to be released before its subscription can be cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_goes_on_to_its_end_without_whoever_has_asked_for_it() {
    // Nobody else waits for the account's lock.
    let shop = Shop::without_worker(TestDatabase::create().await).await;
    let (browser, _) = shop.subscriber("max", "month").await;
    begin(&browser, "billing/change_plan", &PRO).await;

    let state = shop.app.another_state(|_| {});
    let database = shop.app.database();
    database.execute("begin; select 1 from accounts for update").await;
    let cancel = browser.request(Method::POST, "/api/billing/cancel_subscription");
    tokio::select! {
        status = ask(build_router(&state), to_router(cancel)) => panic!("it answered {status}"),
        () = database.waits_for_lock() => {}
    }
    database.execute("commit").await;
    state.begin_shutdown();
    state.finish_changes(Duration::from_secs(60)).await;
    let subscription = billing(&browser).await.subscription.expect("a subscription");
    assert_eq!((subscription.ends_at, subscription.changes_to), (Some(subscription.renews_at), None));
}

/// As a worker or a server that was killed leaves it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_nobody_ends_runs_out() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    let leased = "update accounts set change_leased_until = clock_timestamp() + interval '1 second'";
    shop.app.database().execute(leased).await;
    begin(&browser, "billing/cancel_subscription", &[]).await;
    assert!(billing(&browser).await.subscription.expect("a subscription").ends_at.is_some());
}
