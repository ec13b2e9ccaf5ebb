use app::types::Card;

use super::*;
use crate::config::PlansConfig;

fn told(facts: &Facts) -> String {
    let plans = PlansConfig::parse(include_str!("../../../../plans.toml")).expect("plans");
    let Words { subject, sentences } = words(facts, &Plans::new(&plans));
    format!("{subject} | {}", sentences.join(" "))
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

#[test]
fn receipts_name_the_money_and_what_it_is_for() {
    let of_plan = Facts::InvoicePaid {
        invoice_id: "in_1".to_owned(),
        number: Some("A-1".to_owned()),
        plan: Some("pro".to_owned()),
        amount_cents: 2000,
        paid_at: at("2026-11-24T18:05:00Z"),
    };
    assert_eq!(
        told(&of_plan),
        "Receipt: $20.00 for Pro | Thank you. We received your payment of $20.00 for Pro on 24 November 2026, 18:05 UTC. \
         It is for invoice A-1."
    );
    let of_pack = Facts::PackBought {
        purchase_id: "cs_1".to_owned(),
        credit: Nanos::from_cents(1000),
        amount_cents: 1000,
        bought_at: at("2026-11-24T18:05:00Z"),
    };
    assert_eq!(
        told(&of_pack),
        "Receipt: $10.00 for $10.00 of credit | Thank you. We received your payment of $10.00 on 24 November 2026, 18:05 \
         UTC. $10.00 of credit is yours, and it never expires."
    );
}

#[test]
fn a_payment_that_failed_for_good_says_that_replies_are_paused() {
    let facts = Facts::PaymentFailed {
        invoice_id: "in_1".to_owned(),
        plan: None,
        amount_cents: 2000,
        next_attempt_at: None,
        grace_ends_at: None,
    };
    assert_eq!(
        told(&facts),
        "Your payment of $20.00 failed | Your payment of $20.00 for your plan did not go through. Your card is not \
         tried again by itself. Replies are paused until it is paid. Reading, export and billing stay open. Paying now, or \
         with another card, restores everything at once."
    );
}

#[test]
fn a_card_is_told_by_its_last_digits() {
    let card =
        Card { brand: "visa".to_owned(), last4: "4242".to_owned(), expires_month: 12, expires_year: 2026 };
    assert_eq!(
        told(&Facts::CardExpiring { card }),
        "Your card is about to expire | Visa ending in 4242, which pays for your subscription, expires with December 2026. \
         Use another card before the next payment is due, and nothing is interrupted."
    );
}

#[test]
fn each_change_of_a_plan_says_when_and_for_how_much() {
    let day = at("2026-12-24T00:00:00Z");
    for (change, words) in [
        (
            PlanChange::Begun { interval: Interval::Year, amount_cents: 20_000, renews_at: day },
            "You have Pro now | Your plan is Pro now, for $200.00 a year. The next payment is due on 24 December 2026, 00:00 \
             UTC.",
        ),
        (
            PlanChange::Planned {
                to: "max".to_owned(),
                interval: Interval::Month,
                amount_cents: 10_000,
                at: day,
            },
            "Your plan changes to Max, monthly | You keep Pro as it is until 24 December 2026, 00:00 UTC. Then Max begins, for \
             $100.00 a month. You can take this back at any time before.",
        ),
        (
            PlanChange::Kept { renews_at: day },
            "You keep Pro | The change that was planned is taken back. The next payment is due on 24 December 2026, 00:00 UTC.",
        ),
        (
            PlanChange::Cancelled { ends_at: day },
            "Your subscription to Pro is cancelled | You keep Pro, its limits and its credit until 24 December 2026, 00:00 UTC. \
             Nothing more is charged. Then your account is on Free. You can take this back at any time before.",
        ),
        (
            PlanChange::Resumed { renews_at: day },
            "Your subscription to Pro goes on | The cancellation is taken back. The next payment is due on 24 December 2026, \
             00:00 UTC.",
        ),
        (
            PlanChange::Ended { was_unpaid: true },
            "Your subscription to Pro has ended | It was not paid, so it has ended. Your account is on Free. Your conversations \
             and the credit of your packs stay.",
        ),
    ] {
        let plan = Some("pro".to_owned());
        assert_eq!(told(&Facts::PlanChanged { plan, change }), words);
    }
}

#[test]
fn an_alert_names_the_cap_or_the_credit_and_the_month() {
    let alert = |basis, percent| {
        let (limit, month) = (Nanos::from_cents(500), at("2026-11-01T00:00:00Z"));
        told(&Facts::BudgetAlert { basis, percent, limit, month })
    };
    assert_eq!(
        alert(AlertBasis::Cap, 80),
        "80 % of your monthly cap is spent | What you spent in November 2026 (UTC) has passed 80 % of your cap of $5.00."
    );
    assert_eq!(
        alert(AlertBasis::Credit, 100),
        "100 % of your credit is spent | What you spent in November 2026 (UTC) has passed 100 % of your credit of $5.00."
    );
}
