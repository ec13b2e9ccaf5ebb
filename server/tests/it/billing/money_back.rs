use app::types::{InvoiceStatus, Nanos, Standing};
use serde_json::json;

use crate::support::{GOOD_CARD, Shop, available, begin, billing};

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_takes_back_its_part_of_the_credit_once() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    let charge = &shop.stripe.list(&format!("charges?customer={customer}")).await[0];
    let charge = charge["id"].as_str().expect("an id");
    shop.stripe.post("refunds", &[("charge", charge), ("amount", "1000")]).await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(750));
    shop.stripe.post("refunds", &[("charge", charge)]).await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::ZERO);
    let billing = billing(&browser).await;
    assert_eq!(billing.invoices[0].status, InvoiceStatus::Refunded);
    assert_eq!(billing.standing, Standing::Active, "money back is no cancellation");
}

/// Fault 34.
#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_takes_back_what_is_left_of_what_it_is_about() {
    let shop = Shop::open().await;
    let browser = shop.app.user().await;
    let page = begin(&browser, "billing/buy_pack", &[("pack", "credit_10")]).await;
    shop.stripe.pay(&page, GOOD_CARD).await.expect("a good card");
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(1050));
    let charge = shop.stripe.list("charges").await[0]["id"].clone();
    shop.stripe.control("disputes", json!({ "charge": charge })).await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(50));
    assert_eq!(shop.number("select count(*) from stripe_events where processed_at is null").await, 0);
}
