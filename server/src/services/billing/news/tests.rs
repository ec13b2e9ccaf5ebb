use app::types::{AccountId, Interval};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::entitlements::tests::{customer, invoice, subscription};
use super::*;
use crate::providers::stripe::{Invoice, Subscription};

pub(in crate::services::billing) fn at(day: &str) -> DateTime<Utc> {
    format!("{day}T00:00:00Z").parse().expect("a time")
}

fn reading(day: &str) -> Reading {
    Reading { account_id: AccountId(Uuid::from_u128(1)), number: 7, at: at(day) }
}

pub(in crate::services::billing) fn row() -> SubscriptionRow {
    SubscriptionRow {
        id: "sub".to_owned(),
        status: "active".to_owned(),
        plan: Some("pro".to_owned()),
        interval: "month".to_owned(),
        amount_cents: 2000,
        period_start: at("2026-04-01"),
        period_end: at("2026-05-01"),
        ends_at: None,
        past_due_since: None,
        grace_ends_at: None,
        credit_resets_at: None,
        next_plan: None,
        next_interval: None,
        next_amount_cents: None,
        next_at: None,
        unpaid_change_url: None,
        card_brand: Some("visa".to_owned()),
        card_last4: Some("4242".to_owned()),
        card_expires_month: Some(12),
        card_expires_year: Some(2030),
        metered_item_id: None,
    }
}

fn with_next(plan: &str) -> SubscriptionRow {
    SubscriptionRow {
        next_plan: Some(plan.to_owned()),
        next_interval: Some("year".to_owned()),
        next_amount_cents: Some(100),
        next_at: Some(at("2026-05-01")),
        ..row()
    }
}

