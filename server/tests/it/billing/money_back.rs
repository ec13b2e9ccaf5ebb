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

/// (34)
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

/// (34)
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

/// Stripe lists a hundred at a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_is_found_behind_a_hundred_pages_that_were_left_and_a_hundred_payments_that_failed() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    let page = begin(&browser, "billing/buy_pack", &[("pack", "credit_10")]).await;
    shop.stripe.pay(&page, GOOD_CARD).await.expect("a good card");
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(2500));
    let charge = shop.stripe.list("charges").await[0]["id"].clone();

    shop.stripe.control("webhooks/faults", json!({ "drop_percent": 100 })).await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    let item = [("customer", customer.as_str()), ("amount", "100"), ("currency", "usd")];
    shop.stripe.post("invoiceitems", &item).await;
    let invoice = shop.stripe.post("invoices", &[("customer", &customer)]).await["id"].clone();
    let pay = format!("invoices/{}/pay", invoice.as_str().expect("an id"));
    let card = &shop.stripe.list(&format!("payment_methods?customer={customer}")).await[0]["id"];
    let card = [("payment_method", card.as_str().expect("an id"))];
    for _ in 0..101 {
        begin(&browser, "billing/buy_pack", &[("pack", "credit_10")]).await;
        shop.stripe.post(&pay, &card).await;
    }
    for list in ["charges", "checkout/sessions"] {
        assert!(shop.stripe.list_all(list).await.len() > 101, "{list}");
    }
    shop.stripe.control("webhooks/faults", json!({})).await;
    shop.stripe.control("disputes", json!({ "charge": charge })).await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(1500));
}
