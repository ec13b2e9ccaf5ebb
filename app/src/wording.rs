//! The sentences about what is left and how a reply ended.

mod api;
pub mod billing;
mod caps;
pub mod erasure;
pub(crate) mod errors;
pub mod figures;
mod mail;
pub mod usage;

pub use self::api::curl_example;
pub use self::caps::{alert_sentence, cap_effect, key_spent, spent_sentence, thread_cap_note};
pub use self::mail::mail_route;
use crate::types::{Limit, LimitName, ModelPrices, Quota, ReplyState, SignInError, Thread};

/// What is left, for the line below the composer: the tighter of the two rates, and the credit.
pub fn left_sentence(quota: &Quota) -> String {
    let minute = quota.limit(LimitName::RequestsPerMinute);
    let day = quota.limit(LimitName::RequestsPerDay);
    let credit = format!("{} credit", quota.credit.available.or_zero().to_cents_text());
    match (minute, day) {
        (Some(minute), Some(day)) if day.remaining <= minute.remaining => {
            format!("{} · {credit}", requests_left(day.remaining, "today"))
        }
        (Some(minute), _) => format!("{} · {credit}", requests_left(minute.remaining, "this minute")),
        (None, Some(day)) => format!("{} · {credit}", requests_left(day.remaining, "today")),
        (None, None) => credit,
    }
}

/// The rate that is used up, if one is.
pub fn used_up(quota: &Quota) -> Option<&Limit> {
    let is_rate = |limit: &&Limit| limit.name != LimitName::ConcurrentReplies;
    quota
        .limits
        .iter()
        .filter(is_rate)
        .filter(|limit| limit.remaining == 0)
        .max_by_key(|limit| limit.resets_at)
}

fn requests_left(count: u32, period: &str) -> String {
    let requests = if count == 1 { "request" } else { "requests" };
    format!("{count} {requests} left {period}")
}

/// How many conversations a search has found; `is_in_messages`: not only in titles.
pub fn found_sentence(count: usize, is_in_messages: bool) -> String {
    match count {
        0 if is_in_messages => "No title and no recent message has these words in it.".to_owned(),
        0 => "No title has this in it. Messages are searched from three letters on.".to_owned(),
        1 => "1 conversation found".to_owned(),
        _ if count >= Thread::FOUND as usize => format!("The first {count} of those found"),
        _ => format!("{count} conversations found"),
    }
}

/// Read out when a conversation was gone on with elsewhere.
pub fn new_messages(count: usize) -> String {
    match count {
        1 => "1 new message, written elsewhere, is shown at the end.".to_owned(),
        _ => format!("{count} new messages, written elsewhere, are shown at the end."),
    }
}

pub fn limit_title(name: LimitName) -> &'static str {
    match name {
        LimitName::ConcurrentReplies => "Replies at a time",
        LimitName::RequestsPerMinute => "Requests a minute",
        LimitName::RequestsPerDay => "Requests in 24 hours",
        LimitName::TokensPerMinute => "Tokens a minute",
        LimitName::RequestsPerAddress => "Requests from one network",
        LimitName::WaitingRequests => "Requests at the same moment",
    }
}

pub fn limit_explanation(name: LimitName) -> &'static str {
    match name {
        LimitName::ConcurrentReplies => "How many answers may be written at the same moment.",
        LimitName::RequestsPerMinute => "Counted over the last 60 seconds, to the request.",
        LimitName::RequestsPerDay => "Counted over the last 24 hours, to the request.",
        LimitName::TokensPerMinute => {
            "What the requests of the last 60 seconds read and wrote, and what replies in progress may still write."
        }
        LimitName::RequestsPerAddress => "Counted over the last 60 seconds, without signing in.",
        LimitName::WaitingRequests => "How many may wait for their turn to be admitted.",
    }
}

/// What the time in `resets_at` means: it depends on whether the limit is reached.
pub fn reset_words(limit: &Limit) -> &'static str {
    if limit.remaining == 0 { "The next request fits" } else { "The oldest request stops counting" }
}

/// How a reply ended, where that needs saying.
pub fn state_note(state: ReplyState) -> Option<&'static str> {
    match state {
        ReplyState::Streaming | ReplyState::Finished => None,
        ReplyState::Limited => Some("Cut at the length limit"),
        ReplyState::Stopped => Some("Stopped"),
        ReplyState::Failed => Some("No answer came"),
        ReplyState::Interrupted => Some("Interrupted"),
    }
}

/// Of a reply that ended at its length without a word.
pub const ALL_THOUGHT: &str = "The model used its whole length thinking and wrote no answer. Ask again, or choose a model that thinks less.";

/// What a model costs; `PRICE_UNIT` says how much a million tokens are.
pub fn price_sentence(prices: &ModelPrices) -> String {
    format!("{} to read and {} to write a million tokens", prices.input, prices.output)
}

pub const PRICE_UNIT: &str = "A million tokens are about 750,000 words.";

/// The reason a sign-in did not succeed. None: the address does not say.
pub fn sign_in_error(error: Option<SignInError>) -> &'static str {
    match error {
        Some(SignInError::Refused) => {
            "The sign-in was cancelled, so nothing has changed. Start again whenever you like."
        }
        Some(SignInError::Closed) => {
            "There are no new accounts at the moment, and this sign-in belongs to none. Come back another day."
        }
        Some(SignInError::Unavailable) => {
            "The identity provider cannot be reached at the moment. Try again in a minute."
        }
        None => {
            "The sign-in did not succeed. Please start again; if it keeps failing, tell whoever runs this site."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{found_sentence, left_sentence, price_sentence, used_up};
    use crate::types::{Limit, LimitName, ModelPrices, Nanos, Quota};

    #[test]
    fn the_tighter_limit_is_named() {
        assert_eq!(left_sentence(&Quota::with_left(4, 90)), "4 requests left this minute · $0.48 credit");
        assert_eq!(left_sentence(&Quota::with_left(4, 1)), "1 request left today · $0.48 credit");
    }

    #[test]
    fn a_used_up_rate_is_found_and_replies_in_progress_are_none() {
        let mut quota = Quota::with_left(0, 90);
        let replies = Limit { name: LimitName::ConcurrentReplies, ..quota.limits[0].clone() };
        quota.limits.push(replies);
        assert_eq!(used_up(&quota).map(|limit| limit.name), Some(LimitName::RequestsPerMinute));
        assert_eq!(used_up(&Quota::with_left(1, 90)), None);
    }

    #[test]
    fn a_deficit_is_shown_as_nothing_left() {
        let mut quota = Quota::with_left(4, 90);
        quota.credit.available = Nanos(-5);
        assert_eq!(left_sentence(&quota), "4 requests left this minute · $0.00 credit");
    }

    #[test]
    fn prices_are_exact() {
        let [input, cached_input, output] = [150_000_000, 75_000_000, 600_000_000].map(Nanos);
        assert_eq!(
            price_sentence(&ModelPrices { input, cached_input, output }),
            "$0.15 to read and $0.60 to write a million tokens"
        );
    }

    #[test]
    fn a_search_that_is_cut_says_so() {
        let found = |count| found_sentence(count, true);
        assert_eq!([1, 49].map(found), ["1 conversation found", "49 conversations found"]);
        assert_eq!(found(50), "The first 50 of those found");
    }

    #[test]
    fn a_search_that_finds_nothing_says_where_it_looked() {
        assert_eq!(found_sentence(0, true), "No title and no recent message has these words in it.");
        assert!(found_sentence(0, false).starts_with("No title has this in it."));
    }
}
