//! The task of one reply: listens to the model, keeps the hold alive meanwhile, then settles.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::types::{ChatEventKind, Message, Plan};
use futures::FutureExt;
use tokio::time::Instant;

use super::ending::Ending;
use super::live::{CancelReason, LiveEntry};
use super::publisher::Publisher;
use super::transcript::{Transcript, lock};
use super::{GenerationService, HOLD_TTL, SETTLE_TIME, settled, traced};
use crate::pricing::HoldTerms;
use crate::providers::llm::CompletionRequest;
use crate::services::account_queue::Place;
use crate::store::catalog::CatalogModel;
use crate::store::claims::NewGeneration;
use crate::store::recovery::{self, Checkpoint, Kept};
use crate::store::settlements::{self, Posted, Settlement};
use crate::store::{StoreError, StoreResult};
use crate::telemetry::metrics;

/// How often what is known is saved and the hold renewed.
const KEEP_EVERY: Duration = Duration::from_secs(5);

/// A claimed reply, ready to be asked for.
pub(super) struct Job {
    pub(super) new: NewGeneration,
    pub(super) model: Arc<CatalogModel>,
    pub(super) terms: HoldTerms,
    pub(super) request: CompletionRequest,
    pub(super) is_by_program: bool,
    pub(super) live: LiveEntry,
    /// Its account's in the queue.
    pub(super) place: Place,
}

impl GenerationService {
    /// Runs to the settled end, whatever happens on the way.
    pub(super) async fn run(self, job: Box<Job>, plan: Plan) {
        let publisher = Publisher::new(job.new.id, job.live.clone(), self.log.clone());
        let writing = async {
            traced::reply(&job).around(self.write(&job, &plan, &publisher)).await;
            publisher.end();
        };
        tokio::join!(writing, publisher.run());
    }

    async fn write(&self, job: &Job, plan: &Plan, publisher: &Publisher) {
        publisher.push(ChatEventKind::Started {
            generation_id: job.new.id,
            thread: job.new.thread.clone().into(),
            user_message: job.new.parent.clone().into(),
        });
        let transcript = Mutex::new(Transcript::default());
        let listening = async {
            tokio::select! {
                ending = self.listen(job, publisher, &transcript) => ending,
                reason = job.live.cancelled() => Ending::Cancelled(reason),
                reason = self.keep(job, &transcript) => Ending::Cancelled(reason),
            }
        };
        let ending = AssertUnwindSafe(listening).catch_unwind().await.unwrap_or(Ending::Panicked);
        let mut transcript = transcript.into_inner().unwrap_or_else(PoisonError::into_inner);
        let error = ending.error(&transcript);
        log_ending(job, &ending);
        transcript.end_attempt(ending.outcome());

        let settlement = settlement(job, plan, &ending, transcript);
        report_overrun(job, &settlement);
        let span = traced::settlement(&settlement);
        let settling = self.settle(&settlement, plan);
        let Some(message) = span.around(settling).await else { return span.fail("given up") };
        drop(span);
        settled::count(&settlement, &job.model.routes);
        publisher.push(ChatEventKind::Ended { message: message.into(), error: error.map(Box::new) });
        if let Ok(quota) = self.quota.of_account(job.new.account_id).await {
            publisher.push(ChatEventKind::Quota { quota: quota.into() });
        }
    }

    /// Saves what is known and renews the hold from time to time. Returns when the reply must end: somebody asked for
    /// it in another process, or the hold could not be renewed before it expired.
    async fn keep(&self, job: &Job, transcript: &Mutex<Transcript>) -> CancelReason {
        let mut kept_at = Instant::now();
        loop {
            tokio::time::sleep(KEEP_EVERY).await;
            let (asked_at, checkpoint) = (Instant::now(), lock(transcript).checkpoint());
            // A database that says nothing at all has not renewed it.
            let renewing = tokio::time::timeout_at(kept_at + HOLD_TTL, self.renew(job, checkpoint));
            let Ok(renewed) = renewing.await else { return CancelReason::HoldLost };
            match renewed {
                Ok(Kept::Renewed) => kept_at = asked_at,
                Ok(Kept::StopRequested) => return CancelReason::Stopped,
                Ok(Kept::HoldLost) => return CancelReason::HoldLost,
                Err(error) => {
                    tracing::warn!(generation.id = %job.new.id, %error, "A hold could not be renewed yet")
                }
            }
        }
    }

