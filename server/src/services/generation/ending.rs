//! What a reply ends as: its state, what it is charged for, and what the person is told.

use app::types::{AttemptOutcome, Message, ReplyState};
use app::{ApiError, ModelFailure};

use super::live::CancelReason;
use super::transcript::Transcript;
use crate::pricing::{TokenUsage, estimate_output};
use crate::providers::llm::{CountedUsage, LlmError};

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
            Self::Failed(error) if !transcript.is_visible() || error.failure == ModelFailure::Filtered => {
                let failure = match error.failure {
                    ModelFailure::Interrupted => ModelFailure::Unavailable,
                    other => other,
                };
                // What else fails is not about the request.
                let param = error.param.clone().filter(|_| failure == ModelFailure::Refused);
                Some(ApiError::Model { failure, param })
            }
            _ => Some(ApiError::model(ModelFailure::Interrupted)),
        }
    }

    /// The tokens to charge for, and whether they are our estimate. An answer is free that failed before its first word, that
    /// we gave up before it, or that was stopped while no provider was at it. Otherwise the provider's count wins, an explicit
    /// zero included; what it has not counted of what was sent and said, we do. So nobody pays more by our count than was set
    /// aside, whatever a provider writes that keeps no cap.
    pub(super) fn usage(
        &self,
        transcript: &Transcript,
        input_tokens: u32,
        most_output_tokens: u32,
    ) -> (TokenUsage, bool) {
        let is_owed = transcript.is_visible() || self.is_wanted() && transcript.is_asked();
        if !is_owed {
            return (TokenUsage::default(), false);
        }
        let read = match transcript.usage() {
            Some(CountedUsage { tokens, is_whole: true }) => return (tokens, false),
            Some(CountedUsage { tokens, is_whole: false }) => tokens,
            None => TokenUsage { input_tokens, ..TokenUsage::default() },
        };
        let said = estimate_output(&transcript.output, most_output_tokens);
        let TokenUsage { output_tokens, reasoning_tokens, .. } = said;
        (TokenUsage { output_tokens, reasoning_tokens, ..read }, true)
    }

    /// The person has what they asked for, or wanted no more of it.
    fn is_wanted(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Cancelled(CancelReason::Stopped))
    }

    /// What its last attempt is recorded as.
    pub(super) fn outcome(&self) -> AttemptOutcome {
        match self {
            Self::Finished { is_limited: false } => AttemptOutcome::Finished,
            Self::Finished { is_limited: true } => AttemptOutcome::Limited,
            Self::Cancelled(CancelReason::Stopped) => AttemptOutcome::Stopped,
            Self::Cancelled(_) => AttemptOutcome::CutOff,
            Self::Failed(error) if error.failure == ModelFailure::Filtered => FILTERED,
            Self::Failed(_) => AttemptOutcome::Failed(ModelFailure::Interrupted),
            Self::Panicked => AttemptOutcome::Panicked,
        }
    }
}

const FILTERED: AttemptOutcome = AttemptOutcome::Failed(ModelFailure::Filtered);

/// What is told of an answer that was saved and is read again. Of one that failed, by the outcome of its last attempt.
pub(super) fn error_of(message: &Message, last_outcome: Option<AttemptOutcome>) -> Option<ApiError> {
    let failure = match message.state? {
        ReplyState::Failed => failed_by(last_outcome),
        ReplyState::Interrupted if last_outcome == Some(FILTERED) => ModelFailure::Filtered,
        ReplyState::Interrupted => ModelFailure::Interrupted,
        _ => return None,
    };
    Some(ApiError::model(failure))
}

