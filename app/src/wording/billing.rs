//! The sentences about what is paid, when, and for what.

use chrono::{DateTime, FixedOffset, Utc};

use crate::time;
use crate::types::{Card, Interval, InvoiceStatus, Nanos, OverageTerms, Subscription};

/// Whole dollars without decimals, for prices: `$20`, `$16.67`.
pub fn dollars(cents: impl Into<i64>) -> String {
    let cents = cents.into();
    let text = Nanos::from_cents(cents).to_string();
    if cents % 100 == 0 { text.trim_end_matches(".00").to_owned() } else { text }
}

/// `$20 a month`.
pub fn price(cents: u32, interval: Interval) -> String {
    format!("{} a {interval}", dollars(cents))
}

/// `12/2027`.
pub fn card_expiry(card: &Card) -> String {
    format!("{:02}/{}", card.expires_month, card.expires_year)
}

/// In one word, or a few.
pub fn invoice_status(status: InvoiceStatus) -> &'static str {
    match status {
        InvoiceStatus::Draft => "Being prepared",
        InvoiceStatus::Open => "To be paid",
        InvoiceStatus::Paid => "Paid",
        InvoiceStatus::Refunded => "Refunded",
        InvoiceStatus::Void => "Cancelled, nothing to pay",
        InvoiceStatus::Uncollectible => "Not collected",
    }
}

/// What pay as you go does, or would do.
pub fn overage_sentence(terms: &OverageTerms) -> String {
    match (terms.cap, terms.most) {
        (Some(cap), _) => format!(
            "When your credit is used up, replies go on at the same prices, up to {cap} a month. What that comes to is on your next invoice."
        ),
        (None, Some(_)) => "When your credit is used up, replies stop. Switch this on to let them go on at the same prices, up to a cap of yours; what that comes to is on your next invoice.".to_owned(),
        (None, None) => "This cannot be switched on now. What you have used is on your next invoice.".to_owned(),
    }
}

/// What a move to another plan or interval would do, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeWords {
    pub heading: String,
    pub sentences: Vec<String>,
    pub button: String,
}

/// A change that takes effect as soon as it is paid.
pub fn change_at_once(
    current: &Subscription,
    plan_name: &str,
    interval: Interval,
    cents: u32,
    zone: Option<FixedOffset>,
) -> ChangeWords {
    let price = price(cents, interval);
    let mut sentences = vec![format!(
        "{plan_name} begins as soon as its payment has gone through, with all its limits and its models."
    )];
    sentences.push(format!(
        "You pay for it now, less what is left of the {} you have paid for {}.",
        current.interval, current.plan_name
    ));
    sentences.push(match interval == current.interval {
        true => format!("From {} on it is {price}.", time::day(current.renews_at, zone)),
        false => format!("A new {interval} begins today; then it is {price}, until you cancel."),
    });
    ChangeWords {
        heading: change_heading(current, plan_name, interval),
        sentences,
        button: format!("Pay and begin {plan_name} now"),
    }
}

/// A change that waits for the end of the period.
pub fn change_later(
    current: &Subscription,
    plan_name: &str,
    interval: Interval,
    cents: u32,
    zone: Option<FixedOffset>,
) -> ChangeWords {
    let end = time::day(current.renews_at, zone);
    ChangeWords {
        heading: change_heading(current, plan_name, interval),
        sentences: vec![
            format!("You keep {} as it is until {end}. Nothing is charged now.", current.plan_name),
            format!("Then {plan_name} begins, for {}.", price(cents, interval)),
            "You can take this back at any time before.".to_owned(),
        ],
        button: format!("Change to {plan_name} at the end of the period"),
    }
}

fn change_heading(current: &Subscription, plan_name: &str, interval: Interval) -> String {
    match current.plan_name == plan_name {
        true => format!("Pay {plan_name} {}", interval.rhythm()),
        false => format!("From {} to {plan_name}", current.plan_name),
    }
}

