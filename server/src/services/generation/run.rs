//! The task of one reply: listens to the model, then settles.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use app::types::{ChatEventKind, Message, Plan};
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::ending::{Ending, Transcript};
use super::live::LiveEntry;
use super::{GenerationService, SETTLE_TIME};
use crate::pricing::HoldTerms;
use crate::providers::llm::{CompletionEvent, CompletionRequest, LlmError, Turn, with_clocks};
use crate::store::generations::{self, NewGeneration, Settlement};

/// No token of any model is longer, so an answer beyond the cap times this is a provider gone wild.
const MAX_TOKEN_BYTES: usize = 128;

/// A claimed reply, ready to be asked for.
pub(super) struct Job {
    pub(super) new: NewGeneration,
    pub(super) terms: HoldTerms,
    pub(super) turns: Vec<Turn>,
    pub(super) live: LiveEntry,
}

impl GenerationService {
    /// Runs to the settled end, whatever happens on the way.
    pub(super) async fn run(self, job: Job, plan: Plan) {
        job.live.push(ChatEventKind::Started {
            generation_id: job.new.id,
            thread: job.new.thread.clone(),
            user_message: job.new.user_message.clone(),
        });
        let mut transcript = Transcript::default();
        let listening = AssertUnwindSafe(self.listen(&job, &mut transcript)).catch_unwind();
        let ending = listening.await.unwrap_or(Ending::Panicked);
        let error = ending.error(&transcript);
        log_ending(&job, &ending);

        let settlement = self.settlement(&job, ending, transcript);
        let message = self.settle(&settlement).await;
        self.limiter.finish(job.new.account_id, job.new.client_request_id, &plan).await;
        let Some(message) = message else { return };
        job.live.push(ChatEventKind::Ended { message, error });
        if let Ok(quota) = self.quota.of_account(job.new.account_id).await {
            job.live.push(ChatEventKind::Quota { quota });
        }
    }

    /// Passes on what the model says until it, the person or the process ends it.
    async fn listen(&self, job: &Job, transcript: &mut Transcript) -> Ending {
        let request = CompletionRequest {
            model: self.model.name.clone(),
            turns: job.turns.clone(),
            max_output_tokens: job.terms.output_tokens,
        };
        let most_bytes = MAX_TOKEN_BYTES.saturating_mul(job.terms.output_tokens as usize);
        let answer = with_clocks(self.provider.as_ref(), request, self.clocks);
        let mut answer = tokio::select! {
            answer = answer => answer,
            reason = job.live.cancelled() => return Ending::Cancelled(reason),
        };
        let mut finished = None;
        loop {
            let event = tokio::select! {
                event = answer.next() => event,
                reason = job.live.cancelled() => return Ending::Cancelled(reason),
            };
            match event {
                Some(Ok(CompletionEvent::Text(text))) => {
                    transcript.text.push_str(&text);
                    job.live.push(ChatEventKind::Text { text });
                    if transcript.text.len() > most_bytes {
                        return Ending::Finished { is_limited: true };
                    }
                }
                Some(Ok(CompletionEvent::Finished { is_limited })) => {
                    finished = Some(Ending::Finished { is_limited })
                }
                Some(Ok(CompletionEvent::Usage(usage))) => transcript.usage = Some(usage),
                // The answer is whole; only its count was lost.
                Some(Err(error)) => return finished.unwrap_or(Ending::Failed(error)),
                None => return finished.unwrap_or_else(|| Ending::Failed(LlmError::cut())),
            }
        }
    }

    fn settlement(&self, job: &Job, ending: Ending, transcript: Transcript) -> Settlement {
        let (usage, is_estimated) = ending.usage(&transcript, job.new.hold.input_tokens);
        Settlement {
            generation_id: job.new.id,
            account_id: job.new.account_id,
            thread_id: job.new.thread.id,
            user_message_id: job.new.user_message.id,
            state: ending.state(&transcript),
            content: transcript.text,
            model: job.new.model.clone(),
            usage,
            is_estimated,
            charged: job.new.hold.prices.charge(usage),
        }
    }

    /// Settles, again and again while the database is away. None: it stayed away until the hold expired, so the sweeper
    /// has the last word.
    async fn settle(&self, settlement: &Settlement) -> Option<Message> {
        const LONGEST_PAUSE: Duration = Duration::from_secs(5);
        let give_up_at = Instant::now() + SETTLE_TIME;
        let mut pause = Duration::from_millis(100);
        loop {
            let settled = async {
                let _turn = self.queue.turn(settlement.account_id).await;
                generations::settle(&mut *self.db.get().await?, settlement).await
            };
            match settled.await {
                Ok(message) => return Some(message),
                Err(error) if Instant::now() < give_up_at => {
                    tracing::warn!(generation.id = %settlement.generation_id, %error, "Settling is tried again");
                }
                Err(error) => {
                    tracing::error!(generation.id = %settlement.generation_id, %error, "A reply could not be settled");
                    return None;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn log_ending(job: &Job, ending: &Ending) {
    let id = job.new.id;
    match ending {
        Ending::Finished { .. } => tracing::info!(generation.id = %id, "Finished reply `{id}`"),
        Ending::Cancelled(reason) => tracing::info!(generation.id = %id, ?reason, "Ended reply `{id}` early"),
        Ending::Failed(error) => tracing::warn!(generation.id = %id, %error, "Reply `{id}` failed"),
        Ending::Panicked => tracing::error!(generation.id = %id, "Reply `{id}` panicked"),
    }
}
