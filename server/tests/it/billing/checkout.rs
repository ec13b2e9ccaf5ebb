use app::types::{CheckoutOutcome, Interval, Nanos, Standing};
use futures::future::join_all;

use crate::support::{GOOD_CARD, Shop, available, begin, billing, id_of_page, session_id};

const PRO: [(&str, &str); 2] = [("plan", "pro"), ("interval", "month")];
const MAX: [(&str, &str); 2] = [("plan", "max"), ("interval", "month")];

#[tokio::test(flavor = "multi_thread")]
async fn whoever_subscribes_gets_the_plan_and_its_credit() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    let billing = billing(&browser).await;
    let subscription = billing.subscription.expect("a subscription");
    assert_eq!(billing.standing, Standing::Active);
    assert_eq!((subscription.plan_key.as_str(), subscription.interval), ("pro", Interval::Month));
    assert_eq!(subscription.amount_cents, 2000);
    assert_eq!(billing.card.expect("a card").last4, "4242");
    assert_eq!(billing.invoices.len(), 1);
    assert_eq!(available(&browser).await, Nanos::from_cents(1500), "and none of Free's");
}

/// (31)
#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_and_the_webhook_give_one_grant_whichever_comes_first() {
    for order in ["redirect first", "webhook first", "both at once"] {
        let shop = Shop::open().await;
        let browser = shop.app.user().await;
        let hold = serde_json::json!({ "hold": order == "redirect first" });
        shop.stripe.control("webhooks/faults", hold).await;
        let back = shop.subscribe(&browser, "pro", "month").await;
        if order == "webhook first" {
            shop.settle().await;
        }
        let session = session_id(&back);
        let fields = [("session", session.as_str())];
        let outcomes: Vec<CheckoutOutcome> =
            join_all((0..3).map(|_| browser.value("billing/finish_checkout", &fields))).await;
        let subscribed = CheckoutOutcome::Subscribed { plan_name: "Pro".to_owned() };
        assert!(outcomes.iter().all(|outcome| *outcome == subscribed), "{order}: {outcomes:?}");
        shop.stripe.control("webhooks/release", serde_json::json!({})).await;
        shop.settle().await;
        assert_eq!(available(&browser).await, Nanos::from_cents(1500), "{order}");
        assert_eq!(shop.number("select count(*) from ledger_entries where cause like 'invoice:%'").await, 1);
    }
}