/// As it was told when it failed, before its first word: nothing was interrupted then.
fn failed_by(outcome: Option<AttemptOutcome>) -> ModelFailure {
    match outcome {
        Some(AttemptOutcome::Failed(failure)) if failure != ModelFailure::Interrupted => failure,
        _ => ModelFailure::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use app::types::{ChatEventKind, ModelPrices, Nanos, ToolCallPiece};
    use chrono::Utc;

    use super::*;
    use crate::output::Output;
    use crate::services::generation::transcript::AttemptRecord;
    use crate::telemetry::traces::Span;

    const COSTS: ModelPrices =
        ModelPrices { input: Nanos(1_000_000), cached_input: Nanos(1_000_000), output: Nanos(1_000_000) };

    fn begin_attempt(transcript: &mut Transcript, tokens: Option<TokenUsage>) {
        transcript.attempts.push(AttemptRecord::begin("route", COSTS, Utc::now(), Span::call("chat")));
        let counted = tokens.map(|tokens| CountedUsage { tokens, is_whole: true });
        counted.into_iter().for_each(|counted| transcript.hear_usage(counted));
    }

    /// After one attempt.
    fn transcript(text: &str, usage: Option<TokenUsage>) -> Transcript {
        let output = Output { text: text.to_owned(), ..Output::default() };
        let mut transcript = Transcript { output, ..Transcript::default() };
        begin_attempt(&mut transcript, usage);
        transcript
    }

    fn text(text: &str) -> ChatEventKind {
        ChatEventKind::Text { text: text.to_owned() }
    }

    fn used(tokens: u32) -> TokenUsage {
        TokenUsage { input_tokens: tokens, output_tokens: tokens, ..TokenUsage::default() }
    }

    fn error() -> LlmError {
        let failure = ModelFailure::Overloaded;
        LlmError {
            failure,
            detail: String::new(),
            param: None,
            is_passing: true,
            is_of_account: false,
            retry_after: None,
        }
    }

    fn failed() -> Ending {
        Ending::Failed(error())
    }

    #[test]
    fn an_answer_that_fails_before_its_first_word_is_free_and_says_why() {
        let nothing = transcript("", None);
        assert_eq!(failed().state(&nothing), ReplyState::Failed);
        assert_eq!(failed().usage(&nothing, 100, 1000), (TokenUsage::default(), false));
        assert_eq!(failed().error(&nothing), Some(ApiError::model(ModelFailure::Overloaded)));
    }

    #[test]
    fn what_a_failed_attempt_used_is_our_cost_and_nobody_elses() {
        let mut transcript = transcript("", Some(used(500)));
        assert_eq!(failed().usage(&transcript, 100, 1000), (TokenUsage::default(), false), "it is free");
        begin_attempt(&mut transcript, None);
        transcript.hear(&text("abcdef"));
        let (usage, is_estimated) = Ending::Finished { is_limited: false }.usage(&transcript, 100, 1000);
        assert_eq!((usage.input_tokens, usage.output_tokens, is_estimated), (100, 2, true));
        let costs: Vec<i64> =
            transcript.settled_attempts(usage).iter().map(|attempt| attempt.cost.0).collect();
        assert_eq!(costs, [1000, 102]);
    }

    #[test]
    fn an_answer_cut_in_the_middle_is_kept_and_charged_by_our_count() {
        let half = transcript("abcdef", None);
        assert_eq!(failed().state(&half), ReplyState::Interrupted);
        assert_eq!(
            failed().usage(&half, 100, 1000),
            (TokenUsage { input_tokens: 100, output_tokens: 2, ..TokenUsage::default() }, true)
        );
    }

    #[test]
    fn what_the_provider_has_read_is_charged_by_its_count_also_when_the_rest_is_not_counted() {
        let tokens = TokenUsage { input_tokens: 90, cached_input_tokens: 40, ..TokenUsage::default() };
        let mut half = transcript("", Some(TokenUsage { output_tokens: 1, ..tokens }));
        half.hear(&text("abcdef"));
        let stopped = Ending::Cancelled(CancelReason::Stopped);
        assert_eq!(stopped.usage(&half, 100, 1000), (TokenUsage { output_tokens: 2, ..tokens }, true));
    }

    #[test]
    fn tools_that_are_to_be_called_were_written_too() {
        let mut calling = transcript("", None);
        let (id, name) = (Some("call_1".to_owned()), Some("abc".to_owned()));
        let piece = Box::new(ToolCallPiece { index: 0, id, name, arguments: "{}".to_owned() });
        calling.hear(&ChatEventKind::ToolCall { piece });
        assert!(calling.is_visible());
        let (usage, is_estimated) = Ending::Finished { is_limited: false }.usage(&calling, 100, 1000);
        assert_eq!((usage.input_tokens, usage.output_tokens, is_estimated), (100, 2, true));
    }

    #[test]
    fn an_answer_longer_than_its_cap_is_charged_up_to_it() {
        let long = transcript(&"abc".repeat(50), None);
        let (usage, _) = Ending::Finished { is_limited: true }.usage(&long, 100, 7);
        assert_eq!((usage.input_tokens, usage.output_tokens), (100, 7));
    }

    #[test]
    fn what_a_filter_ends_says_so_also_in_mid_answer() {
        let filtered = || Ending::Failed(LlmError { failure: ModelFailure::Filtered, ..error() });
        let told = Some(ApiError::model(ModelFailure::Filtered));
        assert_eq!(filtered().error(&transcript("", None)), told);
        assert_eq!(filtered().error(&transcript("abc", None)), told);
    }

    #[test]
    fn the_part_of_the_request_that_was_not_accepted_is_told_of_refusals_alone() {
        for (failure, told) in [(ModelFailure::Refused, Some("top_p")), (ModelFailure::Unavailable, None)] {
            let failed = Ending::Failed(LlmError { failure, param: Some("top_p".to_owned()), ..error() });
            let param = told.map(str::to_owned);
            assert_eq!(failed.error(&transcript("", None)), Some(ApiError::Model { failure, param }));
        }
    }

    #[test]
    fn an_explicit_zero_is_charged_as_zero() {
        let ending = Ending::Finished { is_limited: false };
        let whole = transcript("abcdef", Some(TokenUsage::default()));
        assert_eq!(ending.usage(&whole, 100, 1000), (TokenUsage::default(), false));
    }

    #[test]
    fn what_we_give_up_before_its_first_word_is_free() {
        for reason in [CancelReason::ShuttingDown, CancelReason::HoldLost] {
            let ending = Ending::Cancelled(reason);
            assert_eq!(ending.usage(&transcript("", None), 100, 1000), (TokenUsage::default(), false));
            assert_eq!(ending.usage(&transcript("abcdef", None), 100, 1000).0.output_tokens, 2);
        }
    }

    #[test]
    fn a_stop_while_no_provider_is_asked_is_free() {
        let ending = Ending::Cancelled(CancelReason::Stopped);
        let nobody = Transcript::default();
        assert_eq!(ending.usage(&nobody, 100, 1000), (TokenUsage::default(), false));
        let mut failed = transcript("", Some(used(500)));
        failed.end_attempt(AttemptOutcome::Failed(ModelFailure::Overloaded));
        failed.end_attempt(ending.outcome());
        assert_eq!(ending.usage(&failed, 100, 1000), (TokenUsage::default(), false));
    }

    #[test]
    fn a_stop_before_the_first_word_pays_for_what_was_sent() {
        let ending = Ending::Cancelled(CancelReason::Stopped);
        let nothing = transcript("", None);
        let (usage, is_estimated) = ending.usage(&nothing, 100, 1000);
        assert_eq!((usage.input_tokens, usage.output_tokens, is_estimated), (100, 0, true));
        let attempts = nothing.settled_attempts(usage);
        assert_eq!(
            (attempts[0].usage, attempts[0].cost),
            (Some(usage), Nanos(100)),
            "of the one that was asked"
        );
    }
}