    /// Does not wait for the account's turn: the hold may expire meanwhile. Without it, nobody knows what was seen.
    async fn renew(&self, job: &Job, checkpoint: Checkpoint) -> StoreResult<Kept> {
        let NewGeneration { id, account_id, .. } = job.new;
        let mut turn = job.place.try_lock();
        let mut unseen = None;
        let seen = turn.as_deref_mut().unwrap_or(&mut unseen);
        recovery::keep(&mut *self.db.get().await?, account_id, id, checkpoint, HOLD_TTL, seen).await
    }

    /// Saves and charges a reply that has ended, then gives its place back. None: the database stayed away, so the sweeper
    /// has the last word.
    pub async fn settle(&self, settlement: &Settlement, plan: &Plan) -> Option<Message> {
        let message = self.save(settlement).await;
        let (id, tokens) = (settlement.generation_id, settlement.used_tokens());
        self.limiter.finish(settlement.account_id, id, tokens, plan).await;
        message
    }

    /// Tries again while the database is away.
    async fn save(&self, settlement: &Settlement) -> Option<Message> {
        const LONGEST_PAUSE: Duration = Duration::from_secs(5);
        // Beyond what the database's own timeouts allow, also for the account's turn.
        const LONGEST_TRY: Duration = Duration::from_secs(20);
        let give_up_at = Instant::now() + SETTLE_TIME;
        let mut pause = Duration::from_millis(100);
        loop {
            let settled = async {
                let mut seen = self.queue.turn(settlement.account_id).await;
                settlements::settle(&mut *self.db.get().await?, settlement, &mut seen).await
            };
            let silent = |_| Err(StoreError::Unavailable("no answer".to_owned()));
            match tokio::time::timeout(LONGEST_TRY, settled).await.unwrap_or_else(silent) {
                Ok(settled) => {
                    log_posted(settlement, settled.posted);
                    return Some(settled.message);
                }
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

fn settlement(job: &Job, plan: &Plan, ending: &Ending, mut transcript: Transcript) -> Settlement {
    let (usage, is_estimated) = ending.usage(&transcript, job.new.hold.input_tokens, job.terms.output_tokens);
    let (state, attempts) = (ending.state(&transcript), transcript.settled_attempts(usage));
    traced::end_attempts(&mut transcript, &attempts);
    Settlement {
        attempts,
        generation_id: job.new.id,
        account_id: job.new.account_id,
        thread_id: job.new.thread.id,
        parent_id: job.new.parent.id,
        state,
        output: transcript.output,
        model: job.new.model.clone(),
        price_version: job.new.price_version,
        usage,
        is_estimated,
        charged: usage.cost(job.new.hold.prices),
        plan_cap: plan.monthly_cap,
        overage_max: plan.overage_max,
    }
}

fn log_ending(job: &Job, ending: &Ending) {
    let id = job.new.id;
    match ending {
        Ending::Finished { .. } => tracing::info!(generation.id = %id, "Finished reply `{id}`"),
        Ending::Cancelled(reason) => tracing::info!(generation.id = %id, ?reason, "Ended reply `{id}` early"),
        Ending::Failed(error) => tracing::warn!(generation.id = %id, %error, "Reply `{id}` failed"),
        Ending::Panicked => tracing::warn!(generation.id = %id, "Reply `{id}` panicked"),
    }
}

/// It is charged all the same, and the account may owe it: the provider has counted more than it was allowed.
fn report_overrun(job: &Job, settlement: &Settlement) {
    let (id, held, charged) = (job.new.id, job.terms.amount, settlement.charged);
    if charged > held {
        metrics::reply_overran();
        tracing::warn!(
            generation.id = %id, generation.model = %job.new.model,
            "Reply `{id}` cost {charged}, more than the {held} set aside for it"
        );
    }
}

fn log_posted(settlement: &Settlement, posted: Posted) {
    let id = settlement.generation_id;
    match posted {
        Posted::Charge => {}
        Posted::Difference => {
            tracing::info!(generation.id = %id, "Reply `{id}` was swept before: only the difference is posted")
        }
        Posted::Nothing => {
            tracing::info!(generation.id = %id, "Reply `{id}` was settled before: nothing is posted")
        }
    }
}
