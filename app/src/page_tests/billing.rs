//! What is offered, what was bought, and what is said when a payment failed.

use http::StatusCode;

use super::fakes::FINISHED_THREAD;
use super::fakes::billing::{self as fake, Fake};
use super::{Page, open_where, somebody};
use crate::types::{Actor, CheckoutOutcome, Interval, Nanos, PlannedChange, Standing};
use crate::{ApiError, ApiResult};

async fn open(path: &str, billing: Fake) -> Page {
    open_where(path, somebody(), billing).await
}

async fn visit(path: &str, billing: Fake) -> Page {
    open_where(path, Actor::default(), billing).await
}

const BANNER: &str = "data-testid=\"standing-banner\"";

#[tokio::test]
async fn the_prices_can_be_read_by_everybody() {
    let page = visit("/pricing", Fake::free()).await;
    assert_eq!(page.status, StatusCode::OK);
    for text in ["$20<", "Paid yearly, you save $40 a year", "1,000,000<", "Small, Large", "Before you pay"] {
        assert!(page.html.contains(text), "{text}");
    }
    assert!(page.html.contains("href=\"/sign-in?return_to=/pricing\" class=\"button button-primary"));
    assert_eq!((page.count("<form"), page.count("data-testid=\"offer-")), (0, 3));
    assert!(page.html.contains("href=\"/pricing\" aria-current=\"page\""), "the header leads here");
}

#[tokio::test]
async fn yearly_prices_are_a_link_and_come_back_after_the_sign_in() {
    let page = visit("/pricing?interval=year", Fake::free()).await;
    assert!(page.html.contains("href=\"/pricing?interval=year\" aria-current=\"true\""));
    assert!(page.html.contains("$200<") && page.html.contains("Saves $40 against paying monthly"));
    assert!(page.html.contains("/sign-in?return_to=/pricing%3Finterval%3Dyear"));
}

#[tokio::test]
async fn where_payments_are_closed_nothing_is_for_sale_and_it_says_so() {
    let page = open("/pricing", Fake::closed()).await;
    assert_eq!((page.count("data-testid=\"billing-closed\""), page.count("begin_checkout")), (1, 0));
    assert_eq!((page.count("$20<"), page.count("Your plan"), page.count("id=\"packs\"")), (1, 1, 0));
    let page = open("/billing", Fake::closed()).await;
    assert!(page.html.contains("payments are not set up") && !page.html.contains("open_portal"));
}

#[tokio::test]
async fn a_person_on_free_can_choose_each_plan_with_a_plain_form() {
    let page = open("/pricing?interval=year", Fake::free()).await;
    assert_eq!(page.count("action=\"/api/billing/begin_checkout\""), 2);
    assert_eq!(page.count("name=\"interval\" value=\"year\""), 2);
    assert_eq!((page.count("Your plan"), page.count("action=\"/api/billing/buy_pack\"")), (1, 1));
}

#[tokio::test]
async fn a_subscriber_sees_their_plan_and_the_way_to_each_other() {
    let page = open("/pricing", Fake::subscribed()).await;
    assert_eq!((page.count("Your plan"), page.count("data-current=\"true\"")), (1, 1));
    assert!(page.html.contains("href=\"/billing/change?plan=pro&amp;interval=month\""));
    assert!(page.html.contains("href=\"/billing/cancel\""));
    assert_eq!((page.count("begin_checkout"), page.count(BANNER)), (0, 0));
}

#[tokio::test]
async fn billing_says_in_a_sentence_how_things_stand() {
    let page = open("/billing", Fake::subscribed()).await;
    assert!(page.html.contains("You have Max. The next payment, $100, is on 17 December 2026."));
    for text in
        ["Visa ending in 4242", "12/2027", "Max, $100 a month", "PLUMB-0001", "https://receipt.example.com/1"]
    {
        assert!(page.html.contains(text), "{text}");
    }
    assert_eq!((page.count("data-testid=\"invoice-row\""), page.count("data-testid=\"pack-row\"")), (2, 1));
    assert_eq!((page.count("data-testid=\"take-back\""), page.count("href=\"/billing/cancel\"")), (0, 1));
}

