//! One reply, from the request to the settled charge. Serves everything that asks for replies.
//!
//! A generation is a task of its own: it owns the upstream call, the hold and the saved message, and outlives the
//! request that began it. HTTP only follows. No database connection is held while the model answers.

mod context;
mod ending;
mod live;
mod run;

use std::sync::Arc;
use std::time::Duration;

use app::ApiError;
use app::api::ReplyStream;
use app::types::{
    AccountId, ChatEvent, ChatEventKind, ClientRequestId, GenerationId, Limit, Message, MessageId, Plan,
    ReplyRequest, ReplyTarget, Role, Thread, ThreadId, Title,
};
use chrono::Utc;
use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::context::fit_context;
use self::live::{CancelReason, LiveReplies};
use self::run::Job;
use super::account_queue::AccountQueue;
use super::chat::{active_path, path_to};
use super::plans::Plans;
use super::quota::QuotaService;
use crate::config::{LlmClocks, LlmConfig, ModelConfig};
use crate::limits::{Admission, Limiter};
use crate::pricing::{HoldRequest, TokenPrices, estimate_tokens};
use crate::providers::llm::{LlmProvider, Turn};
use crate::store::generations::{Claim, NewGeneration};
use crate::store::{Db, generations, messages, threads};
use crate::{AppError, AppResult};

/// Beyond the longest answer: time to save and settle it, also while the database is away for a moment.
const SETTLE_TIME: Duration = Duration::from_secs(120);

#[derive(Clone)]
pub struct GenerationService {
    db: Db,
    limiter: Limiter,
    plans: Plans,
    quota: QuotaService,
    provider: Arc<dyn LlmProvider>,
    model: Arc<ModelConfig>,
    clocks: LlmClocks,
    queue: AccountQueue,
    live: LiveReplies,
    tasks: TaskTracker,
    is_ending: CancellationToken,
}

/// A request with everything it refers to looked up.
struct Prepared {
    thread: Thread,
    is_new_thread: bool,
    user_message: Message,
    is_new_message: bool,
    turns: Vec<Turn>,
}

impl GenerationService {
    pub fn new(
        db: Db,
        limiter: Limiter,
        plans: Plans,
        quota: QuotaService,
        provider: Arc<dyn LlmProvider>,
        config: &LlmConfig,
    ) -> Self {
        Self {
            db,
            limiter,
            plans,
            quota,
            provider,
            model: Arc::new(config.model.clone()),
            clocks: config.clocks,
            queue: AccountQueue::default(),
            live: LiveReplies::default(),
            tasks: TaskTracker::new(),
            is_ending: CancellationToken::new(),
        }
    }

    /// How long a reply may count as being written when nothing more is heard of it.
    pub fn lease(clocks: &LlmClocks) -> Duration {
        clocks.total + SETTLE_TIME
    }

    /// Admits a request and begins its reply; the same request again attaches to the reply it has.
    ///
    /// # Errors
    /// Refusals by limit or credit, and what is not found. Nothing is used up by any of them.
    pub async fn start(&self, account_id: AccountId, request: ReplyRequest) -> AppResult<ReplyStream> {
        if self.is_ending.is_cancelled() {
            return Err(ApiError::Unavailable { retry_after_seconds: 2 }.into());
        }
        let service = self.clone();
        // A task of its own, so that a client who leaves in the middle cancels neither a claim nor its undoing.
        let task = self.tasks.spawn(async move { service.admit(account_id, request).await });
        task.await.map_err(|_| AppError::TaskLost)?
    }

