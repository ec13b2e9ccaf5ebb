//! The sentences about deleting one's account.

use chrono::{DateTime, FixedOffset, Utc};

use crate::time;
use crate::types::Nanos;

/// What deleting the account does, what stays, and when.
pub fn consequences(
    erase_at: DateTime<Utc>,
    zone: Option<FixedOffset>,
    credit: Option<Nanos>,
) -> Vec<String> {
    let credit = credit.filter(|credit| *credit > Nanos::ZERO);
    let mut sentences = vec![
        format!(
            "On {} your account is erased. Until then everything works as before, and you can still keep it. It may take longer while an invoice is open.",
            time::day(erase_at, zone)
        ),
        "Your conversations, API keys and sessions, your name and your e-mail address go for good.".to_owned(),
        "What was paid and what was charged is kept here without your name, because accounting law wants that: amounts, dates, models and numbers of tokens. Our payment provider keeps its invoices as they were sent.".to_owned(),
    ];
    sentences.extend(credit.map(|credit| {
        format!("The {} of credit you have left is lost. Nothing of it is paid back.", credit.to_cents_text())
    }));
    sentences.push("Programs that use your API keys are refused from then on.".to_owned());
    sentences.push("Whoever signs in as you afterwards begins with a new, empty account.".to_owned());
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_is_spoken_of_where_there_is_some() {
        let at = "2026-12-14T10:00:00Z".parse().expect("a time");
        let told = |cents| consequences(at, None, Some(Nanos::from_cents(cents))).join(" ");
        assert!(told(48).contains("The $0.48 of credit you have left is lost."), "{}", told(48));
        assert!(told(48).contains("On 14 December 2026"), "{}", told(48));
        assert!(!told(0).contains("of credit"), "{}", told(0));
    }
}
