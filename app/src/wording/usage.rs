//! The words of the usage pages.

use crate::ModelFailure;
use crate::types::{AttemptOutcome, Charge, Nanos, Receipt, ReplyState, Usage};

/// With commas: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub fn replies(number: u64) -> String {
    if number == 1 { "1 reply".to_owned() } else { format!("{} replies", count(number)) }
}

/// What a reply or several were charged. A reply that cost nothing was not charged at all.
pub fn charged(amount: Nanos) -> String {
    if amount == Nanos::ZERO { "Not charged".to_owned() } else { amount.to_string() }
}

/// With a sign in front, whichever it is: `+$0.50`, `−$0.02`.
pub fn signed(amount: Nanos) -> String {
    match amount {
        Nanos(..0) => format!("−{}", -amount),
        _ => format!("+{amount}"),
    }
}

/// How two periods compare.
pub fn comparison(now: Usage, before: Usage, name_before: &str) -> String {
    if before.is_empty() {
        format!("Nothing in {name_before}")
    } else if before.charged == now.charged {
        format!("The same in {name_before}")
    } else {
        format!("{} in {name_before}", before.charged)
    }
}

/// What became of the money that was set aside; `charged`: None while the reply is being written.
pub fn hold_sentence(held: Nanos, charged: Option<Nanos>) -> String {
    match charged {
        None => format!("{held} is set aside while it is being written."),
        Some(Nanos::ZERO) => {
            format!(
                "Nothing was posted. {held} was set aside before it began, and was free again when it ended."
            )
        }
        Some(charged) if charged > held => format!(
            "{held} was set aside before it began. It used more than was expected, and what it used is what counts."
        ),
        Some(_) => format!(
            "{held} was set aside before it began, the most it was expected to cost. What was not needed was free again when it ended."
        ),
    }
}

/// How an attempt to get an answer ended, from what is recorded.
pub fn outcome(recorded: &str) -> &'static str {
    match AttemptOutcome::parse(recorded) {
        None => "Ended",
        Some(AttemptOutcome::Finished) => "Answered",
        Some(AttemptOutcome::Limited) => "Answered, up to the length limit",
        Some(AttemptOutcome::Stopped) => "Stopped by you",
        Some(AttemptOutcome::CutOff) => "Cut off",
        Some(AttemptOutcome::Panicked) => "A fault of ours",
        Some(AttemptOutcome::Failed(failure)) => match failure {
            ModelFailure::Unavailable => "Could not be reached",
            ModelFailure::Overloaded => "Was too busy",
            ModelFailure::NoFirstToken => "Did not begin in time",
            ModelFailure::Interrupted => "Broke off",
            ModelFailure::Refused => "Did not accept the request",
            ModelFailure::Filtered => "Did not want to answer this",
            ModelFailure::Empty => "Ended without a word",
        },
    }
}

/// How a reply ended.
pub fn reply_state(state: ReplyState) -> &'static str {
    match state {
        ReplyState::Streaming => "Being written",
        ReplyState::Finished => "Complete",
        ReplyState::Limited => "Cut at the length limit",
        ReplyState::Stopped => "Stopped by you",
        ReplyState::Failed => "Failed before its first word",
        ReplyState::Interrupted => "Interrupted",
    }
}

/// In one sentence, why the reply cost what it cost.
pub fn charge_sentence(receipt: &Receipt) -> &'static str {
    match &receipt.charge {
        None => "It is still being written. What it costs is known when it ends.",
        Some(charge) if charge.charged > Nanos::ZERO => "The tokens it used, times the price of its model.",
        Some(_) if receipt.state == ReplyState::Failed => "No answer came, so there is nothing to pay.",
        Some(_) => "It used nothing that costs anything.",
    }
}

/// What is special about how the tokens were counted.
pub fn counting_notes(charge: &Charge) -> Vec<&'static str> {
    let estimated = "Estimated: the provider did not report all that this reply used, so what it left out was counted here, one token for every three bytes of text, which are three letters of English or one character of Chinese.";
    let provisional = "Provisional: the server that wrote this reply went away. If its count still comes, the difference is posted as a correction.";
    let notes = [(charge.is_estimated, estimated), (charge.is_provisional, provisional)];
    notes.into_iter().filter_map(|(applies, note)| applies.then_some(note)).collect()
}

/// A length of time: `840 ms`, `2.3 s`.
pub fn duration(ms: u32) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        _ => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn long_numbers_have_commas() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([replies(1), replies(2_000)], ["1 reply", "2,000 replies"]);
    }

    #[test]
    fn nothing_charged_is_not_an_amount() {
        assert_eq!([charged(Nanos(0)), charged(Nanos(5_000_000))], ["Not charged", "$0.005"]);
    }

    #[test]
    fn what_comes_and_what_goes_has_its_sign() {
        assert_eq!(
            [signed(Nanos::from_cents(50)), signed(Nanos(-1)), signed(Nanos(0))],
            ["+$0.50", "−$0.000000001", "+$0.00"]
        );
    }

    #[test]
    fn every_recorded_outcome_has_words_of_its_own() {
        let words = AttemptOutcome::ALL.map(|recorded| outcome(recorded.as_str()));
        let different: HashSet<_> = words.into_iter().chain([outcome("unheard of")]).collect();
        assert_eq!(different.len(), words.len() + 1, "{words:?}");
    }

    #[test]
    fn a_period_without_use_is_compared_in_words() {
        let used = |nanos| Usage { replies: 1, charged: Nanos(nanos), ..Usage::default() };
        let compared = |now, before| comparison(now, before, "October 2026");
        assert_eq!(compared(used(5), Usage::default()), "Nothing in October 2026");
        assert_eq!(compared(used(5), used(5)), "The same in October 2026");
        assert_eq!(compared(used(5), used(10_000_000)), "$0.01 in October 2026");
    }

    #[test]
    fn what_was_set_aside_is_told_as_it_was() {
        let told = |charged: i64| hold_sentence(Nanos(500), Some(Nanos(charged)));
        assert!(told(0).starts_with("Nothing was posted. $0.0000005 was set aside"));
        assert!(told(500).contains("was not needed was free again"));
        assert!(told(501).contains("more than was expected"));
        assert!(hold_sentence(Nanos(500), None).contains("is set aside while"));
    }

    #[test]
    fn durations_are_read_at_a_glance() {
        assert_eq!([840, 1_000, 2_349, 61_000].map(duration), ["840 ms", "1.0 s", "2.3 s", "61.0 s"]);
    }
}
