//! What becomes of people who pay a price that is not on sale any more.

use std::time::Duration;

use crate::support::{Shop, TestDatabase};

/// By a server that has not asked for prices before.
async fn compare(shop: &Shop) {
    let worker = shop.app.another_state(|_| {});
    worker.spawn_worker();
    shop.reconcile().await;
    shop.finish("reconcile_billing").await;
    shop.finish("sync_customer").await;
    worker.begin_shutdown();
    worker.finish_jobs(Duration::from_secs(60)).await;
}

async fn archive(shop: &Shop, lookup_key: &str) {
    let price = shop.stripe.price_id(lookup_key).await;
    let archived = shop.stripe.post(&format!("prices/{price}"), &[("active", "false")]).await;
    assert_eq!(archived["active"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_pays_keeps_plan_and_credit_when_their_price_is_archived() {
    let shop = Shop::without_worker(TestDatabase::create().await).await;
    // Max is a product that somebody has made by hand.
    let product = shop.stripe.post("products", &[("name", "Max")]).await["id"].clone();
    let by_hand = [
        ("product", product.as_str().expect("an id")),
        ("currency", "usd"),
        ("unit_amount", "10000"),
        ("recurring[interval]", "month"),
        ("lookup_key", "plumbline_max_month"),
        ("transfer_lookup_key", "true"),
    ];
    shop.stripe.post("prices", &by_hand).await;
    for lookup_key in ["plumbline_pro_month", "plumbline_max_month"] {
        let customer = shop.account().await;
        shop.subscribe_customer_to(&customer, lookup_key).await;
    }
    compare(&shop).await;
    let paying = "select count(distinct plan) from accounts where plan in ('pro', 'max')";
    let credit = "select count(*) from ledger_entries where cause like 'invoice:%'";
    assert_eq!((shop.number(paying).await, shop.number(credit).await), (2, 2));

    for lookup_key in ["plumbline_pro_month", "plumbline_pro_year", "plumbline_max_month"] {
        archive(&shop, lookup_key).await;
    }
    shop.stripe.advance_days(32).await;
    compare(&shop).await;
    assert_eq!((shop.number(paying).await, shop.number(credit).await), (2, 4));
}