#[tokio::test]
async fn a_planned_change_and_a_cancellation_can_be_taken_back() {
    let page = open("/billing", Fake::changing()).await;
    assert!(page.html.contains("You have Max until 17 December 2026. Then Pro begins, for $20 a month."));
    assert_eq!((page.count("action=\"/api/billing/resume_subscription\""), page.count("Keep Max")), (1, 1));
    let page = open("/billing", Fake::cancelled()).await;
    assert!(page.html.contains("You have Max until 17 December 2026. Nothing more is charged."));
    assert_eq!((page.count("Keep Max"), page.count("href=\"/billing/cancel\"")), (1, 0));
}

#[tokio::test]
async fn whoever_has_bought_nothing_sees_where_it_would_be() {
    let page = open("/billing", Fake::free()).await;
    assert!(page.html.contains("You are on Free. Nothing is charged"));
    assert_eq!((page.count("None yet."), page.count("data-testid=\"card\"")), (2, 0));
}

#[tokio::test]
async fn a_failed_payment_is_said_on_every_page_with_its_date_and_the_way_to_fix_it() {
    for path in ["/", "/chat", "/usage", "/account", "/billing", "/pricing"] {
        let page = open(path, Fake::past_due()).await;
        assert_eq!(page.count(BANNER), 1, "{path}");
        assert!(page.html.contains("24 November 2026"), "{path}: until when");
        assert!(page.html.contains(", of which $0.48 is left"), "{path}: what is left");
        assert!(page.html.contains("name=\"page\" value=\"unpaid_invoice\""), "{path}: the button");
    }
    assert_eq!(visit("/", Fake::past_due()).await.count(BANNER), 0, "nobody is signed in");
}

#[tokio::test]
async fn a_frozen_account_can_write_nothing_and_read_everything() {
    let page = open("/chat", Fake::frozen()).await;
    assert_eq!((page.count(BANNER), page.count("data-testid=\"composer-closed\"")), (1, 1));
    assert_eq!((page.count("readonly"), page.count("aria-describedby=\"composer-closed\"")), (1, 1));
    let page = open(&format!("/chat/{FINISHED_THREAD}"), Fake::frozen()).await;
    let count = |test_id: &str| page.count(&format!("data-testid=\"{test_id}\""));
    assert_eq!((count("message-user"), count("versions"), count("edit-message")), (3, 2, 0));
    let page = open("/billing", Fake::frozen()).await;
    assert!(page.html.contains("Replies have been paused since"));
    assert_eq!((page.status, page.count("Change plan")), (StatusCode::OK, 0));
}

#[tokio::test]
async fn a_suspended_account_is_told_whom_to_ask() {
    let mut billing = Fake::subscribed();
    billing.billing.standing = Standing::Suspended;
    let page = open("/chat", billing).await;
    assert!(page.html.contains("Your account is suspended."));
    assert_eq!(page.count("rel=\"external\">Contact support<"), 1, "{}", page.html);
}

#[tokio::test]
async fn more_is_paid_and_begins_at_once() {
    let page = open("/billing/change?plan=max&interval=year", Fake::subscribed()).await;
    assert!(page.html.contains("Pay Max yearly") && page.html.contains("Visa ending in 4242 is charged."));
    assert!(page.html.contains("then it is $1000 a year"));
    assert_eq!((page.count("action=\"/api/billing/change_plan\""), page.count("value=\"year\"")), (1, 1));
}

#[tokio::test]
async fn less_waits_for_the_end_of_the_period() {
    let page = open("/billing/change?plan=pro&interval=month", Fake::subscribed()).await;
    assert!(page.html.contains("You keep Max as it is until 17 December 2026. Nothing is charged now."));
    assert!(
        page.html.contains("Change to Pro at the end of the period") && !page.html.contains("is charged.<")
    );
}