    async fn admit(self, account_id: AccountId, request: ReplyRequest) -> AppResult<ReplyStream> {
        let request_id = request.client_request_id;
        let (plan, existing) = self.look_up(account_id, request_id).await?;
        if let Some(id) = existing {
            return self.follow(account_id, id, 0).await;
        }
        let (limits, is_counted) = match self.limiter.admit(account_id, request_id, &plan).await {
            Admission::Admitted(limits) => (limits, true),
            Admission::Repeated(limits) => (limits, false),
            Admission::Refused { limit, retry_after } => {
                let retry_after_seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX);
                return Err(ApiError::LimitReached { limit, retry_after_seconds }.into());
            }
        };
        match self.claim(account_id, request, &plan).await {
            Ok(Claimed::New(job)) => self.detach(*job, plan, limits).await,
            // Sent twice in the same moment: both count as the one that was claimed.
            Ok(Claimed::Existing(id)) => self.follow(account_id, id, 0).await,
            Err(error) => {
                if is_counted {
                    self.limiter.forget(account_id, request_id, &plan).await;
                }
                Err(error)
            }
        }
    }

    /// The account's plan, and the generation this request has already.
    async fn look_up(
        &self,
        account_id: AccountId,
        request_id: ClientRequestId,
    ) -> AppResult<(Plan, Option<GenerationId>)> {
        let mut conn = self.db.get().await?;
        let existing = generations::find_by_request(&mut conn, account_id, request_id).await?;
        Ok((self.plans.of_account(&mut conn, account_id).await?, existing))
    }

    /// Claims the request and its money in PostgreSQL.
    async fn claim(&self, account_id: AccountId, request: ReplyRequest, plan: &Plan) -> AppResult<Claimed> {
        let _turn = self.queue.turn(account_id).await;
        let prepared = self.prepare(account_id, request.target).await?;
        let output_tokens = request
            .max_output_tokens
            .map_or(self.model.max_output_tokens, |tokens| tokens.min(self.model.max_output_tokens));
        let turns = fit_context(prepared.turns, self.model.context_tokens.saturating_sub(output_tokens))
            .ok_or_else(|| {
                ApiError::invalid("This message is too long for the model. Shorten it and try again.")
            })?;
        let id = GenerationId(Uuid::now_v7());
        // Before the claim can be seen by others: whoever finds it there can follow it here.
        let live = self.live.insert(id, account_id);
        let new = NewGeneration {
            id,
            account_id,
            client_request_id: request.client_request_id,
            thread: prepared.thread,
            is_new_thread: prepared.is_new_thread,
            user_message: prepared.user_message,
            is_new_message: prepared.is_new_message,
            model: self.model.name.clone(),
            hold: HoldRequest {
                prices: self.prices(),
                input_tokens: turns.iter().map(|turn| estimate_tokens(&turn.text)).sum(),
                output_tokens: output_tokens.max(1),
                min_output_tokens: self.model.min_output_tokens,
            },
            hold_ttl: Self::lease(&self.clocks),
            monthly_credit: plan.monthly_credit,
        };
        match generations::claim(&mut *self.db.get().await?, &new).await? {
            Claim::Claimed(terms) => Ok(Claimed::New(Box::new(Job { new, terms, turns, live }))),
            Claim::Existing(existing) => Ok(Claimed::Existing(existing)),
            Claim::OutOfCredit(credit) => Err(ApiError::OutOfCredit { credit }.into()),
        }
    }

    /// Looks up what the request refers to.
    async fn prepare(&self, account_id: AccountId, target: ReplyTarget) -> AppResult<Prepared> {
        let (thread_id, prompt, retried) = match target {
            ReplyTarget::NewThread { prompt } => return Ok(new_thread(prompt.into())),
            ReplyTarget::Thread { thread_id, prompt } => (thread_id, Some(String::from(prompt)), None),
            ReplyTarget::Retry { thread_id, message_id } => (thread_id, None, Some(message_id)),
        };
        let mut conn = self.db.get().await?;
        let thread = threads::find(&mut conn, account_id, thread_id).await?;
        let all = messages::list(&mut conn, thread_id).await?;
        let mut path = match retried {
            Some(id) => path_to(all, id),
            None => active_path(all),
        };
        let is_new_message = prompt.is_some();
        if let Some(prompt) = prompt {
            path.push(user_message(path.last().map(|message| message.id), prompt));
        }
        let turns = path.iter().filter_map(to_turn).collect();
        let user_message =
            path.pop().filter(|message| message.role == Role::User).ok_or(ApiError::NotFound)?;
        Ok(Prepared { thread, is_new_thread: false, user_message, is_new_message, turns })
    }

    fn prices(&self) -> TokenPrices {
        TokenPrices {
            input_nanos_per_million: self.model.input_nanos_per_million_tokens,
            output_nanos_per_million: self.model.output_nanos_per_million_tokens,
        }
    }

    /// Lets the claimed reply run on its own and follows it from the start.
    async fn detach(self, job: Job, plan: Plan, limits: Vec<Limit>) -> AppResult<ReplyStream> {
        let (account_id, live) = (job.new.account_id, job.live.clone());
        let service = self.clone();
        let run_plan = plan.clone();
        self.tasks.spawn(async move { service.run(job, run_plan).await });
        // The reply runs, so failing to read what is left must not look like a refusal.
        let quota = self.quota.with_limits(account_id, plan, limits).await.ok();
        Ok(ReplyStream { events: live.follow(0), quota })
    }

    /// The events of a reply after number `after_seq`. One that has ended is told from what was saved.
    ///
    /// # Errors
    /// Not found: there is no such reply, or it is another account's.
    pub async fn follow(
        &self,
        account_id: AccountId,
        id: GenerationId,
        after_seq: u32,
    ) -> AppResult<ReplyStream> {
        if let Some(live) = self.live.find(id, account_id) {
            return Ok(ReplyStream { events: live.follow(after_seq), quota: None });
        }
        let mut conn = self.db.get().await?;
        let generation = generations::find(&mut conn, account_id, id).await?;
        // Neither here nor ended: its process is dead, and the sweeper has not been there yet.
        let message = messages::find_by_generation(&mut conn, id)
            .await?
            .ok_or(ApiError::Unavailable { retry_after_seconds: 5 })?;
        let started = ChatEventKind::Started {
            generation_id: id,
            thread: generation.thread,
            user_message: generation.user_message,
        };
        let ended = ChatEventKind::Ended { error: ending::error_of(&message), message };
        let events = match after_seq {
            0 => vec![ChatEvent { seq: 1, kind: started }, ChatEvent { seq: 2, kind: ended }],
            seq => vec![ChatEvent { seq: seq.saturating_add(1), kind: ended }],
        };
        Ok(ReplyStream { events: stream::iter(events).boxed(), quota: None })
    }

    /// Ends a reply. What was said is kept, and billed.
    ///
    /// # Errors
    /// Not found: there is no such reply, or it is another account's.
    pub async fn stop(&self, account_id: AccountId, id: GenerationId) -> AppResult<()> {
        match self.live.find(id, account_id) {
            Some(live) => live.cancel(CancelReason::Stopped),
            None => {
                generations::find(&mut *self.db.get().await?, account_id, id).await?;
            }
        }
        Ok(())
    }

    /// Ends what a dead process left behind; returns how many replies that were.
    pub(crate) async fn sweep(&self) -> AppResult<usize> {
        const BATCH: i64 = 100;
        Ok(generations::expire(&mut *self.db.get().await?, BATCH).await?)
    }

    /// No new replies from now on.
    pub(crate) fn begin_shutdown(&self) {
        self.is_ending.cancel();
        self.tasks.close();
    }

    /// Waits for the replies in progress; those still going after `grace` are cut. Either way they are saved and settled.
    pub(crate) async fn finish(&self, grace: Duration) {
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            self.live.cancel_all(CancelReason::ShuttingDown);
            tokio::time::timeout(SETTLE_TIME, self.tasks.wait()).await.ok();
        }
    }
}

enum Claimed {
    New(Box<Job>),
    Existing(GenerationId),
}

fn new_thread(prompt: String) -> Prepared {
    let title = Title::parse(&prompt).map(Title::into_string).unwrap_or_default();
    let user_message = user_message(None, prompt);
    let turns = to_turn(&user_message).into_iter().collect();
    let thread = Thread { id: ThreadId(Uuid::now_v7()), title, updated_at: Utc::now() };
    Prepared { thread, is_new_thread: true, user_message, is_new_message: true, turns }
}

fn user_message(parent_id: Option<MessageId>, content: String) -> Message {
    Message {
        id: MessageId(Uuid::now_v7()),
        parent_id,
        role: Role::User,
        content,
        created_at: Utc::now(),
        state: None,
        charged: None,
    }
}

/// A reply that failed before its first word is no turn.
fn to_turn(message: &Message) -> Option<Turn> {
    use crate::providers::llm::Speaker;

    let speaker = match message.role {
        Role::User => Speaker::User,
        Role::Assistant => Speaker::Assistant,
    };
    (!message.content.is_empty()).then(|| Turn { speaker, text: message.content.clone() })
}
