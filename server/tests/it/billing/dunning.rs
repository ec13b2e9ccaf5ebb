//! What an account may use while its payment is due.

use app::types::{LimitName, Nanos, Quota, Standing};
use http::StatusCode;

use super::overage::{cent_a_token, spend};
use crate::support::{GOOD_CARD, Shop, available, begin, billing, new_request, prompt};

const MAX: [(&str, &str); 2] = [("plan", "max"), ("interval", "month")];

/// (34)
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_renewal_gives_a_smaller_budget_then_no_replies_and_a_payment_restores_everything() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    let limits_before: Quota = browser.value("quota/read_quota", &[]).await;
    shop.stripe.control("settings", serde_json::json!({ "after_retries": "mark_unpaid" })).await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;

    let past_due = billing(&browser).await;
    let Standing::PastDue { since, grace_ends_at } = past_due.standing else { panic!("{past_due:?}") };
    assert_eq!((grace_ends_at - since).num_days(), 7);
    assert_eq!(available(&browser).await, Nanos::from_cents(200), "the credit of the grace alone");
    let during: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(during.limit(LimitName::RequestsPerDay), limits_before.limit(LimitName::RequestsPerDay));

    shop.stripe.advance_days(40).await;
    shop.settle().await;
    assert!(
        matches!(billing(&browser).await.standing, Standing::Frozen { .. }),
        "Stripe has given up trying"
    );
    let refused = browser.start_reply(&new_request(&prompt())).await;
    assert_eq!(refused.status(), StatusCode::PAYMENT_REQUIRED);
    assert!(matches!(refused.error().await, app::ApiError::Frozen { .. }));
    let page = browser.clone().get("/usage/replies.csv?period=30-days").await;
    assert!(page.status().is_success(), "what is there can still be had: {}", page.status());

    shop.stripe.set_card_mode(&customer, None).await;
    let pay_now = begin(&browser, "billing/open_portal", &[("page", "unpaid_invoice")]).await;
    shop.stripe.pay(&pay_now, GOOD_CARD).await.expect("a good card");
    shop.settle().await;
    assert_eq!(subscription_status(&shop).await, "active", "Stripe goes on charging");
    assert_eq!(billing(&browser).await.standing, Standing::Active);
    assert_eq!(available(&browser).await, Nanos::from_cents(1500), "the credit of the month that is paid");
    let after: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(after.plan_name, limits_before.plan_name);
    assert_eq!(after.limit(LimitName::RequestsPerDay), limits_before.limit(LimitName::RequestsPerDay));
    assert_eq!(
        begin(&browser, "billing/change_plan", &MAX).await,
        "/billing",
        "the plan can be changed again"
    );
}

/// What is taken back when an invoice is given up was not given.
#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_is_given_up_and_paid_after_all_gives_what_its_grace_has_not() {
    let shop = Shop::open_with(|config| {
        cent_a_token(config);
        config.plans.paid[0].plan.monthly_credit = Nanos::from_cents(1500);
    });
    let shop = shop.await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(200));
    spend(&shop, &browser, 50).await;
    let open = shop.stripe.list("invoices?status=open").await[0]["id"].as_str().expect("an id").to_owned();
    shop.stripe.post(&format!("invoices/{open}/mark_uncollectible"), &[]).await;
    shop.settle().await;
    let left = "select remaining_nanos from grants where cause like 'grace:%'";
    assert_eq!(shop.number(left).await, 0);

    shop.stripe.set_card_mode(&customer, None).await;
    shop.stripe.post(&format!("invoices/{open}/pay"), &[]).await;
    shop.settle().await;
    assert_eq!(
        available(&browser).await,
        Nanos::from_cents(1450),
        "all of the month but what was spent of it"
    );
}

async fn subscription_status(shop: &Shop) -> String {
    let subscriptions = shop.stripe.list("subscriptions?status=all").await;
    subscriptions[0]["status"].as_str().expect("text").to_owned()
}

/// Stripe leaves the invoices of an unpaid subscription drafts, and takes it up again only when the latest is paid.
#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_subscription_is_paused_until_its_latest_invoice_is_paid() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.control("settings", serde_json::json!({ "after_retries": "mark_unpaid" })).await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    shop.stripe.advance_days(32).await;
    shop.stripe.advance_days(40).await;
    shop.stripe.set_card_mode(&customer, None).await;
    for invoice in shop.stripe.list("invoices?status=open").await {
        shop.stripe.post(&format!("invoices/{}/pay", invoice["id"].as_str().expect("an id")), &[]).await;
    }
    shop.settle().await;
    assert_eq!(subscription_status(&shop).await, "unpaid");
    let standing = billing(&browser).await.standing;
    assert!(matches!(standing, Standing::Frozen { .. }), "an older invoice does not count: {standing:?}");
    let draft = &shop.stripe.list("invoices?status=draft").await[0];
    let page = begin(&browser, "billing/open_portal", &[("page", "unpaid_invoice")]).await;
    assert!(page.ends_with(draft["id"].as_str().expect("an id")), "{page}");
    assert_eq!(begin(&browser, "billing/open_portal", &[("page", "unpaid_invoice")]).await, page, "again");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_payment_is_due_the_plan_cannot_be_changed() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    let (status, error) = browser.error("billing/change_plan", &MAX).await;
    assert_eq!(status, 400);
    assert!(error["message"].as_str().is_some_and(|message| message.contains("Pay it first")), "{error}");
    assert_eq!(shop.stripe.list("invoices?status=open").await.len(), 1, "nothing more is owed");
}

/// (34)
#[tokio::test(flavor = "multi_thread")]
async fn when_the_days_of_grace_are_over_replies_pause_and_the_person_is_told_though_stripe_goes_on() {
    let shop = Shop::with_clock().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.control("settings", serde_json::json!({ "after_retries": "leave_past_due" })).await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    let told = "select count(*) from notices where cause like 'payment_failed:%:frozen'";
    shop.advance_days(32).await;
    assert!(matches!(billing(&browser).await.standing, Standing::PastDue { .. }));
    assert_eq!(shop.number(told).await, 0);

    shop.advance_days(8).await;
    assert_eq!(subscription_status(&shop).await, "past_due");
    let standing = billing(&browser).await.standing;
    assert!(matches!(standing, Standing::Frozen { .. }), "{standing:?}");
    let refused = browser.start_reply(&new_request(&prompt())).await;
    assert_eq!(refused.status(), StatusCode::PAYMENT_REQUIRED);
    assert!(matches!(refused.error().await, app::ApiError::Frozen { .. }));
    assert_eq!(shop.number(told).await, 1);
}

/// (34)
#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_in_the_grace_is_part_of_the_month_that_is_paid_late() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    browser.ask(&prompt()).await;
    let spent = Nanos::from_cents(200) - available(&browser).await;
    assert!(spent > Nanos::ZERO);
    shop.stripe.set_card_mode(&customer, None).await;
    shop.stripe.advance_days(4).await;
    shop.settle().await;
    assert_eq!(billing(&browser).await.standing, Standing::Active, "a later try has succeeded");
    assert_eq!(available(&browser).await, Nanos::from_cents(1500) - spent);
}

/// (34)
#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_ever_pays_the_account_is_free_again_and_the_advance_is_gone() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.control("settings", serde_json::json!({ "after_retries": "cancel" })).await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    shop.stripe.advance_days(40).await;
    shop.settle().await;
    assert_eq!(billing(&browser).await.standing, Standing::Free);
    assert_eq!(available(&browser).await, Nanos::from_cents(50), "the credit of Free");
}
