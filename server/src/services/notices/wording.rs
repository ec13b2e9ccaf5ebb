//! Notices in words, for mails and for the app. Their readers' zone is not known, so times are in UTC and say so.

use app::types::{AlertBasis, Card, Interval, Month, Nanos};
use chrono::{DateTime, Utc};

use crate::services::plans::Plans;
use crate::store::notices::{Facts, PlanChange};

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) subject: String,
    pub(super) sentences: Vec<String>,
}

pub(super) fn words(facts: &Facts, plans: &Plans) -> Words {
    let name = |key: Option<&String>| key.map_or_else(|| "your plan".to_owned(), |key| plans.name_of(key));
    match facts {
        Facts::InvoicePaid { number, plan, amount_cents, paid_at, .. } => {
            receipt(&name(plan.as_ref()), *amount_cents, *paid_at, number.as_deref())
        }
        Facts::PackBought { credit, amount_cents, bought_at, .. } => {
            pack_receipt(*credit, *amount_cents, *bought_at)
        }
        Facts::PaymentFailed { plan, amount_cents, next_attempt_at, grace_ends_at, .. } => {
            payment_failed(&name(plan.as_ref()), *amount_cents, *next_attempt_at, *grace_ends_at)
        }
        Facts::CardExpiring { card } => card_expiring(card),
        Facts::PlanChanged { plan, change } => plan_changed(&name(plan.as_ref()), change, plans),
        Facts::BudgetAlert { basis, percent, limit, month } => budget_alert(*basis, *percent, *limit, *month),
        Facts::ErasurePlanned { erase_at } => erasure_planned(*erase_at),
    }
}

fn receipt(plan: &str, cents: i64, paid_at: DateTime<Utc>, number: Option<&str>) -> Words {
    let money = dollars(cents);
    let mut sentences =
        vec![format!("Thank you. We received your payment of {money} for {plan} on {}.", moment(paid_at))];
    sentences.extend(number.map(|number| format!("It is for invoice {number}.")));
    Words { subject: format!("Receipt: {money} for {plan}"), sentences }
}

fn pack_receipt(credit: Nanos, cents: i64, bought_at: DateTime<Utc>) -> Words {
    let (money, credit) = (dollars(cents), credit.to_cents_text());
    Words {
        subject: format!("Receipt: {money} for {credit} of credit"),
        sentences: vec![
            format!("Thank you. We received your payment of {money} on {}.", moment(bought_at)),
            format!("{credit} of credit is yours, and it never expires."),
        ],
    }
}

fn payment_failed(
    plan: &str,
    cents: i64,
    next_attempt_at: Option<DateTime<Utc>>,
    grace_ends_at: Option<DateTime<Utc>>,
) -> Words {
    let money = dollars(cents);
    let again = match next_attempt_at {
        Some(at) => format!("Your card is tried again on {}.", moment(at)),
        None => "Your card is not tried again by itself.".to_owned(),
    };
    let access = match grace_ends_at {
        Some(at) => {
            format!("Until {} you have a smaller budget; then replies pause until it is paid.", moment(at))
        }
        None => "Replies are paused until it is paid. Reading, export and billing stay open.".to_owned(),
    };
    Words {
        subject: format!("Your payment of {money} failed"),
        sentences: vec![
            format!("Your payment of {money} for {plan} did not go through."),
            again,
            access,
            "Paying now, or with another card, restores everything at once.".to_owned(),
        ],
    }
}

fn card_expiring(card: &Card) -> Words {
    let name = card.name();
    let month = format!("{}-{:02}", card.expires_year, card.expires_month).parse::<Month>();
    let month = month.map_or_else(|_| "the month on it".to_owned(), Month::name);
    Words {
        subject: "Your card is about to expire".to_owned(),
        sentences: vec![
            format!("{name}, which pays for your subscription, expires with {month}."),
            "Use another card before the next payment is due, and nothing is interrupted.".to_owned(),
        ],
    }
}

fn plan_changed(plan: &str, change: &PlanChange, plans: &Plans) -> Words {
    let (subject, sentences) = match change {
        PlanChange::Begun { interval, amount_cents, renews_at } => (
            format!("You have {plan} now"),
            vec![
                format!("Your plan is {plan} now, for {}.", price(*amount_cents, *interval)),
                format!("The next payment is due on {}.", moment(*renews_at)),
            ],
        ),
        PlanChange::Planned { to, interval, amount_cents, at } => {
            let (to, at) = (plans.name_of(to), moment(*at));
            (
                format!("Your plan changes to {to}, {}", interval.rhythm()),
                vec![
                    format!("You keep {plan} as it is until {at}."),
                    format!("Then {to} begins, for {}.", price(*amount_cents, *interval)),
                    "You can take this back at any time before.".to_owned(),
                ],
            )
        }
        PlanChange::Kept { renews_at } => (
            format!("You keep {plan}"),
            vec![
                "The change that was planned is taken back.".to_owned(),
                format!("The next payment is due on {}.", moment(*renews_at)),
            ],
        ),
        PlanChange::Cancelled { ends_at } => (
            format!("Your subscription to {plan} is cancelled"),
            vec![
                format!("You keep {plan}, its limits and its credit until {}.", moment(*ends_at)),
                "Nothing more is charged. Then your account is on Free.".to_owned(),
                "You can take this back at any time before.".to_owned(),
            ],
        ),
        PlanChange::Resumed { renews_at } => (
            format!("Your subscription to {plan} goes on"),
            vec![
                "The cancellation is taken back.".to_owned(),
                format!("The next payment is due on {}.", moment(*renews_at)),
            ],
        ),
        PlanChange::Ended { was_unpaid } => (
            format!("Your subscription to {plan} has ended"),
            vec![
                match was_unpaid {
                    true => "It was not paid, so it has ended. Your account is on Free.".to_owned(),
                    false => "Your account is on Free.".to_owned(),
                },
                "Your conversations and the credit of your packs stay.".to_owned(),
            ],
        ),
    };
    Words { subject, sentences }
}

fn budget_alert(basis: AlertBasis, percent: u8, limit: Nanos, month: DateTime<Utc>) -> Words {
    let (month, limit) = (Month::of(month.date_naive()).name(), limit.to_string());
    let (subject, sentence) = match basis {
        AlertBasis::Cap => (
            format!("{percent} % of your monthly cap is spent"),
            format!("What you spent in {month} (UTC) has passed {percent} % of your cap of {limit}."),
        ),
        AlertBasis::Credit => (
            format!("{percent} % of your credit is spent"),
            format!("What you spent in {month} (UTC) has passed {percent} % of your credit of {limit}."),
        ),
    };
    Words { subject, sentences: vec![sentence] }
}

fn erasure_planned(erase_at: DateTime<Utc>) -> Words {
    Words {
        subject: format!("Your account will be erased on {}", erase_at.format("%-d %B %Y")),
        sentences: vec![
            format!("You have asked for your account to be deleted. It is erased on {}.", moment(erase_at)),
            "Until then everything works as before, and you can keep it: sign in and choose “Keep my account”.".to_owned(),
            "If you have not asked for this, keep it, and sign out everywhere.".to_owned(),
        ],
    }
}

fn dollars(cents: i64) -> String {
    Nanos::from_cents(cents).to_cents_text()
}

fn price(cents: i64, interval: Interval) -> String {
    format!("{} a {interval}", dollars(cents))
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests;
