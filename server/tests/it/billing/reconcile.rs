use app::types::{Nanos, Standing};
use serde_json::json;

use crate::support::{Shop, available, billing};

/// Fault 30.
#[tokio::test(flavor = "multi_thread")]
async fn what_four_days_without_webhooks_have_missed_is_repaired() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    shop.stripe.control("webhooks/faults", json!({ "drop_percent": 100 })).await;
    let subscription = shop.stripe.list("subscriptions").await[0]["id"].as_str().expect("an id").to_owned();
    shop.stripe.post(&format!("subscriptions/{subscription}"), &[("cancel_at_period_end", "true")]).await;
    shop.stripe.advance_days(36).await;
    assert_eq!(billing(&browser).await.standing, Standing::Active, "nobody has told us");

    shop.reconcile().await;
    shop.settle().await;
    assert_eq!(billing(&browser).await.standing, Standing::Free);
}

/// Fault 30.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_while_the_database_is_away_is_not_taken_and_applies_once_when_it_comes_again() {
    let shop = Shop::without_webhooks().await;
    let away = shop.app.another_server_with(|config| {
        config.database.url = "postgres://127.0.0.1:9/none".to_owned().into();
        config.database.pool_wait = std::time::Duration::from_millis(200);
    });
    let away = away.await;
    let browser = shop.app.user().await;
    shop.subscribe(&browser, "pro", "month").await;
    let events = shop.stripe.list("events?type=checkout.session.completed").await;
    let body = events[0].to_string();
    let refused = super::webhooks::deliver(&away, &body, &super::webhooks::sign(&body, 0)).await;
    assert_eq!(refused, 503);
    let kept = "select count(*) from stripe_events where type = 'checkout.session.completed'";
    assert_eq!(shop.number(kept).await, 0);
    for _ in 0..2 {
        let taken = super::webhooks::deliver(&shop.app.url, &body, &super::webhooks::sign(&body, 0)).await;
        assert_eq!(taken, 200);
    }
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(1500));
}

/// The row of an account names its subscription: with the name of the one before, every comparison would find a drift.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_subscription_takes_the_place_of_the_one_that_has_ended() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    let first = shop.stripe.list("subscriptions").await[0]["id"].as_str().expect("an id").to_owned();
    shop.stripe.delete(&format!("subscriptions/{first}")).await;
    shop.settle().await;
    shop.subscribe(&browser, "pro", "month").await;
    shop.settle().await;
    let second = shop.stripe.list("subscriptions").await[0]["id"].as_str().expect("an id").to_owned();
    let kept: String = shop.app.database().rows("select id from subscriptions").await[0].get(0);
    assert_eq!(kept, second);
    shop.reconcile().await;
    let drifted = "select drifted_customers::bigint from reconciliations order by started_at desc limit 1";
    assert_eq!(shop.number(drifted).await, 0);
}
