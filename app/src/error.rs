//! The only error on the wire, in words for people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use server_fn::codec::JsonEncoding;
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

use crate::types::{Cap, CapScope, Credit, Limit, LimitName, Nanos};

pub type ApiResult<T> = Result<T, ApiError>;

/// Why something did not happen. `Display` is the sentence a person reads; it says what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ApiError {
    #[error("Sign in to go on.")]
    SignInRequired,
    #[error("There is nothing here, or it is not yours.")]
    NotFound,
    /// An operator who looks at the product as somebody else wants to change something: 403.
    #[error("You are looking at somebody else's account, so nothing can be changed. End the visit to go on.")]
    ReadOnly,
    /// An operator has suspended the account: 403.
    #[error("Your account is suspended, so there are no replies. Reading, export and billing stay open.")]
    Suspended,
    /// The request cannot be carried out as it is.
    #[error("{message}")]
    Invalid { message: String },
    /// A rate or concurrency limit is reached: 429.
    #[error("{}", limit_sentence(limit))]
    LimitReached { limit: Limit, retry_after_seconds: u32 },
    /// The month's credit does not cover another reply: 402.
    #[error("{}", credit_sentence(credit))]
    OutOfCredit { credit: Box<Credit> },
    /// The subscription's grace has passed without a payment: 402. `links::BILLING_PATH` leads to what fixes it.
    #[error("Replies are paused because your subscription could not be paid. Pay it under Billing to go on.")]
    Frozen { since: DateTime<Utc> },
    /// The bank or the card did not allow a payment: 402.
    #[error("{message}")]
    PaymentRefused { message: String },
    /// A cap the person has set, or their plan, leaves too little for another reply: 402.
    #[error("{}", cap_sentence(cap))]
    CapReached { cap: Box<Cap> },
    /// All people together have spent what the operator allows for a day: 503.
    #[error("New replies are paused for everybody, because today's budget of this service is used up. Your message is kept and nothing was charged. {}", pause_sentence(*retry_after_seconds))]
    Paused { retry_after_seconds: u32 },
    /// Operators let nobody in for a while: 503.
    #[error(
        "We are working on Plumbline, so it is closed for a while. Nothing is lost; try again in a few minutes."
    )]
    Maintenance,
    /// Operators let nobody change anything for a while: 503.
    #[error(
        "We are working on Plumbline, so nothing can be changed for a while. You can read and export everything; try again in a few minutes."
    )]
    ChangesPaused,
    /// Something we depend on is away for a moment: 503.
    #[error("We cannot do this right now. Nothing is lost; try again in {retry_after_seconds} seconds.")]
    Unavailable { retry_after_seconds: u32 },
    /// The model's provider failed: 502.
    #[error("{}", model_sentence(*failure))]
    Model {
        failure: ModelFailure,
        /// The part of the request that it did not accept, as it calls it. For programs: people send only words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        param: Option<String>,
    },
    /// A fault of ours: 500. The id leads operators to the log.
    #[error("Something went wrong on our side. If it happens again, tell us this number: {request_id}")]
    Internal { request_id: String },
    /// The server could not be reached, or its answer made no sense. Made in the browser only.
    #[error("The connection was lost. Check that you are online, then try again.")]
    Connection,
}

/// How the model's provider failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelFailure {
    /// Not reachable, or it answered with an error.
    Unavailable,
    /// It refused because too much is asked of it.
    Overloaded,
    /// It did not begin to answer in time.
    NoFirstToken,
    /// It stopped in mid-answer.
    Interrupted,
    /// It would not answer this request.
    Refused,
    /// Its filter ended the answer, or let none begin.
    Filtered,
    /// It ended without a word.
    Empty,
}

impl ApiError {
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    pub fn model(failure: ModelFailure) -> Self {
        Self::Model { failure, param: None }
    }

    /// Its name, for logs; on the wire it is the same.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SignInRequired => "sign_in_required",
            Self::NotFound => "not_found",
            Self::ReadOnly => "read_only",
            Self::Suspended => "suspended",
            Self::Invalid { .. } => "invalid",
            Self::LimitReached { .. } => "limit_reached",
            Self::OutOfCredit { .. } => "out_of_credit",
            Self::Frozen { .. } => "frozen",
            Self::PaymentRefused { .. } => "payment_refused",
            Self::CapReached { .. } => "cap_reached",
            Self::Paused { .. } => "paused",
            Self::Maintenance => "maintenance",
            Self::ChangesPaused => "changes_paused",
            Self::Unavailable { .. } => "unavailable",
            Self::Model { .. } => "model",
            Self::Internal { .. } => "internal",
            Self::Connection => "connection",
        }
    }

    /// The same request may succeed later, so a "Try again" makes sense.
    pub fn is_retryable(&self) -> bool {
        !matches!(
            self,
            Self::SignInRequired
                | Self::NotFound
                | Self::ReadOnly
                | Self::Suspended
                | Self::Invalid { .. }
                | Self::OutOfCredit { .. }
                | Self::Frozen { .. }
                | Self::PaymentRefused { .. }
        )
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    /// Errors of the transport itself. Their texts hold internals, so they are dropped.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        #[cfg(feature = "ssr")]
        if matches!(
            error,
            ServerFnErrorErr::Args(_)
                | ServerFnErrorErr::MissingArg(_)
                | ServerFnErrorErr::Deserialization(_)
        ) {
            let invalid = Self::invalid("This request could not be read. Reload the page and try again.");
            crate::api::set_error_status(&invalid);
            return invalid;
        }
        crate::reports::report_call(&error);
        Self::Connection
    }
}