#[tokio::test]
async fn what_cannot_be_changed_is_not_asked() {
    for query in ["plan=max&interval=month", "plan=none", "plan=free"] {
        let page = open(&format!("/billing/change?{query}"), Fake::subscribed()).await;
        assert_eq!((page.count("Nothing to change"), page.count("change_plan")), (1, 0), "{query}");
    }
    let page = open("/billing/change?plan=max&interval=year", Fake::cancelled()).await;
    assert_eq!((page.count("Keep it first, under Billing"), page.count("change_plan")), (1, 0));
    let page = open("/billing/cancel", Fake::cancelled()).await;
    assert_eq!((page.count("Nothing to cancel"), page.count("cancel_subscription")), (1, 0));
}

#[tokio::test]
async fn a_cancellation_says_what_stays_and_until_when() {
    let page = open("/billing/cancel", Fake::subscribed()).await;
    assert!(page.html.contains("You keep Max, its limits and its credit until 17 December 2026."));
    assert_eq!((page.count("action=\"/api/billing/cancel_subscription\""), page.count("Keep Max")), (1, 1));
}

async fn come_back(outcome: CheckoutOutcome) -> Page {
    come_back_to(Ok(outcome)).await
}

async fn come_back_to(outcome: ApiResult<CheckoutOutcome>) -> Page {
    open("/billing/checkout?session=cs_1", Fake { outcome, ..Fake::subscribed() }).await
}

#[tokio::test]
async fn coming_back_from_stripe_tells_what_became_of_the_payment() {
    let page = come_back(CheckoutOutcome::Subscribed { plan_name: "Max".to_owned() }).await;
    assert!(page.html.contains("Max is yours") && page.html.contains("$25.00"));
    let (name, credit) = ("Large pack".to_owned(), Nanos::from_cents(1_000));
    let page = come_back(CheckoutOutcome::PackBought { name, credit }).await;
    assert!(page.html.contains("$10.00 added") && page.html.contains("It never expires"));
    let page = come_back(CheckoutOutcome::NotPaid).await;
    assert!(page.html.contains("Nothing was paid") && page.html.contains("nothing has changed"));
}

#[tokio::test]
async fn while_stripe_is_silent_the_page_says_so_and_can_be_looked_at_again() {
    let page = come_back(CheckoutOutcome::Pending).await;
    assert!(page.html.contains("about to confirm it"));
    assert!(page.html.contains("href=\"/billing/checkout?session=cs_1\" rel=\"external\""));
    let page = come_back_to(Err(ApiError::Unavailable { retry_after_seconds: 10 })).await;
    assert!(page.html.contains("about to confirm it"), "whoever may have paid is not told of a failure");
    let page = come_back_to(Err(ApiError::NotFound)).await;
    assert!(page.html.contains("There is nothing here, or it is not yours."));
}

impl Fake {
    fn changing() -> Self {
        let mut fake = Self::subscribed();
        let subscription = fake.billing.subscription.as_mut().expect("a subscription");
        subscription.changes_to = Some(PlannedChange {
            plan_key: "pro".to_owned(),
            plan_name: "Pro".to_owned(),
            interval: Interval::Month,
            amount_cents: 2_000,
            at: subscription.renews_at,
        });
        fake
    }

    fn cancelled() -> Self {
        let mut fake = Self::subscribed();
        let subscription = fake.billing.subscription.as_mut().expect("a subscription");
        subscription.ends_at = Some(subscription.renews_at);
        fake
    }

    fn past_due() -> Self {
        let mut fake = Self::subscribed();
        fake.billing.standing = fake::past_due();
        fake
    }

    fn frozen() -> Self {
        let mut fake = Self::subscribed();
        fake.billing.standing = Standing::Frozen { since: fake::failed_at() };
        fake
    }
}
