//! Periods that go by: years by the month, trials, pauses.

use app::types::{Nanos, Standing};

use crate::support::{Browser, Shop, available, begin, billing};

#[tokio::test(flavor = "multi_thread")]
async fn a_year_gives_its_credit_in_twelve_slices_and_no_more() {
    let shop = Shop::with_clock().await;
    let (browser, _) = shop.subscriber("pro", "year").await;
    assert_eq!(begin(&browser, "billing/cancel_subscription", &[]).await, "/billing");
    let slices = "select count(*) from ledger_entries where cause like 'invoice:%:month:%'";
    let given =
        "select coalesce(sum(amount_nanos), 0)::bigint from ledger_entries where cause like 'invoice:%'";
    for month in 1..=12 {
        assert_eq!(shop.number(slices).await, month);
        assert_eq!(shop.number(given).await, month * Nanos::from_cents(1500).0);
        assert_eq!(
            available(&browser).await,
            Nanos::from_cents(1500),
            "nothing is carried over, in month {month}"
        );
        // Twice within a month: a reading more makes no slice more. A month has at most 31 days; twelve are 366 at most.
        shop.advance_days(15).await;
        assert_eq!(shop.number(slices).await, month, "in the middle of month {month}");
        let rest = "select ceil(extract(epoch from credit_resets_at - clock_timestamp()) / 86400)::bigint from subscriptions";
        shop.advance_days(shop.number(rest).await).await;
    }
    shop.advance_days(40).await;
    shop.reconcile().await;
    shop.settle().await;
    assert_eq!(shop.number(slices).await, 12);
    let ended = billing(&browser).await;
    assert_eq!((ended.standing, ended.subscription), (Standing::Free, None));
    assert_eq!(available(&browser).await, Nanos::from_cents(50), "the credit of Free");
}

/// A trial of Pro without a card, which is paused in the end: the customer and the subscription.
async fn begin_trial(shop: &Shop, browser: &Browser) -> (String, String) {
    // So that there is a customer.
    begin(browser, "billing/buy_pack", &[("pack", "credit_10")]).await;
    let customer = shop.newest_customer_id().await;
    let price = shop.stripe.price_id("plumbline_pro_month").await;
    let trial = [
        ("customer", customer.as_str()),
        ("items[0][price]", &price),
        ("trial_period_days", "14"),
        ("trial_settings[end_behavior][missing_payment_method]", "pause"),
    ];
    let subscription = shop.stripe.post("subscriptions", &trial).await;
    assert_eq!(subscription["status"], "trialing", "{subscription}");
    shop.settle().await;
    (customer, subscription["id"].as_str().expect("an id").to_owned())
}

/// (34)
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_has_the_plan_without_its_credit_and_a_paused_subscription_has_neither() {
    let shop = Shop::with_clock().await;
    let browser = shop.app.user().await;
    let (customer, subscription) = begin_trial(&shop, &browser).await;
    let trialing = billing(&browser).await;
    assert_eq!((trialing.standing, trialing.overage), (Standing::Active, None));
    let (status, _) = browser.error("billing/set_overage_cap", &[("amount", "20")]).await;
    assert_eq!(status, 400, "Stripe bills nothing of a trial");
    let there = shop.stripe.get(&format!("subscriptions/{subscription}")).await;
    assert_eq!(there["items"]["data"].as_array().expect("items").len(), 1, "and has no meter for it");
    assert_eq!(trialing.subscription.expect("a subscription").plan_key, "pro");
    assert_eq!(available(&browser).await, Nanos::ZERO, "nothing is paid yet");

    shop.advance_days(15).await;
    let paused = billing(&browser).await;
    assert_eq!((paused.standing, paused.subscription), (Standing::Free, None));
    assert_eq!(available(&browser).await, Nanos::from_cents(50), "the credit of Free");

    let attach = shop.stripe.post("payment_methods/pm_card_visa/attach", &[("customer", &customer)]).await;
    let card = attach["id"].as_str().unwrap_or_else(|| panic!("{attach}"));
    let path = format!("subscriptions/{subscription}");
    shop.stripe.post(&path, &[("default_payment_method", card)]).await;
    shop.stripe.post(&format!("{path}/resume"), &[]).await;
    shop.settle().await;
    assert_eq!(billing(&browser).await.standing, Standing::Active);
    assert_eq!(available(&browser).await, Nanos::from_cents(1500), "what it goes on with is paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_is_ended_early_is_paid_and_gives_the_plans_credit_once() {
    let shop = Shop::with_clock().await;
    let browser = shop.app.user().await;
    let (customer, subscription) = begin_trial(&shop, &browser).await;
    let card = shop.stripe.post("payment_methods/pm_card_visa/attach", &[("customer", &customer)]).await;
    let card = card["id"].as_str().unwrap_or_else(|| panic!("{card}"));
    for change in [("default_payment_method", card), ("trial_end", "now")] {
        shop.stripe.post(&format!("subscriptions/{subscription}"), &[change]).await;
    }
    shop.settle().await;
    let invoice = &shop.stripe.list("invoices").await[0];
    assert_eq!(
        (invoice["amount_paid"].as_i64(), invoice["billing_reason"].as_str()),
        (Some(2_000), Some("subscription_update"))
    );
    assert_eq!(available(&browser).await, Nanos::from_cents(1500));
    shop.advance_days(32).await;
    assert_eq!(available(&browser).await, Nanos::from_cents(1500), "the next month's in its place");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credit_of_a_subscription_that_is_ended_at_once_lasts_as_long_as_its_period() {
    let shop = Shop::with_clock().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    let subscription = shop.stripe.list("subscriptions").await[0]["id"].as_str().expect("an id").to_owned();
    shop.stripe.delete(&format!("subscriptions/{subscription}")).await;
    shop.settle().await;
    assert_eq!(billing(&browser).await.standing, Standing::Free);
    let credit = "select coalesce(sum(remaining_nanos), 0)::bigint from grants where cause like 'invoice:%'
        and expires_at > clock_timestamp()";
    assert_eq!(shop.number(credit).await, Nanos::from_cents(1500).0, "it is paid for");
    shop.advance_days(32).await;
    assert_eq!(shop.number(credit).await, 0);
    assert_eq!(available(&browser).await, Nanos::from_cents(50), "the credit of Free");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_chooses_a_plan_while_theirs_is_paused_subscribes_anew() {
    let shop = Shop::with_clock().await;
    let browser = shop.app.user().await;
    let (_, paused) = begin_trial(&shop, &browser).await;
    shop.advance_days(15).await;
    let (status, _) = browser.error("billing/change_plan", &[("plan", "pro"), ("interval", "month")]).await;
    assert_eq!(status, 400, "there is no plan to change");
    shop.subscribe(&browser, "pro", "month").await;
    shop.settle().await;
    assert_eq!(billing(&browser).await.standing, Standing::Active);
    assert_eq!(available(&browser).await, Nanos::from_cents(1500));
    assert_eq!(shop.stripe.get(&format!("subscriptions/{paused}")).await["status"], "canceled");
}