fn limit_sentence(limit: &Limit) -> String {
    let Limit { name, limit: most, .. } = limit;
    match name {
        LimitName::ConcurrentReplies => {
            format!("{} still being written, the most at a time. Wait for one to end.", replies(*most))
        }
        LimitName::RequestsPerMinute => {
            format!(
                "You have used all {most} requests of the last minute. The next one fits{}.",
                at(limit.resets_at)
            )
        }
        LimitName::RequestsPerDay => {
            format!(
                "You have used all {most} requests of the last 24 hours. The next one fits{}.",
                at(limit.resets_at)
            )
        }
        LimitName::TokensPerMinute if limit.held > 0 => {
            format!(
                "{} of {most} tokens a minute are free, which is too few for this message and its answer; {} are held by replies in progress. It fits{}, or as soon as they end with fewer.",
                limit.remaining,
                limit.held,
                at(limit.resets_at)
            )
        }
        LimitName::TokensPerMinute => {
            format!(
                "{} of {most} tokens a minute are left, which is too few for this message and its answer. It fits{}.",
                limit.remaining,
                at(limit.resets_at)
            )
        }
        LimitName::RequestsPerAddress => {
            format!(
                "Too many requests came from your network in the last minute: {most} are allowed. The next one fits{}.",
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

fn credit_sentence(credit: &Credit) -> String {
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

fn cap_sentence(cap: &Cap) -> String {
    let Cap { limit, held, remaining, resets_at, .. } = cap;
    let remaining = remaining.to_cents_text();
    let (cap, place) = match &cap.scope {
        CapScope::Month { is_own: true } => {
            (format!("You set a cap of {limit} for this month"), "on the usage page")
        }
        CapScope::Month { is_own: false } => {
            (format!("Your plan has a cap of {limit} a month"), "on the usage page")
        }
        CapScope::Conversation { is_own: true, .. } => (
            format!("You set a cap of {limit} for this conversation"),
            "in the conversation, under “Spending”",
        ),
        CapScope::Conversation { is_own: false, .. } => (
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

fn pause_sentence(retry_after_seconds: u32) -> &'static str {
    match retry_after_seconds {
        0..3_600 => "Try again in a few minutes.",
        _ => "New replies are possible again after midnight UTC.",
    }
}

fn model_sentence(failure: ModelFailure) -> &'static str {
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
    use super::*;
    use crate::types::{CapTerms, ThreadId};

    #[test]
    fn a_reached_limit_says_which_and_when() {
        let resets_at = DateTime::from_timestamp(1_700_000_000, 0);
        let limit =
            Limit { name: LimitName::RequestsPerMinute, limit: 5, used: 5, held: 0, remaining: 0, resets_at };
        let error = ApiError::LimitReached { limit, retry_after_seconds: 12 };
        assert_eq!(
            error.to_string(),
            "You have used all 5 requests of the last minute. The next one fits at 22:13:20 UTC."
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
            "2000 of 20000 tokens a minute are left, which is too few for this message and its answer. It fits at 22:13:20 UTC."
        );
        assert_eq!(
            text(Limit { held: 17_000, ..limit }),
            "2000 of 20000 tokens a minute are free, which is too few for this message and its answer; 17000 are held by replies in progress. It fits at 22:13:20 UTC, or as soon as they end with fewer."
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

    fn cap(scope: CapScope, used: i64, held: i64) -> String {
        let terms = CapTerms { limit: Nanos::from_cents(500), is_hard: true };
        let resets_at = match scope {
            CapScope::Month { .. } => DateTime::from_timestamp(1_701_388_800, 0),
            CapScope::Conversation { .. } => None,
        };
        let cap = Cap::new(scope, terms, Nanos::from_cents(used), Nanos::from_cents(held), resets_at);
        ApiError::CapReached { cap: Box::new(cap) }.to_string()
    }

    fn month(is_own: bool) -> CapScope {
        CapScope::Month { is_own }
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
        let conversation = CapScope::Conversation { thread_id, title: "Lease".to_owned(), is_own: true };
        assert_eq!(
            cap(conversation, 510, 0),
            "You set a cap of $5.00 for this conversation; $0.00 of it is left, which is too little for a reply. \
             Raise it in the conversation, under “Spending”."
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

    #[test]
    fn an_error_is_called_the_same_in_the_log_and_on_the_wire() {
        for error in [
            ApiError::SignInRequired,
            ApiError::NotFound,
            ApiError::ReadOnly,
            ApiError::Suspended,
            ApiError::invalid("No."),
            ApiError::Frozen { since: DateTime::UNIX_EPOCH },
            ApiError::PaymentRefused { message: String::new() },
            ApiError::Paused { retry_after_seconds: 1 },
            ApiError::Maintenance,
            ApiError::ChangesPaused,
            ApiError::Unavailable { retry_after_seconds: 1 },
            ApiError::model(ModelFailure::Empty),
            ApiError::Internal { request_id: String::new() },
            ApiError::Connection,
        ] {
            let sent = serde_json::to_value(&error).expect("JSON");
            assert_eq!(sent["type"], error.code());
        }
    }

    #[test]
    fn transport_errors_carry_no_internals() {
        let error =
            ApiError::from_server_fn_error(ServerFnErrorErr::Request("http://10.0.0.1 refused".to_owned()));
        assert!(!error.to_string().contains("10.0.0.1"));
    }
}
