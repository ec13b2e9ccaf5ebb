//! The sentences about caps and the alerts on the way to them.

use crate::types::{Alert, AlertBasis, Cap, Credit, Nanos, Quota};

/// What an alert says, by how things stand now.
pub fn alert_sentence(alert: Alert, quota: &Quota) -> String {
    match (alert.basis, quota.monthly_cap()) {
        (AlertBasis::Cap, Some(cap)) => cap_sentence(alert.percent, cap),
        _ => credit_sentence(alert.percent, &quota.credit),
    }
}

fn cap_sentence(percent: u8, cap: &Cap) -> String {
    let limit = cap.limit;
    let until = cap.resets_at.map(|at| format!(" until {}", at.format("%-d %B"))).unwrap_or_default();
    match (percent, cap.is_hard) {
        (..100, _) => {
            let left = cap.remaining.to_cents_text();
            format!("{percent}% of your cap of {limit} for this month is spent; {left} is left{until}.")
        }
        (_, true) => {
            format!(
                "Your cap of {limit} for this month is reached. New replies are refused{until}, unless you raise it."
            )
        }
        (_, false) => {
            format!(
                "Your cap of {limit} for this month is passed. It only warns, so replies go on; it counts{until}."
            )
        }
    }
}

fn credit_sentence(percent: u8, credit: &Credit) -> String {
    let until = credit.resets_at.format("%-d %B");
    match percent {
        ..100 => {
            let left = credit.available.or_zero().to_cents_text();
            format!("{percent}% of this month's credit is spent; {left} is left until {until}.")
        }
        _ => format!("This month's credit is used up. New credit comes on {until}."),
    }
}

/// How far spending has come with a cap.
pub fn spent_sentence(cap: &Cap) -> String {
    format!("{} of {} spent", cap.used, cap.limit)
}

/// What an API key has cost, and of what.
pub fn key_spent(used: Nanos, cap: Option<Nanos>) -> String {
    match cap {
        Some(cap) if used >= cap => {
            format!("{used} of its cap of {cap} spent: its requests are refused until you raise the cap.")
        }
        Some(cap) => format!("{used} of its cap of {cap} spent"),
        None => format!("{used} spent"),
    }
}

/// What happens when a cap is reached.
pub fn cap_effect(is_hard: bool) -> &'static str {
    if is_hard { "Refuses replies that do not fit" } else { "Only warns" }
}

/// How far a conversation has come with its cap, from half of it on.
pub fn thread_cap_note(cap: &Cap) -> Option<String> {
    let is_close = cap.used >= cap.limit - cap.used;
    let effect = match (cap.is_hard, cap.used >= cap.limit) {
        (false, true) => " It only warns, so replies go on.",
        (true, true) => " Further replies are refused, unless you raise it.",
        _ => "",
    };
    is_close.then(|| format!("This conversation has cost {} of its cap of {}.{effect}", cap.used, cap.limit))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    use super::{alert_sentence, thread_cap_note};
    use crate::types::{Alert, AlertBasis, Cap, CapScope, CapTerms, Credit, Nanos, Quota, ThreadId};

    fn cap(scope: CapScope, is_hard: bool, used: i64) -> Cap {
        let terms = CapTerms { limit: Nanos::from_cents(500), is_hard };
        Cap::new(scope, terms, Nanos::from_cents(used), Nanos::ZERO, Some(december()))
    }

    fn december() -> DateTime<Utc> {
        DateTime::from_timestamp(1_701_388_800, 0).expect("a time")
    }

    fn sentence(basis: AlertBasis, percent: u8, is_hard: bool) -> String {
        let credit = Credit {
            granted: Nanos::from_cents(1_000),
            held: Nanos::ZERO,
            available: Nanos::from_cents(190),
            resets_at: december(),
            overage: None,
        };
        let caps = vec![cap(CapScope::Monthly { is_own: true }, is_hard, 410)];
        let quota = Quota {
            plan_name: "Free".to_owned(),
            limits: vec![],
            credit,
            caps,
            alerts: vec![],
            plan_cap: None,
            plan_thread_cap: None,
        };
        alert_sentence(Alert { basis, percent }, &quota)
    }

    #[test]
    fn an_alert_says_what_is_spent_what_is_left_and_what_happens_now() {
        assert_eq!(
            sentence(AlertBasis::Cap, 80, true),
            "80% of your cap of $5.00 for this month is spent; $0.90 is left until 1 December."
        );
        assert_eq!(
            sentence(AlertBasis::Cap, 100, true),
            "Your cap of $5.00 for this month is reached. New replies are refused until 1 December, unless you raise it."
        );
        assert_eq!(
            sentence(AlertBasis::Cap, 100, false),
            "Your cap of $5.00 for this month is passed. It only warns, so replies go on; it counts until 1 December."
        );
        assert_eq!(
            sentence(AlertBasis::Credit, 80, true),
            "80% of this month's credit is spent; $1.90 is left until 1 December."
        );
        assert!(sentence(AlertBasis::Credit, 100, true).ends_with("New credit comes on 1 December."));
    }

    #[test]
    fn a_conversation_speaks_of_its_cap_from_half_of_it_on() {
        let note = |is_hard, used| {
            let thread_id = ThreadId(Uuid::from_u128(1));
            let scope = CapScope::Thread { thread_id, title: String::new(), is_own: true, is_program: false };
            thread_cap_note(&cap(scope, is_hard, used))
        };
        assert_eq!(note(true, 249), None);
        assert_eq!(note(true, 250).as_deref(), Some("This conversation has cost $2.50 of its cap of $5.00."));
        assert!(note(true, 500).is_some_and(|note| note.ends_with("refused, unless you raise it.")));
        assert!(note(false, 700).is_some_and(|note| note.ends_with("It only warns, so replies go on.")));
    }
}
