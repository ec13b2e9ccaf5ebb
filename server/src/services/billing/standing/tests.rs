use chrono::TimeDelta;

use super::*;

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).expect("a time")
}

fn past_due(ends_in: TimeDelta) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    Some((noon() - TimeDelta::days(7), noon() + ends_in))
}

/// A row of the table in the documentation.
fn row(name: &str, due: &str, standing: Standing, status: Option<SubscriptionStatus>) -> String {
    let access = Access::of(standing, status);
    let standing = match standing {
        Standing::Free => "Free",
        Standing::Active => "Active",
        Standing::PastDue { .. } => "PastDue",
        Standing::Frozen { .. } => "Frozen",
        Standing::Suspended => "Suspended",
    };
    let replies = if access.has_replies { "yes" } else { "no" };
    let limits = if access.has_paid_limits { "the plan" } else { "Free" };
    let credit = if access.has_free_credit { "each calendar month" } else { "with each payment" };
    let overage = if access.has_overage { "yes" } else { "no" };
    let due = if due.is_empty() { " ".to_owned() } else { format!(" {due} ") };
    format!("| {name} |{due}| {standing} | {replies} | {limits} | {credit} | {overage} | open |")
}

/// (34)
#[test]
fn the_table_in_the_documentation_is_what_the_code_does() {
    use SubscriptionStatus::*;

    let mut expected = vec![row("none", "", Standing::Free, None)];
    for status in SubscriptionStatus::ALL {
        let cases = match status {
            PastDue | Unpaid => vec![
                ("within the grace", past_due(TimeDelta::seconds(1))),
                ("beyond the grace", past_due(TimeDelta::zero())),
                ("no invoice", None),
            ],
            // Money that went back is a matter of credit.
            Active => vec![("", None), ("disputed", None)],
            _ => vec![("", None)],
        };
        for (due, past_due) in cases {
            let standing = standing_of(&Dunning { status, past_due }, noon());
            expected.push(row(&format!("`{status}`"), due, standing, Some(status)));
        }
    }
    let docs = include_str!("../../../../../docs/billing.md");
    let table: Vec<_> = docs
        .lines()
        .skip_while(|line| !line.starts_with("| none"))
        .take_while(|line| !line.is_empty())
        .collect();
    let sorted = |mut rows: Vec<String>| {
        rows.sort();
        rows
    };
    assert_eq!(sorted(table.into_iter().map(str::to_owned).collect()), sorted(expected));
}

/// (34)
#[test]
fn the_grace_ends_once_and_a_payment_restores_everything() {
    let dunning = Dunning { status: SubscriptionStatus::PastDue, past_due: past_due(TimeDelta::days(1)) };
    assert!(matches!(standing_of(&dunning, noon()), Standing::PastDue { .. }));
    let later = noon() + TimeDelta::days(2);
    assert_eq!(standing_of(&dunning, later), Standing::Frozen { since: noon() + TimeDelta::days(1) });
    let paid = Dunning { status: SubscriptionStatus::Active, past_due: None };
    assert_eq!(standing_of(&paid, later), Standing::Active);
}
