//! The sentences of refusals and failures: why something did not happen, and what to do next.

use chrono::{DateTime, Utc};

use crate::ModelFailure;
use crate::types::{Cap, CapScope, Credit, Limit, LimitName, Nanos};

/// A rate or the number of replies at a time is reached.
pub(crate) fn limit_sentence(limit: &Limit) -> String {
    let Limit { name, limit: most, .. } = limit;
    match name {
        LimitName::ConcurrentReplies => {
            format!("{} still being written, the most at a time. Wait for one to end.", replies(*most))
        }
        LimitName::RequestsPerMinute => {
            format!(
                "You have used all {most} requests of the last minute. You can send the next one{}.",
                at(limit.resets_at)
            )
        }
        LimitName::RequestsPerDay => {
            format!(
                "You have used all {most} requests of the last 24 hours. You can send the next one{}.",
                at(limit.resets_at)
            )
        }
        LimitName::TokensPerMinute if limit.held > 0 => {
            format!(
                "{} of {most} tokens a minute are free, which is too few for this message and its answer; {} are held by replies in progress. You can send it{}, or as soon as they end with fewer.",
                limit.remaining,
                limit.held,
                at(limit.resets_at)
            )
        }
        LimitName::TokensPerMinute => {
            format!(
                "{} of {most} tokens a minute are left, which is too few for this message and its answer. You can send it{}.",
                limit.remaining,
                at(limit.resets_at)
            )
        }
        LimitName::RequestsPerAddress => {
            format!(
                "Too many requests came from your network in the last minute: {most} are allowed. You can send the next one{}.",
                at(limit.resets_at)
            )
        }
        LimitName::WaitingRequests => format!(
            "Too many of your requests came at the same moment: {most} wait for their turn already. Send fewer at a time, and this one again in a moment."
        ),
    }
}

fn replies(count: u32) -> String {
    if count == 1 { "1 reply is".to_owned() } else { format!("{count} replies are") }
}

/// The month's credit is used up, and what comes after it.
pub(crate) fn credit_sentence(credit: &Credit) -> String {
    let left = credit.available.or_zero().to_cents_text();
    let until = credit.resets_at.format("%-d %B");
    // Else all of it goes into what is owed.
    if credit.held > Nanos::ZERO && credit.spendable() + credit.held > Nanos::ZERO {
        let held = credit.held.to_cents_text();
        return format!(
            "{left} of your credit is free, which is too little for a reply; {held} is held by replies in progress. Wait for them to end."
        );
    }
    if let Some(overage) = credit.overage {
        let (spare, cap) = (overage.left().to_cents_text(), overage.cap.to_cents_text());
        return format!(
            "{left} of your credit and {spare} of your pay-as-you-go cap of {cap} are left, which is too little for a reply. Raise the cap under Billing, or wait for new credit on {until}."
        );
    }
    format!(
        "{left} of this month's credit is left, which is too little for a reply. New credit comes on {until}."
    )
}

/// A cap is used up, or taken up by replies in progress.
pub(crate) fn cap_sentence(cap: &Cap) -> String {
    if matches!(cap.scope, CapScope::Thread { is_program: true, .. }) {
        return key_sentence(cap);
    }
    let Cap { limit, held, remaining, resets_at, .. } = cap;
    let remaining = remaining.to_cents_text();
    let (cap, place) = match &cap.scope {
        CapScope::Monthly { is_own: true } => {
            (format!("You set a cap of {limit} for this month"), "on the usage page")
        }
        CapScope::Monthly { is_own: false } => {
            (format!("Your plan has a cap of {limit} a month"), "on the usage page")
        }
        CapScope::Thread { is_own: true, .. } => (
            format!("You set a cap of {limit} for this conversation"),
            "in the conversation, under “Spending”",
        ),
        CapScope::Thread { is_own: false, .. } => (
            format!("Your plan has a cap of {limit} for each conversation"),
            "in the conversation, under “Spending”",
        ),
    };
    if *held > Nanos::ZERO {
        let held = held.to_cents_text();
        return format!(
            "{cap}; {remaining} of it is free, which is too little for a reply, and {held} is held by replies in progress. Wait for them to end, or raise the cap {place}."
        );
    }
    let until = resets_at.map(|at| format!(" A new month begins on {}.", at.format("%-d %B")));
    format!(
        "{cap}; {remaining} of it is left, which is too little for a reply. Raise it {place}.{}",
        until.unwrap_or_default()
    )
}

