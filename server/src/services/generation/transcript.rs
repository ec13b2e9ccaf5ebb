//! Everything that was heard of the model, over all attempts.

use std::sync::{Mutex, MutexGuard, PoisonError};

use app::types::{AttemptOutcome, ChatEventKind, ModelPrices, Nanos};
use chrono::{DateTime, Utc};

use crate::output::Output;
use crate::pricing::TokenUsage;
use crate::providers::llm::CountedUsage;
use crate::store::Attempt;
use crate::store::recovery::{BegunAttempt, Checkpoint};
use crate::telemetry::traces::Span;

#[derive(Debug, Default)]
pub(super) struct Transcript {
    pub(super) output: Output,
    pub(super) attempts: Vec<AttemptRecord>,
}

impl Transcript {
    /// What was counted before is no count of this.
    pub(super) fn hear(&mut self, speech: &ChatEventKind) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.first_token_at.get_or_insert_with(Utc::now);
            attempt.usage.iter_mut().for_each(|usage| usage.is_whole = false);
        }
        self.output.push(speech);
    }

    /// Somebody has seen a part of the answer.
    pub(super) fn is_visible(&self) -> bool {
        !self.output.is_empty()
    }

    /// As the provider that was asked last has counted. What came to nothing is our cost, and nobody else's.
    pub(super) fn usage(&self) -> Option<CountedUsage> {
        let attempt = self.attempts.last()?;
        attempt.usage.filter(|_| attempt.first_token_at.is_some() || !attempt.has_failed())
    }

    /// An attempt is under way, or has ended without failing.
    pub(super) fn is_asked(&self) -> bool {
        self.attempts.last().is_some_and(|attempt| !attempt.has_failed())
    }

    pub(super) fn hear_usage(&mut self, usage: CountedUsage) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.usage = Some(usage);
        }
    }

    /// The attempt under way has ended so.
    pub(super) fn end_attempt(&mut self, outcome: AttemptOutcome) {
        if let Some(attempt) = self.attempts.last_mut()
            && attempt.ended.is_none()
        {
            attempt.ended = Some((Utc::now(), outcome));
        }
    }

    /// The model that answers, as its provider calls it.
    pub(super) fn name_model(&mut self, model: String) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.answering_model = Some(model);
        }
    }

    /// For whoever ends the reply should this process die.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        let attempt = self.attempts.last().filter(|attempt| attempt.ended.is_none());
        Checkpoint {
            output: self.output.clone(),
            usage: self.usage().filter(|usage| usage.is_whole).map(|usage| usage.tokens),
            attempt: attempt.map(|attempt| BegunAttempt {
                route_key: attempt.route_key.clone(),
                started_at: attempt.started_at,
            }),
        }
    }

    /// For the record. `usage` is what the reply is charged for: the last attempt's, who was asked when it ended. What came
    /// to nothing used what its provider says.
    pub(super) fn settled_attempts(&self, usage: TokenUsage) -> Vec<Attempt> {
        let is_charged = self.is_visible() || usage.total() > 0;
        let charged = self.attempts.len().checked_sub(1).filter(|_| is_charged);
        let used = |index, attempt: &AttemptRecord| match charged {
            Some(last) if last == index => Some(usage),
            _ => attempt.usage.map(|usage| usage.tokens),
        };
        let attempts = self.attempts.iter().enumerate();
        attempts.map(|(index, attempt)| attempt.settled(used(index, attempt))).collect()
    }
}

#[derive(Debug)]
pub(super) struct AttemptRecord {
    route_key: String,
    costs: ModelPrices,
    started_at: DateTime<Utc>,
    first_token_at: Option<DateTime<Utc>>,
    ended: Option<(DateTime<Utc>, AttemptOutcome)>,
    usage: Option<CountedUsage>,
    pub(super) answering_model: Option<String>,
    pub(super) span: Span,
}

impl AttemptRecord {
    pub(super) fn begin(route_key: &str, costs: ModelPrices, started_at: DateTime<Utc>, span: Span) -> Self {
        Self {
            route_key: route_key.to_owned(),
            costs,
            started_at,
            first_token_at: None,
            ended: None,
            usage: None,
            answering_model: None,
            span,
        }
    }

    fn has_failed(&self) -> bool {
        self.ended.is_some_and(|(_, outcome)| outcome.has_failed())
    }

    fn settled(&self, usage: Option<TokenUsage>) -> Attempt {
        let since_start =
            |time: DateTime<Utc>| u32::try_from((time - self.started_at).num_milliseconds()).unwrap_or(0);
        let (ended_at, outcome) = self.ended.unwrap_or((Utc::now(), AttemptOutcome::CutOff));
        Attempt {
            route_key: self.route_key.clone(),
            started_at: self.started_at,
            first_token_ms: self.first_token_at.map(since_start),
            duration_ms: since_start(ended_at),
            outcome,
            usage,
            cost: usage.map_or(Nanos::ZERO, |usage| usage.cost(self.costs)),
        }
    }
}

pub(super) fn lock(transcript: &Mutex<Transcript>) -> MutexGuard<'_, Transcript> {
    transcript.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use app::ModelFailure;

    use super::*;

    #[test]
    fn what_a_failed_attempt_has_counted_is_our_cost_and_no_usage_of_the_reply() {
        let [input, cached_input, output] = [Nanos(1_000_000); 3];
        let prices = ModelPrices { input, cached_input, output };
        let tokens = TokenUsage { input_tokens: 9, output_tokens: 9, ..TokenUsage::default() };
        let mut transcript = Transcript::default();
        transcript.attempts.push(AttemptRecord::begin("first", prices, Utc::now(), Span::part("attempt")));
        transcript.hear_usage(CountedUsage { tokens, is_whole: true });
        transcript.end_attempt(AttemptOutcome::Failed(ModelFailure::Overloaded));
        // Somebody stops the reply before another attempt is made.
        transcript.end_attempt(AttemptOutcome::Stopped);
        assert_eq!(transcript.usage(), None);
        assert_eq!(transcript.checkpoint().usage, None);
        let attempts = transcript.settled_attempts(TokenUsage::default());
        assert_eq!((attempts[0].usage, attempts[0].cost), (Some(tokens), Nanos(18)));
    }
}
