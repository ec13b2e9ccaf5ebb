use app::types::{Nanos, Standing};
use serde_json::json;

use crate::support::{Shop, TestDatabase, WEBHOOK_SECRET, available, billing};

/// The events that webhooks have not brought, by all comparisons: some are made by the clock.
const MISSED: &str = "select coalesce(sum(missed_events), 0)::bigint from reconciliations";

/// The customers who were not as the last comparison expected.
const DRIFTED: &str =
    "select drifted_customers::bigint from reconciliations order by started_at desc limit 1";

/// (30)
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

/// (30)
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
    assert_eq!(shop.number(DRIFTED).await, 0);
}

/// The account at Stripe may sell other things, too.
#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_that_are_none_of_ours_are_no_drift_and_keep_nothing_from_being_repaired() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    let ours = shop.stripe.list("subscriptions").await[0]["id"].as_str().expect("an id").to_owned();
    let stranger = shop.stripe.post("customers", &[("email", "stranger@example.com")]).await;
    let stranger = stranger["id"].as_str().expect("an id");
    shop.subscribe_customer(stranger).await;
    let metered = shop.stripe.price_id("plumbline_overage").await;
    let metered = [("customer", stranger), ("items[0][price]", &metered)];
    let metered = shop.stripe.post("subscriptions", &metered).await;
    assert_eq!(metered["status"], "active", "{metered}");
    shop.settle().await;

    shop.stripe.control("webhooks/faults", json!({ "drop_percent": 100 })).await;
    shop.stripe.delete(&format!("subscriptions/{ours}")).await;
    shop.reconcile().await;
    shop.settle().await;
    assert_eq!(billing(&browser).await.standing, Standing::Free);
    shop.reconcile().await;
    assert_eq!(shop.number(DRIFTED).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_months_credit_of_a_year_that_was_forgotten_is_made_up_for() {
    let shop = Shop::open().await;
    shop.subscriber("pro", "year").await;
    let forgotten = "delete from jobs where run_at > now() + interval '1 day';
        update subscriptions set credit_resets_at = now() - interval '2 hours'";
    shop.app.database().execute(forgotten).await;
    shop.reconcile().await;
    assert_eq!(shop.number(DRIFTED).await, 1);
    shop.finish("sync_customer").await;
    let planned = "select count(*) from jobs where kind = 'sync_customer' and state = 'ready'
        and run_at = (select credit_resets_at from subscriptions)";
    assert_eq!(shop.number(planned).await, 1);
}

/// A shop whose endpoint is told what `plumbline stripe sync` names, and nothing else.
async fn told_what_is_named() -> Shop {
    let shop = Shop::without_worker(TestDatabase::with_clock().await).await;
    let told = shop.app.command().args(["stripe", "sync"]).output().expect("it runs");
    let told = String::from_utf8(told.stdout).expect("text");
    let (_, kinds) = told.split_once(" for ").expect("the kinds");
    let kinds: Vec<_> = kinds.lines().next().expect("a line").split(", ").collect();
    assert!(kinds.contains(&"invoice.paid"), "{kinds:?}");
    let url = shop.app.url.join("webhooks/stripe").expect("a path");
    let endpoint = json!({ "url": url, "secret": WEBHOOK_SECRET, "enabled_events": kinds });
    shop.stripe.control("webhooks/endpoints", endpoint).await;
    shop.app.state.spawn_worker();
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_as_documented_misses_nothing_that_moves_credit() {
    let shop = told_what_is_named().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    let charge = shop.stripe.list("charges").await[0]["id"].as_str().expect("an id").to_owned();
    let refund = shop.stripe.post("refunds", &[("charge", &charge), ("amount", "1000")]).await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(750));
    let fail = format!("refunds/{}/fail", refund["id"].as_str().expect("an id"));
    shop.stripe.control(&fail, json!({})).await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(1500), "by its own webhook");
    shop.stripe.control("disputes", json!({ "charge": charge })).await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::ZERO);

    shop.advance_days(1).await;
    shop.reconcile().await;
    assert_eq!((shop.number(MISSED).await, shop.number(DRIFTED).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_still_be_under_way_is_repaired_and_was_not_missed() {
    let shop = told_what_is_named().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.control("webhooks/faults", json!({ "drop_percent": 100 })).await;
    shop.stripe.post(&format!("customers/{customer}"), &[("name", "Ada")]).await;
    shop.advance_days(1).await;
    let charge = shop.stripe.list("charges").await[0]["id"].as_str().expect("an id").to_owned();
    shop.stripe.post("refunds", &[("charge", &charge)]).await;
    shop.reconcile().await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::ZERO);
    assert_eq!(shop.number(MISSED).await, 1, "the one of a day ago");
}

/// After a long outage there may be more than there is time for.
#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_that_is_broken_off_has_repaired_what_drifted_and_kept_the_events_it_had() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.control("webhooks/faults", json!({ "drop_percent": 100 })).await;
    let subscription = shop.stripe.list("subscriptions").await[0]["id"].as_str().expect("an id").to_owned();
    shop.stripe.delete(&format!("subscriptions/{subscription}")).await;
    for number in 0..110 {
        let name = number.to_string();
        shop.stripe.post(&format!("customers/{customer}"), &[("name", &name)]).await;
    }
    let kept = "select count(*) from stripe_events where type = 'customer.updated'";
    let before = shop.number(kept).await;
    let comparisons = "select count(*) from reconciliations where kind = 'billing'";
    let ended = shop.number(comparisons).await;
    let outage = json!({ "mode": "unavailable", "seconds": 3600, "path": "/v1/events", "after": 1 });
    shop.stripe.control("outage", outage).await;
    shop.run_job_to("reconcile_billing", "dead").await;
    shop.finish("sync_customer").await;
    assert_eq!(billing(&browser).await.standing, Standing::Free);
    assert_eq!(shop.number(kept).await - before, 100, "a page");
    assert_eq!(shop.number(comparisons).await, ended, "the next one begins there again");

    shop.stripe.end_outage().await;
    shop.reconcile().await;
    assert_eq!(shop.number(kept).await - before, 110);
}