/// Read by whoever runs the program.
fn key_sentence(cap: &Cap) -> String {
    const RAISE: &str = "raise it on the page “API keys”";
    let Cap { limit, held, remaining, .. } = cap;
    let key = format!("This key's cap of {limit}");
    let but_for = match *remaining {
        Nanos::ZERO => String::new(),
        remaining => format!(" but for {}, which is too little for an answer", remaining.to_cents_text()),
    };
    match *held {
        Nanos::ZERO => format!("{key} is used up{but_for}. To go on, {RAISE}."),
        held => format!(
            "{key} is taken up{but_for}; {} is held by answers in progress. Wait for them to end, or {RAISE}.",
            held.to_cents_text()
        ),
    }
}

/// When replies are possible again that are paused for everybody.
pub(crate) fn pause_sentence(retry_after_seconds: u32) -> &'static str {
    match retry_after_seconds {
        0..3_600 => "Try again in a few minutes.",
        _ => "New replies are possible again after midnight UTC.",
    }
}

/// What the model's provider did.
pub(crate) fn model_sentence(failure: ModelFailure) -> &'static str {
    match failure {
        ModelFailure::Unavailable => "The model cannot be reached at the moment. Try again in a minute.",
        ModelFailure::Overloaded => "The model is very busy at the moment. Try again in a minute.",
        ModelFailure::NoFirstToken => "The model took too long to begin. Try again.",
        ModelFailure::Interrupted => {
            "The answer was interrupted. What arrived is kept; try again for a whole one."
        }
        ModelFailure::Refused => "The model did not accept this request. Shorten or change the message.",
        ModelFailure::Filtered => {
            "The model's provider does not want to answer this. Say it in other words, or ask something else."
        }
        ModelFailure::Empty => "The model gave no answer. Try again, or say it in other words.",
    }
}

