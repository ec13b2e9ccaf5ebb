//! What a reply ends as: its state, what it is charged for, and what the person is told.

use app::types::{Message, ReplyState};
use app::{ApiError, ModelFailure};

use super::live::CancelReason;
use super::transcript::Transcript;
use crate::pricing::{TokenUsage, estimate_tokens};
use crate::providers::llm::LlmError;

/// Why the text goes no further.
#[derive(Debug)]
pub(super) enum Ending {
    Finished {
        is_limited: bool,
    },
    Cancelled(CancelReason),
    Failed(LlmError),
    /// A fault of ours.
    Panicked,
}

impl Ending {
    pub(super) fn state(&self, transcript: &Transcript) -> ReplyState {
        match self {
            Self::Finished { is_limited: false } => ReplyState::Finished,
            Self::Finished { is_limited: true } => ReplyState::Limited,
            Self::Cancelled(CancelReason::Stopped) => ReplyState::Stopped,
            Self::Cancelled(CancelReason::ShuttingDown | CancelReason::HoldLost) => ReplyState::Interrupted,
            Self::Failed(_) | Self::Panicked if !transcript.is_visible() => ReplyState::Failed,
            Self::Failed(_) | Self::Panicked => ReplyState::Interrupted,
        }
    }

    pub(super) fn error(&self, transcript: &Transcript) -> Option<ApiError> {
        match self {
            Self::Finished { .. } | Self::Cancelled(CancelReason::Stopped) => None,
            Self::Failed(error) if !transcript.is_visible() => {
                let failure = match error.failure {
                    ModelFailure::Interrupted => ModelFailure::Unavailable,
                    other => other,
                };
                Some(ApiError::Model { failure })
            }
            _ => Some(ApiError::Model { failure: ModelFailure::Interrupted }),
        }
    }

    /// The tokens to charge for, and whether they are our estimate. The provider's count wins, an explicit zero
    /// included. Without one we count what was sent and said; an answer that failed before its first word is free.
    pub(super) fn usage(&self, transcript: &Transcript, input_tokens: u32) -> (TokenUsage, bool) {
        if let Some(usage) = transcript.usage {
            return (usage, false);
        }
        if matches!(self, Self::Failed(_) | Self::Panicked) && !transcript.is_visible() {
            return (TokenUsage::default(), false);
        }
        let reasoning_tokens = estimate_tokens(&transcript.reasoning);
        let output_tokens = estimate_tokens(&transcript.text) + reasoning_tokens;
        (TokenUsage { input_tokens, output_tokens, reasoning_tokens, ..TokenUsage::default() }, true)
    }

    /// In a word, for the record of attempts.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Finished { is_limited: false } => "finished",
            Self::Finished { is_limited: true } => "limited",
            Self::Cancelled(CancelReason::Stopped) => "stopped",
            Self::Cancelled(_) => "cut off",
            Self::Failed(_) => "interrupted",
            Self::Panicked => "panicked",
        }
    }
}

/// How attempts that came to nothing are recorded.
const OUTCOMES: [(ModelFailure, &str); 5] = [
    (ModelFailure::Unavailable, "unavailable"),
    (ModelFailure::Overloaded, "overloaded"),
    (ModelFailure::NoFirstToken, "no first token"),
    (ModelFailure::Interrupted, "interrupted"),
    (ModelFailure::Refused, "refused"),
];

pub(super) fn outcome_of(failure: ModelFailure) -> &'static str {
    OUTCOMES.iter().find(|(known, _)| *known == failure).map_or("unavailable", |(_, outcome)| *outcome)
}

/// What is told of an answer that was saved and is read again. Of one that failed, by the outcome of its last attempt.
pub(super) fn error_of(message: &Message, last_outcome: Option<&str>) -> Option<ApiError> {
    let failure = match message.state? {
        ReplyState::Failed => failed_by(last_outcome),
        ReplyState::Interrupted => ModelFailure::Interrupted,
        _ => return None,
    };
    Some(ApiError::Model { failure })
}

/// As it was told when it failed, before its first word: nothing was interrupted then.
fn failed_by(outcome: Option<&str>) -> ModelFailure {
    let known = OUTCOMES.iter().find(|(_, known)| Some(*known) == outcome).map(|(failure, _)| *failure);
    known.filter(|failure| *failure != ModelFailure::Interrupted).unwrap_or(ModelFailure::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(text: &str, usage: Option<TokenUsage>) -> Transcript {
        Transcript { text: text.to_owned(), usage, ..Transcript::default() }
    }

    fn failed() -> Ending {
        Ending::Failed(LlmError {
            failure: ModelFailure::Overloaded,
            detail: String::new(),
            is_passing: true,
            retry_after: None,
        })
    }

    #[test]
    fn an_answer_that_fails_before_its_first_word_is_free_and_says_why() {
        let nothing = transcript("", None);
        assert_eq!(failed().state(&nothing), ReplyState::Failed);
        assert_eq!(failed().usage(&nothing, 100), (TokenUsage::default(), false));
        assert_eq!(failed().error(&nothing), Some(ApiError::Model { failure: ModelFailure::Overloaded }));
    }

    #[test]
    fn an_answer_cut_in_the_middle_is_kept_and_charged_by_our_count() {
        let half = transcript("abcdef", None);
        assert_eq!(failed().state(&half), ReplyState::Interrupted);
        assert_eq!(
            failed().usage(&half, 100),
            (TokenUsage { input_tokens: 100, output_tokens: 2, ..TokenUsage::default() }, true)
        );
    }

    #[test]
    fn an_explicit_zero_is_charged_as_zero() {
        let ending = Ending::Finished { is_limited: false };
        let whole = transcript("abcdef", Some(TokenUsage::default()));
        assert_eq!(ending.usage(&whole, 100), (TokenUsage::default(), false));
    }

    #[test]
    fn a_stop_before_the_first_word_pays_for_what_was_sent() {
        let ending = Ending::Cancelled(CancelReason::Stopped);
        let (usage, is_estimated) = ending.usage(&transcript("", None), 100);
        assert_eq!((usage.input_tokens, usage.output_tokens, is_estimated), (100, 0, true));
    }
}