fn change_between(was: &SubscriptionRow, is: Option<&SubscriptionRow>) -> Option<PlanChange> {
    match plan_changed(Some(was), is, reading("2026-04-20"))?.facts {
        Facts::PlanChanged { change, .. } => Some(change),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_change_of_a_plan_is_told_as_what_it_is() {
    let renews_at = at("2026-05-01");
    let ending = SubscriptionRow { ends_at: Some(renews_at), ..row() };
    let max = SubscriptionRow { plan: Some("max".to_owned()), amount_cents: 10_000, ..row() };
    let canceled = SubscriptionRow { status: "canceled".to_owned(), ..row() };
    let due = SubscriptionRow { past_due_since: Some(renews_at), ..row() };
    let planned = PlanChange::Planned {
        to: "basic".to_owned(),
        interval: Interval::Year,
        amount_cents: 100,
        at: renews_at,
    };
    let begun = PlanChange::Begun { interval: Interval::Month, amount_cents: 10_000, renews_at };
    for (was, is, change) in [
        (&row(), Some(&max), Some(begun.clone())),
        (&with_next("max"), Some(&max), Some(begun)),
        (&row(), Some(&with_next("basic")), Some(planned.clone())),
        (&ending, Some(&with_next("basic")), Some(planned)),
        (&with_next("basic"), Some(&row()), Some(PlanChange::Kept { renews_at })),
        (&row(), Some(&ending), Some(PlanChange::Cancelled { ends_at: renews_at })),
        (&with_next("basic"), Some(&ending), Some(PlanChange::Cancelled { ends_at: renews_at })),
        (&ending, Some(&row()), Some(PlanChange::Resumed { renews_at })),
        (&ending, Some(&canceled), Some(PlanChange::Ended { was_unpaid: false })),
        (&due, Some(&canceled), Some(PlanChange::Ended { was_unpaid: true })),
        (&row(), None, Some(PlanChange::Ended { was_unpaid: false })),
        (&row(), Some(&row()), None),
        (&ending, Some(&ending), None),
        (&with_next("basic"), Some(&with_next("basic")), None),
        (&canceled, Some(&row()), None),
    ] {
        assert_eq!(change_between(was, is), change, "from {was:?} to {is:?}");
    }
    assert_eq!(plan_changed(None, Some(&row()), reading("2026-04-20")), None, "the receipt tells it");
}

#[test]
fn a_card_is_told_of_from_the_month_before_it_expires() {
    let causes = |row: &SubscriptionRow, day| card_expiring(row, reading(day)).map(|notice| notice.cause);
    let account = reading("2026-01-01").account_id;
    let cause = Some(format!("card_expiring:{account}:4242:2030-12"));
    assert_eq!(causes(&row(), "2030-10-31"), None);
    for day in ["2030-11-01", "2030-12-31", "2031-01-01"] {
        assert_eq!(causes(&row(), day), cause, "{day}");
    }
    let ending = SubscriptionRow { ends_at: Some(at("2030-12-01")), ..row() };
    let over = SubscriptionRow { status: "canceled".to_owned(), ..row() };
    let without = SubscriptionRow { card_last4: None, ..row() };
    for row in [ending, over, without] {
        assert_eq!(causes(&row, "2030-12-01"), None, "{row:?}");
    }
}

#[test]
fn a_failed_payment_is_told_for_each_attempt_and_once_when_the_grace_is_over() {
    let open = Invoice {
        status: "open".to_owned(),
        paid_at: None,
        attempts: 2,
        next_attempt_at: Some(at("2026-05-05")),
        ..invoice("in_1", "cycle", "2026-05-01", vec![])
    };
    let draft = Invoice {
        id: "in_2".to_owned(),
        status: "draft".to_owned(),
        finalized_at: None,
        attempts: 0,
        next_attempt_at: None,
        ..open.clone()
    };
    let due = SubscriptionRow {
        status: "past_due".to_owned(),
        past_due_since: Some(at("2026-05-01")),
        grace_ends_at: Some(at("2026-05-08")),
        ..row()
    };
    let with = |invoices: &[&Invoice]| {
        let latest_invoice_id = invoices.first().map(|latest| latest.id.clone());
        let subscription =
            Subscription { latest_invoice_id, ..subscription("pro", "2026-05-01", "2026-06-01") };
        customer(subscription, invoices.iter().map(|invoice| (*invoice).clone()).collect())
    };
    let told = |invoices: &[&Invoice], day| {
        let notice = payment_failed(&due, &with(invoices), at(day))?;
        let Facts::PaymentFailed { invoice_id, next_attempt_at, grace_ends_at, .. } = notice.facts else {
            panic!("{notice:?}")
        };
        Some((notice.cause, invoice_id, next_attempt_at, grace_ends_at))
    };
    let cause = |which| format!("payment_failed:in_1:{which}");
    let (next, end) = (Some(at("2026-05-05")), Some(at("2026-05-08")));
    assert_eq!(told(&[&open], "2026-05-02"), Some((cause("2"), "in_1".to_owned(), next, end)));
    assert_eq!(told(&[&open], "2026-05-08"), Some((cause("frozen"), "in_1".to_owned(), next, None)));
    let latest = Some((cause("frozen"), "in_2".to_owned(), None, None));
    assert_eq!(told(&[&draft, &open], "2026-06-02"), latest, "once, and it asks for the latest");
    assert_eq!(told(&[&draft], "2026-05-02"), None, "nobody has tried to be paid yet");
    assert_eq!(payment_failed(&row(), &with(&[&open]), at("2026-05-02")), None, "nothing is due");
}

#[test]
fn a_receipt_is_for_money_that_was_not_known_to_have_come() {
    let paid = InvoiceRow {
        id: "in_1".to_owned(),
        subscription_id: Some("sub".to_owned()),
        number: None,
        status: "paid".to_owned(),
        billing_reason: None,
        total_cents: 2000,
        refunded_cents: 0,
        created_at: at("2026-04-01"),
        paid_at: Some(at("2026-04-01")),
        url: None,
        pdf_url: None,
    };
    let nothing = InvoiceRow { id: "in_0".to_owned(), total_cents: 0, ..paid.clone() };
    let open = InvoiceRow { id: "in_2".to_owned(), status: "open".to_owned(), ..paid.clone() };
    let found = Findings {
        is_customer_deleted: false,
        plan: "pro".to_owned(),
        subscription: Some(row()),
        invoices: vec![open, paid, nothing],
        purchases: vec![],
        money_back: vec![],
        credit: vec![],
        next_reading: None,
    };
    let causes = |before: &Before| -> Vec<String> {
        let news = news(before, &found, &Customer::default(), reading("2026-04-02"));
        news.into_iter().map(|notice| notice.cause).collect()
    };
    assert_eq!(causes(&Before::default()), ["receipt:in_1"]);
    let known = Before { paid_invoices: ["in_1".to_owned()].into(), ..Before::default() };
    assert_eq!(causes(&known), Vec::<String>::new());
}