/// (32)
#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_on_the_first_checkout_makes_one_customer_and_one_subscription() {
    let shop = Shop::open().await;
    let browser = shop.app.user().await;
    let pages = join_all((0..4).map(|_| begin(&browser, "billing/begin_checkout", &PRO))).await;
    let mut paid = 0;
    for page in &pages {
        paid += usize::from(shop.stripe.pay(page, GOOD_CARD).await.is_some());
    }
    assert_eq!(paid, 1, "of all pages only one was open");
    shop.settle().await;
    assert_eq!(shop.stripe.list("customers").await.len(), 1);
    assert_eq!(shop.stripe.list("subscriptions").await.len(), 1);
    assert_eq!(shop.stripe.list("invoices").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_uses_up_the_questions_that_stripe_answers_us() {
    let shop = Shop::open_with(|config| config.limits.billing_requests_per_minute = 3).await;
    let (mut browser, other) = (shop.app.user().await, shop.app.user().await);
    for _ in 0..2 {
        begin(&browser, "billing/begin_checkout", &PRO).await;
    }
    // The page that one comes back to asks Stripe as well.
    browser.get("/billing/checkout?session=cs_test_1").await.text().await.expect("a page");
    for function in ["billing/begin_checkout", "billing/finish_checkout", "billing/open_portal"] {
        let (status, error) =
            browser.error(function, &[PRO[0], PRO[1], ("session", "cs_test_1"), ("page", "overview")]).await;
        assert_eq!((status, &error["type"]), (429, &serde_json::json!("limit_reached")), "{function}");
    }
    assert_eq!(billing(&browser).await.standing, Standing::Free, "what is in our tables is read on");
    begin(&other, "billing/begin_checkout", &PRO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_visit_to_stripes_page_is_found_nowhere() {
    let shop = Shop::open().await;
    let browser = shop.app.user().await;
    begin(&browser, "billing/begin_checkout", &PRO).await;
    for session in ["", "?limit=1", "../../prices", "../../checkout/sessions", "cs_test_1"] {
        let (status, _) = browser.error("billing/finish_checkout", &[("session", session)]).await;
        assert_eq!(status, 404, "{session}");
    }
}

/// As with a page of prices that was opened before.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_plan_and_chooses_another_is_asked_before_their_card_is_charged() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    let page = begin(&browser, "billing/begin_checkout", &MAX).await;
    assert_eq!(page, "/billing/change?plan=max&interval=month");
    assert_eq!(shop.stripe.list("invoices").await.len(), 1, "nothing more is charged");
    assert_eq!(shop.stripe.list("subscriptions").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_is_credit_that_stays_and_a_page_that_was_left_sells_nothing() {
    let shop = Shop::open().await;
    let browser = shop.app.user().await;
    let page = begin(&browser, "billing/buy_pack", &[("pack", "credit_10")]).await;
    let session = id_of_page(&page);
    let left: CheckoutOutcome =
        browser.value("billing/finish_checkout", &[("session", session.as_str())]).await;
    assert_eq!(left, CheckoutOutcome::NotPaid);
    assert!(shop.stripe.pay(&page, "4000000000000002").await.is_none(), "a card that is declined");
    let back = shop.stripe.pay(&page, GOOD_CARD).await.expect("a good card");
    let session = session_id(&back);
    let bought: CheckoutOutcome =
        browser.value("billing/finish_checkout", &[("session", session.as_str())]).await;
    let pack =
        CheckoutOutcome::PackBought { name: "$10 of credit".to_owned(), credit: Nanos::from_cents(1000) };
    assert_eq!(bought, pack);
    shop.settle().await;
    assert_eq!(available(&browser).await, Nanos::from_cents(1050), "beside the credit of Free");
    assert_eq!(billing(&browser).await.packs.len(), 1);

    let other = shop.app.user().await;
    let (status, _) = other.error("billing/finish_checkout", &[("session", session.as_str())]).await;
    assert_eq!(status, 404, "it is somebody else's");
}

/// (33)
#[tokio::test(flavor = "multi_thread")]
async fn more_comes_at_once_less_with_the_next_period_and_back_and_forth_mints_nothing() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    let max = [("plan", "max"), ("interval", "month")];
    assert_eq!(begin(&browser, "billing/change_plan", &max).await, "/billing");
    shop.settle().await;
    let after_upgrade = available(&browser).await;
    let plan = |billing: app::types::Billing| billing.subscription.expect("a subscription").plan_key;
    assert_eq!(plan(billing(&browser).await), "max");
    assert!(
        after_upgrade > Nanos::from_cents(7900) && after_upgrade <= Nanos::from_cents(8000),
        "{after_upgrade}"
    );

    for _ in 0..3 {
        begin(&browser, "billing/change_plan", &PRO).await;
        let planned = billing(&browser).await.subscription.expect("a subscription");
        assert_eq!(planned.plan_key, "max");
        assert_eq!(planned.changes_to.expect("a change").plan_key, "pro");
        begin(&browser, "billing/resume_subscription", &[]).await;
        assert_eq!(billing(&browser).await.subscription.expect("a subscription").changes_to, None);
    }
    shop.settle().await;
    assert_eq!(available(&browser).await, after_upgrade);

    begin(&browser, "billing/change_plan", &PRO).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    assert_eq!(plan(billing(&browser).await), "pro");
    assert_eq!(available(&browser).await, Nanos::from_cents(1500), "what was left of Max's month has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_subscription_runs_to_its_end_and_can_be_resumed() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    assert_eq!(begin(&browser, "billing/cancel_subscription", &[]).await, "/billing");
    let ending = billing(&browser).await.subscription.expect("a subscription");
    assert_eq!(ending.ends_at, Some(ending.renews_at));
    begin(&browser, "billing/resume_subscription", &[]).await;
    assert_eq!(billing(&browser).await.subscription.expect("a subscription").ends_at, None);
    begin(&browser, "billing/cancel_subscription", &[]).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    let ended = billing(&browser).await;
    assert_eq!((ended.standing, ended.subscription), (Standing::Free, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_customer_was_deleted_at_stripe_is_free_and_can_subscribe_again() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.delete(&format!("customers/{customer}")).await;
    shop.settle().await;
    let ended = billing(&browser).await;
    assert_eq!((ended.standing, ended.subscription), (Standing::Free, None));
    shop.subscribe(&browser, "pro", "month").await;
    shop.settle().await;
    assert_eq!(billing(&browser).await.standing, Standing::Active);
    assert_ne!(shop.newest_customer_id().await, customer);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_whose_card_is_refused_waits_for_its_payment_and_changes_nothing_until_then() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    for mode in ["decline", "require_authentication"] {
        shop.stripe.set_card_mode(&customer, Some(mode)).await;
        let page = begin(&browser, "billing/change_plan", &MAX).await;
        assert!(page.contains("/invoices/"), "{mode}: {page}");
        shop.settle().await;
        let waiting = billing(&browser).await;
        assert_eq!(waiting.standing, Standing::Active, "{mode}: nothing is owed");
        let subscription = waiting.subscription.expect("a subscription");
        assert_eq!((subscription.plan_key.as_str(), subscription.unpaid_change_url), ("pro", Some(page)));
        assert_eq!(available(&browser).await, Nanos::from_cents(1500), "{mode}");
    }
    assert_eq!(
        shop.stripe.list("invoices?status=open").await.len(),
        1,
        "the earlier try can be paid no more"
    );

    shop.stripe.set_card_mode(&customer, None).await;
    let page = billing(&browser).await.subscription.and_then(|found| found.unpaid_change_url);
    shop.stripe.pay(&page.expect("a page"), GOOD_CARD).await.expect("a good card");
    shop.settle().await;
    let changed = billing(&browser).await.subscription.expect("a subscription");
    assert_eq!((changed.plan_key.as_str(), changed.unpaid_change_url), ("max", None));
    assert!(available(&browser).await > Nanos::from_cents(7900), "and its credit is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_nobody_pays_is_forgotten_after_a_day_or_when_another_change_is_made() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    let unpaid = async || billing(&browser).await.subscription.expect("a subscription").unpaid_change_url;
    begin(&browser, "billing/change_plan", &MAX).await;
    assert!(unpaid().await.is_some());
    shop.stripe.advance_days(1).await;
    shop.settle().await;
    assert_eq!(unpaid().await, None);
    begin(&browser, "billing/change_plan", &MAX).await;
    begin(&browser, "billing/cancel_subscription", &[]).await;
    assert_eq!(unpaid().await, None);
    assert_eq!(shop.stripe.list("invoices?status=open").await.len(), 0);
    let kept = billing(&browser).await;
    assert_eq!(
        (kept.standing, kept.subscription.expect("a subscription").plan_key.as_str()),
        (Standing::Active, "pro")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_paid_is_asked_to_wait_while_stripe_does_not_answer() {
    let shop = Shop::without_webhooks().await;
    let browser = shop.app.user().await;
    let back = shop.subscribe(&browser, "pro", "month").await;
    let session = session_id(&back);
    let outcome = async || -> CheckoutOutcome {
        browser.value("billing/finish_checkout", &[("session", session.as_str())]).await
    };
    for mode in ["unavailable", "stall"] {
        shop.stripe.control("outage", serde_json::json!({ "mode": mode })).await;
        assert_eq!(outcome().await, CheckoutOutcome::Pending, "{mode}");
    }
    shop.stripe.end_outage().await;
    assert_eq!(outcome().await, CheckoutOutcome::Subscribed { plan_name: "Pro".to_owned() });
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stripe_is_away_people_are_told_to_come_back_and_nothing_else_suffers() {
    let shop = Shop::open().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    shop.stripe.control("outage", serde_json::json!({ "mode": "unavailable" })).await;
    let (status, _) = browser.error("billing/change_plan", &[("plan", "max"), ("interval", "month")]).await;
    assert_eq!(status, 503);
    assert_eq!(billing(&browser).await.standing, Standing::Active);
    assert_eq!(available(&browser).await, Nanos::from_cents(1500));
}
