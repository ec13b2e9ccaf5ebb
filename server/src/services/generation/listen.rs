//! Listening to the model: attempt after attempt until one begins to answer, then word by word.

use std::sync::Mutex;

use app::ModelFailure;
use app::types::ChatEventKind;
use chrono::Utc;
use futures::StreamExt;
use tokio::time::Instant;

use super::GenerationService;
use super::attempts::{AttemptPlan, Next};
use super::ending::{Ending, outcome_of};
use super::publisher::Publisher;
use super::run::Job;
use super::traced;
use super::transcript::{AttemptRecord, Transcript, lock};
use crate::providers::llm::{CompletionEvent, CompletionRequest, LlmError, Upstream, with_clocks};
use crate::store::catalog::Route;

/// No token of any model is longer, so an answer beyond the cap times this is a provider gone wild.
const MAX_TOKEN_BYTES: usize = 128;

impl GenerationService {
    /// Passes on what the model says until it ends. Another attempt is made only while nothing could be seen.
    pub(super) async fn listen(
        &self,
        job: &Job,
        publisher: &Publisher,
        transcript: &Mutex<Transcript>,
    ) -> Ending {
        let ends_at = Instant::now() + self.clocks.total;
        let routes = &job.model.routes;
        let mut plan = AttemptPlan::new(routes.len());
        let mut last_error = LlmError::no_route();
        self.retry_budget.deposit();
        while let Some((next, upstream)) = self.next_attempt(routes, &plan).await {
            tokio::time::sleep(next.random_pause()).await;
            let route = &routes[next.route];
            let number = lock(transcript).attempts.len() + 1;
            let span = traced::attempt(job, route, &upstream, &next, number);
            let attempt = span.around(self.attempt(job, &upstream, ends_at, publisher, transcript));
            lock(transcript).attempts.push(AttemptRecord::begin(&route.key, route.costs, Utc::now(), span));
            let ending = attempt.await;
            self.report(route, &ending).await;
            match ending {
                Ending::Failed(error) if !lock(transcript).is_visible() && Instant::now() < ends_at => {
                    tracing::warn!(generation.id = %job.new.id, route = route.key, %error, "An attempt failed");
                    lock(transcript).end_attempt(outcome_of(error.failure));
                    plan.failed(next.route, &error);
                    last_error = error;
                }
                ending => return ending,
            }
        }
        Ending::Failed(last_error)
    }

    /// The best route whose breaker admits and, for a retry, whose budget allows. None: give up.
    async fn next_attempt(&self, routes: &[Route], plan: &AttemptPlan) -> Option<(Next, Upstream)> {
        for next in plan.candidates() {
            let route = &routes[next.route];
            let Some(upstream) = self.catalog.upstream(route) else { continue };
            if self.breakers.admits(&route.key).await && (!next.is_retry || self.retry_budget.withdraw()) {
                return Some((next, upstream));
            }
        }
        None
    }

    async fn attempt(
        &self,
        job: &Job,
        upstream: &Upstream,
        ends_at: Instant,
        publisher: &Publisher,
        transcript: &Mutex<Transcript>,
    ) -> Ending {
        let request =
            CompletionRequest { turns: job.turns.clone(), max_output_tokens: job.terms.output_tokens };
        let most_bytes = MAX_TOKEN_BYTES.saturating_mul(job.terms.output_tokens as usize);
        let provider = self.providers.speaking(upstream.format);
        let mut answer = with_clocks(provider, upstream, request, self.clocks, ends_at).await;
        let mut finished = None;
        while let Some(event) = answer.next().await {
            match event {
                Ok(CompletionEvent::Reasoning(text)) => {
                    lock(transcript).hear_reasoning(&text);
                    publisher.push(ChatEventKind::Reasoning { text });
                }
                Ok(CompletionEvent::Text(text)) => {
                    lock(transcript).hear(&text);
                    publisher.push(ChatEventKind::Text { text });
                }
                Ok(CompletionEvent::Finished { is_limited }) => {
                    finished = Some(Ending::Finished { is_limited })
                }
                Ok(CompletionEvent::Usage(usage)) => lock(transcript).usage = Some(usage),
                Ok(CompletionEvent::Model(model)) => lock(transcript).name_model(model),
                // The answer is whole; only its count was lost.
                Err(error) => return finished.unwrap_or(Ending::Failed(error)),
            }
            if lock(transcript).bytes() > most_bytes {
                return Ending::Finished { is_limited: true };
            }
        }
        finished.unwrap_or_else(|| Ending::Failed(LlmError::cut()))
    }

    /// A request that is not accepted says nothing about the provider's health.
    async fn report(&self, route: &Route, ending: &Ending) {
        match ending {
            Ending::Failed(error) if error.failure != ModelFailure::Refused => {
                self.breakers.failed(&route.key).await
            }
            _ => self.breakers.succeeded(&route.key).await,
        }
    }
}