/// What a cancellation would do.
pub fn cancellation(current: &Subscription, zone: Option<FixedOffset>) -> Vec<String> {
    vec![
        format!(
            "You keep {}, its limits and its credit until {}.",
            current.plan_name,
            time::day(current.renews_at, zone)
        ),
        "Nothing more is charged. After that day your account is on Free.".to_owned(),
        "Your conversations and the credit of your packs stay. You can take this back at any time before."
            .to_owned(),
    ]
}

/// What comes next of a subscription, where nothing is wrong.
pub fn next_step(subscription: &Subscription, zone: Option<FixedOffset>) -> String {
    let Subscription { plan_name, renews_at, ends_at, changes_to, .. } = subscription;
    let day = |at: DateTime<Utc>| time::day(at, zone);
    match (ends_at, changes_to) {
        (Some(at), _) => format!("You have {plan_name} until {}. Nothing more is charged.", day(*at)),
        (None, Some(to)) => {
            let price = price(to.amount_cents, to.interval);
            match to.plan_name == *plan_name {
                true => format!("You have {plan_name}. From {} on it is {price}.", day(to.at)),
                false => format!(
                    "You have {plan_name} until {}. Then {} begins, for {price}.",
                    day(to.at),
                    to.plan_name
                ),
            }
        }
        (None, None) => format!(
            "You have {plan_name}. The next payment, {}, is on {}.",
            dollars(subscription.amount_cents),
            day(*renews_at)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::PlannedChange;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    fn subscription() -> Subscription {
        Subscription {
            plan_key: "pro".to_owned(),
            plan_name: "Pro".to_owned(),
            interval: Interval::Month,
            amount_cents: 2_000,
            renews_at: at(1_797_552_000),
            ends_at: None,
            changes_to: None,
            unpaid_change_url: None,
        }
    }

    #[test]
    fn prices_are_short_where_they_are_whole() {
        assert_eq!([2_000_u32, 1_667, 0, 100_000].map(dollars), ["$20", "$16.67", "$0", "$1000"]);
        assert_eq!(price(20_000, Interval::Year), "$200 a year");
    }

    #[test]
    fn what_comes_next_names_the_day_and_the_money() {
        let mut subscription = subscription();
        assert_eq!(
            next_step(&subscription, None),
            "You have Pro. The next payment, $20, is on 18 December 2026."
        );
        subscription.changes_to = Some(PlannedChange {
            plan_key: "pro".to_owned(),
            plan_name: "Pro".to_owned(),
            interval: Interval::Year,
            amount_cents: 20_000,
            at: subscription.renews_at,
        });
        assert_eq!(
            next_step(&subscription, None),
            "You have Pro. From 18 December 2026 on it is $200 a year."
        );
        subscription.ends_at = Some(subscription.renews_at);
        assert_eq!(
            next_step(&subscription, None),
            "You have Pro until 18 December 2026. Nothing more is charged."
        );
    }

    #[test]
    fn a_change_says_when_it_begins_and_what_it_costs() {
        let now = change_at_once(&subscription(), "Max", Interval::Month, 10_000, None);
        assert_eq!(now.heading, "From Pro to Max");
        assert_eq!(now.sentences[2], "From 18 December 2026 on it is $100 a month.");
        let yearly = change_at_once(&subscription(), "Pro", Interval::Year, 20_000, None);
        assert_eq!(yearly.heading, "Pay Pro yearly");
        assert!(yearly.sentences[2].starts_with("A new year begins today"));
        let later = change_later(&subscription(), "Basic", Interval::Month, 500, None);
        assert_eq!(later.button, "Change to Basic at the end of the period");
        assert!(later.sentences[0].contains("until 18 December 2026"));
        assert!(later.sentences[0].ends_with("Nothing is charged now."));
    }

    #[test]
    fn a_card_is_told_by_its_network_and_last_digits() {
        let card =
            Card { brand: "visa".to_owned(), last4: "4242".to_owned(), expires_month: 4, expires_year: 2027 };
        assert_eq!(
            (card.name(), card_expiry(&card)),
            ("Visa ending in 4242".to_owned(), "04/2027".to_owned())
        );
        assert_eq!(Card { brand: "elo".to_owned(), ..card }.name(), "Card ending in 4242");
    }
}
