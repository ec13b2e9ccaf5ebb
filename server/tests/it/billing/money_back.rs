use app::types::{InvoiceStatus, Nanos, Standing};
use serde_json::json;

use crate::support::{GOOD_CARD, Shop, available, begin, billing, prompt};

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

/// The bank may send it back days later, as of a card that was closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_in_the_end_gives_back_what_it_has_taken_once() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    let charge = shop.stripe.list("charges").await[0]["id"].clone();
    let refund = [("charge", charge.as_str().expect("an id")), ("amount", "1000")];
    let refund = shop.stripe.post("refunds", &refund).await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(750));
    let fail = format!("refunds/{}/fail", refund["id"].as_str().expect("an id"));
    shop.stripe.control(&fail, json!({})).await;
    shop.settle().await;
    shop.reconcile().await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(1500));
    assert_eq!(billing(&browser).await.invoices[0].refunded_cents, 0);
    let given_back = "select count(*) from ledger_entries where cause like 'refund:%:failed'";
    assert_eq!(shop.number(given_back).await, 1);
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

/// Fault 34.
#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_that_is_won_gives_back_what_it_has_taken_once() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    browser.ask(&prompt()).await;
    let before = available(&browser).await;
    assert!(before < Nanos::from_cents(1500));
    let charge = shop.stripe.list("charges").await[0]["id"].clone();
    let dispute = shop.stripe.control("disputes", json!({ "charge": charge })).await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::ZERO);
    assert_eq!(billing(&browser).await.invoices[0].status, InvoiceStatus::Refunded);

    let close = format!("disputes/{}/close", dispute["id"].as_str().expect("an id"));
    shop.stripe.control(&close, json!({ "won": true })).await;
    shop.settle().await;
    shop.reconcile().await;
    shop.settle().await;
    assert_eq!(available(&browser).await, before, "what was spent stays spent");
    assert_eq!(billing(&browser).await.invoices[0].status, InvoiceStatus::Paid);
    let given_back = "select count(*) from ledger_entries where cause like 'dispute:%:won'";
    assert_eq!(shop.number(given_back).await, 1);
}