/// The time of day in UTC: the page shows a countdown in the reader's zone beside it.
fn at(time: Option<DateTime<Utc>>) -> String {
    time.map(|time| format!(" at {} UTC", time.format("%H:%M:%S"))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use crate::ApiError;
    use crate::types::{Cap, CapScope, CapTerms, Credit, Limit, LimitName, Nanos, ThreadId};

    #[test]
    fn nobody_is_told_to_wait_for_replies_that_leave_nothing_when_they_end() {
        let text = |available, held| {
            let credit = Credit {
                granted: Nanos::from_cents(50),
                held: Nanos::from_cents(held),
                available: Nanos::from_cents(available),
                resets_at: DateTime::from_timestamp(1_701_388_800, 0).expect("a time"),
                overage: None,
            };
            ApiError::OutOfCredit { credit: Box::new(credit) }.to_string()
        };
        let waiting = text(-20, 30);
        assert!(
            waiting.ends_with("$0.30 is held by replies in progress. Wait for them to end."),
            "{waiting}"
        );
        for (available, held) in [(-30, 30), (-40, 30)] {
            let text = text(available, held);
            assert!(text.ends_with("New credit comes on 1 December."), "{text}");
        }
    }

    #[test]
    fn a_reached_limit_says_which_and_when() {
        let resets_at = DateTime::from_timestamp(1_700_000_000, 0);
        let limit =
            Limit { name: LimitName::RequestsPerMinute, limit: 5, used: 5, held: 0, remaining: 0, resets_at };
        let error = ApiError::LimitReached { limit, retry_after_seconds: 12 };
        assert_eq!(
            error.to_string(),
            "You have used all 5 requests of the last minute. You can send the next one at 22:13:20 UTC."
        );
    }

    #[test]
    fn too_few_tokens_are_not_called_none() {
        let resets_at = DateTime::from_timestamp(1_700_000_000, 0);
        let limit = Limit {
            name: LimitName::TokensPerMinute,
            limit: 20_000,
            used: 18_000,
            held: 0,
            remaining: 2000,
            resets_at,
        };
        let text = |limit| ApiError::LimitReached { limit, retry_after_seconds: 12 }.to_string();
        assert_eq!(
            text(limit.clone()),
            "2000 of 20000 tokens a minute are left, which is too few for this message and its answer. You can send it at 22:13:20 UTC."
        );
        assert_eq!(
            text(Limit { held: 17_000, ..limit }),
            "2000 of 20000 tokens a minute are free, which is too few for this message and its answer; 17000 are held by replies in progress. You can send it at 22:13:20 UTC, or as soon as they end with fewer."
        );
    }

    #[test]
    fn missing_credit_says_what_is_left_and_when_more_comes() {
        let credit = Credit {
            granted: Nanos::from_cents(50),
            held: Nanos::ZERO,
            available: Nanos(1),
            resets_at: DateTime::from_timestamp(1_701_388_800, 0).expect("a time"),
            overage: None,
        };
        let text = ApiError::OutOfCredit { credit: Box::new(credit) }.to_string();
        assert!(text.starts_with("$0.00 of this month's credit is left"), "{text}");
        assert!(text.ends_with("New credit comes on 1 December."), "{text}");
    }

    fn cap(scope: CapScope, used: i64, held: i64) -> String {
        let terms = CapTerms { limit: Nanos::from_cents(500), is_hard: true };
        let resets_at = match scope {
            CapScope::Monthly { .. } => DateTime::from_timestamp(1_701_388_800, 0),
            CapScope::Thread { .. } => None,
        };
        let cap = Cap::new(scope, terms, Nanos::from_cents(used), Nanos::from_cents(held), resets_at);
        ApiError::CapReached { cap: Box::new(cap) }.to_string()
    }

    fn month(is_own: bool) -> CapScope {
        CapScope::Monthly { is_own }
    }

    #[test]
    fn a_reached_cap_says_whose_it_is_what_is_left_and_what_to_do() {
        assert_eq!(
            cap(month(true), 498, 0),
            "You set a cap of $5.00 for this month; $0.02 of it is left, which is too little for a reply. \
             Raise it on the usage page. A new month begins on 1 December."
        );
        assert!(
            cap(month(false), 500, 0)
                .starts_with("Your plan has a cap of $5.00 a month; $0.00 of it is left")
        );
        let thread_id = ThreadId(uuid::Uuid::from_u128(1));
        let conversation =
            CapScope::Thread { thread_id, title: "Lease".to_owned(), is_own: true, is_program: false };
        assert_eq!(
            cap(conversation, 510, 0),
            "You set a cap of $5.00 for this conversation; $0.00 of it is left, which is too little for a reply. \
             Raise it in the conversation, under “Spending”."
        );
    }

    #[test]
    fn the_cap_of_a_key_is_told_to_whoever_runs_the_program() {
        let key = |used, held| {
            let (thread_id, title) = (ThreadId(uuid::Uuid::from_u128(1)), "API key “Laptop”".to_owned());
            cap(CapScope::Thread { thread_id, title, is_own: true, is_program: true }, used, held)
        };
        assert_eq!(
            key(500, 0),
            "This key's cap of $5.00 is used up. To go on, raise it on the page “API keys”."
        );
        assert_eq!(
            key(498, 0),
            "This key's cap of $5.00 is used up but for $0.02, which is too little for an answer. \
             To go on, raise it on the page “API keys”."
        );
        assert_eq!(
            key(400, 100),
            "This key's cap of $5.00 is taken up; $1.00 is held by answers in progress. Wait for them to end, \
             or raise it on the page “API keys”."
        );
    }

    #[test]
    fn a_cap_taken_up_by_replies_in_progress_says_so() {
        assert_eq!(
            cap(month(true), 400, 98),
            "You set a cap of $5.00 for this month; $0.02 of it is free, which is too little for a reply, \
             and $0.98 is held by replies in progress. Wait for them to end, or raise the cap on the usage page."
        );
    }

    #[test]
    fn a_pause_says_when_replies_are_possible_again() {
        let text = |retry_after_seconds| ApiError::Paused { retry_after_seconds }.to_string();
        assert!(text(7_200).ends_with("New replies are possible again after midnight UTC."));
        assert!(text(30).ends_with("Try again in a few minutes."));
    }
}
