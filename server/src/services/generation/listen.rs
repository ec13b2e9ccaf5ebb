//! Listening to the model: attempt after attempt until one begins to answer, then word by word.

use std::sync::Mutex;

use app::ModelFailure;
use app::types::{AttemptOutcome, ChatEventKind};
use chrono::Utc;
use futures::StreamExt;
use tokio::time::Instant;

use super::GenerationService;
use super::attempts::{AttemptPlan, Next};
use super::ending::Ending;
use super::publisher::Publisher;
use super::run::Job;
use super::traced;
use super::transcript::{AttemptRecord, Transcript, lock};
use crate::limits::Pass;
use crate::providers::llm::{CompletionEvent, CompletionRequest, LlmError, Upstream, with_clocks};
use crate::store::catalog::Route;

/// Tokens of no text are longer on average, so an answer beyond the cap times this is one of a provider that does not keep it.
const MAX_TOKEN_BYTES: usize = 16;

/// A route that may be asked now.
struct Allowed {
    next: Next,
    upstream: Upstream,
    pass: Pass,
}

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
        let mut plan = AttemptPlan::new(routes.iter().map(Route::account));
        let mut last_error = LlmError::no_route();
        self.retry_budget.deposit();
        while let Some(Allowed { next, upstream, mut pass }) =
            self.next_attempt(&job.request, routes, &plan).await
        {
            tokio::time::sleep(next.random_pause()).await;
            let route = &routes[next.route];
            let number = lock(transcript).attempts.len() + 1;
            let span = traced::attempt(job, route, &upstream, &next, number);
            let attempt = self.attempt(job, &upstream, ends_at, publisher, transcript, &mut pass);
            let attempt = span.around(attempt);
            lock(transcript).attempts.push(AttemptRecord::begin(&route.key, route.costs, Utc::now(), span));
            let ending = attempt.await;
            let is_visible = lock(transcript).is_visible();
            if let (Ending::Failed(error), false) = (&ending, is_visible) {
                // Before anything is waited for: whoever stops the reply meanwhile stops nothing that is being answered.
                lock(transcript).end_attempt(AttemptOutcome::Failed(error.failure));
            }
            report(&mut pass, &ending).await;
            match ending {
                Ending::Failed(error) if !is_visible && Instant::now() < ends_at => {
                    tracing::warn!(generation.id = %job.new.id, route = route.key, %error, "An attempt failed");
                    plan.failed(next.route, &error);
                    last_error = error;
                }
                ending => return ending,
            }
        }
        Ending::Failed(last_error)
    }

    /// The best route whose breaker admits and, for a retry, whose budget allows. None: give up. The budget comes first:
    /// a breaker may let only one caller through, who must then ask.
    async fn next_attempt<A: Copy + PartialEq>(
        &self,
        request: &CompletionRequest,
        routes: &[Route],
        plan: &AttemptPlan<A>,
    ) -> Option<Allowed> {
        for next in plan.candidates() {
            let route = &routes[next.route];
            if !request.can_be_asked_in(route.provider) {
                continue;
            }
            let Some(upstream) = self.catalog.upstream(route) else { continue };
            if next.is_retry && !self.retry_budget.withdraw() {
                continue;
            }
            if let Some(pass) = self.breakers.admit(&route.key).await {
                return Some(Allowed { next, upstream, pass });
            }
            if next.is_retry {
                self.retry_budget.refund();
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
        pass: &mut Pass,
    ) -> Ending {
        let most_bytes = MAX_TOKEN_BYTES.saturating_mul(job.terms.output_tokens as usize);
        let provider = self.providers.speaking(upstream.format);
        let mut answer = with_clocks(provider, upstream, job.request.clone(), self.clocks, ends_at).await;
        let say = |speech: ChatEventKind| {
            lock(transcript).hear(&speech);
            publisher.push(speech);
        };
        let (mut has_begun, mut finished) = (false, None);
        while let Some(event) = answer.next().await {
            match event.map(CompletionEvent::without_nul) {
                Ok(CompletionEvent::Reasoning(text)) => say(ChatEventKind::Reasoning { text }),
                Ok(CompletionEvent::Text(text)) => say(ChatEventKind::Text { text }),
                Ok(CompletionEvent::ToolCall(piece)) => {
                    say(ChatEventKind::ToolCall { piece: Box::new(piece) });
                }
                Ok(CompletionEvent::Finished { is_limited }) => {
                    // A program's own texts to stop at may have left nothing of what the model wrote.
                    let is_expected = is_limited || !job.request.sampling.stop.is_empty();
                    let is_empty = !is_expected && !lock(transcript).is_visible();
                    finished = Some(match is_empty {
                        true => Ending::Failed(LlmError::empty()),
                        false => Ending::Finished { is_limited },
                    });
                }
                Ok(CompletionEvent::Usage(usage)) => lock(transcript).hear_usage(usage),
                Ok(CompletionEvent::Model(model)) => lock(transcript).name_model(model),
                // The answer is whole; only its count was lost.
                Err(error) => return finished.unwrap_or(Ending::Failed(error)),
            }
            if !has_begun && lock(transcript).is_visible() {
                has_begun = true;
                if pass.is_probe() {
                    pass.succeeded().await;
                }
            }
            if lock(transcript).output.bytes() > most_bytes {
                return Ending::Finished { is_limited: true };
            }
        }
        finished.unwrap_or_else(|| Ending::Failed(LlmError::cut()))
    }
}

/// A route that breaks off its answers is not well, so only the end says that it is. What may be about the question says
/// nothing about the route.
async fn report(pass: &mut Pass, ending: &Ending) {
    match ending {
        Ending::Failed(error) => match error.failure {
            ModelFailure::Refused | ModelFailure::Filtered | ModelFailure::Empty => pass.release().await,
            _ => pass.failed().await,
        },
        _ => pass.succeeded().await,
    }
}
