//! One reply, from the request to the settled charge. Serves everything that asks for replies.
//!
//! A generation is a task of its own: it owns the upstream call, the hold and the saved message, and outlives the
//! request that began it. HTTP only follows. No database connection is held while the model answers.

mod admit;
mod attempts;
mod context;
mod decision;
mod ending;
mod listen;
mod live;
mod mirror;
mod publisher;
mod request;
mod run;
mod settled;
mod stop;
mod sweep;
mod target;
mod traced;
mod transcript;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use app::api::ReplyStream;
use app::types::{AccountId, ChatEvent, ChatEventKind, GenerationId, ReplyRequest};
use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::attempts::RetryBudget;
pub(super) use self::context::{History, split_context};
pub use self::decision::{Admitted, Decision, Refusal, RefusalReason};
use self::live::{CancelReason, LiveReplies};
pub use self::request::{
    Asked, Completion, Function, GenerationRequest, JsonFormat, JsonSchema, Sampling, Speaker, ToolChoice,
    Tools, Turn,
};
use super::account_queue::AccountQueue;
use super::catalog::CatalogService;
use super::ceiling::DailyCeiling;
use super::plans::Plans;
use super::quota::QuotaService;
use crate::config::LlmClocks;
use crate::limits::{Breakers, Limiter};
use crate::providers::llm::Providers;
use crate::store::{self, Db, generations, messages};
use crate::streams::StreamLog;
use crate::telemetry;
use crate::{AppError, AppResult};

/// Beyond the longest answer: time to save and settle it, also while the database is away for a moment.
const SETTLE_TIME: Duration = Duration::from_secs(120);

/// A hold counts for so long after it was renewed. A process that dies leaves its replies to the sweeper after that.
const HOLD_TTL: Duration = Duration::from_secs(30);

/// Cheap to clone: every reply in progress has one.
#[derive(Clone)]
pub struct GenerationService(Arc<Inner>);

impl Deref for GenerationService {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What all clones share.
pub struct Inner {
    db: Db,
    limiter: Limiter,
    log: StreamLog,
    plans: Plans,
    catalog: CatalogService,
    quota: QuotaService,
    ceiling: DailyCeiling,
    providers: Providers,
    breakers: Breakers,
    retry_budget: RetryBudget,
    clocks: LlmClocks,
    queue: AccountQueue,
    live: LiveReplies,
    tasks: TaskTracker,
    /// Apart from the tasks above: shutdown need not wait for readers of others' replies.
    mirrors: TaskTracker,
    is_ending: CancellationToken,
}

/// What the service is made of.
pub struct Parts {
    pub db: Db,
    pub limiter: Limiter,
    pub breakers: Breakers,
    pub log: StreamLog,
    pub plans: Plans,
    pub catalog: CatalogService,
    pub quota: QuotaService,
    pub ceiling: DailyCeiling,
    pub providers: Providers,
    pub clocks: LlmClocks,
}

impl GenerationService {
    pub fn new(parts: Parts) -> Self {
        let Parts { db, limiter, breakers, log, plans, catalog, quota, ceiling, providers, clocks } = parts;
        let is_ending = CancellationToken::new();
        Self(Arc::new(Inner {
            db,
            limiter,
            breakers,
            log,
            plans,
            catalog,
            quota,
            ceiling,
            providers,
            retry_budget: RetryBudget::default(),
            clocks,
            queue: AccountQueue::default(),
            live: LiveReplies::new(is_ending.clone()),
            tasks: TaskTracker::new(),
            mirrors: TaskTracker::new(),
            is_ending,
        }))
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
        self.begin(account_id, request).await?.map_err(|refusal| refusal.error.into())
    }

    /// The same for whoever has to know why there is no reply. One that a program asks for is stopped when the program leaves.
    ///
    /// # Errors
    /// Faults, and requests that refer to what is not there.
    pub async fn begin(
        &self,
        account_id: AccountId,
        request: impl Into<GenerationRequest>,
    ) -> AppResult<Result<ReplyStream, Refusal>> {
        if self.is_ending.is_cancelled() {
            return Ok(Err(Refusal::shutting_down()));
        }
        let client = CancellationToken::new();
        let gone = client.clone().cancelled_owned();
        let _leaves_when_dropped = client.drop_guard();
        // A task of its own, so that a client who leaves in the middle cancels neither a claim nor its undoing.
        let task = self.tasks.spawn(telemetry::along(self.clone().admit(account_id, request.into(), gone)));
        task.await.map_err(|_| AppError::TaskLost)?
    }

    /// The events of a reply after number `after_seq`, wherever it is written. One that has ended is told from what was
    /// saved.
    ///
    /// # Errors
    /// Not found: there is no such reply, or it is another account's. Unavailable: this process is about to end, and the
    /// reply is written by another.
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
        let Some(message) = messages::find_by_generation(&mut conn, id).await? else {
            if self.is_ending.is_cancelled() {
                return Err(Refusal::shutting_down().error.into());
            }
            let live = self.mirror(id, account_id);
            return Ok(ReplyStream { events: live.follow(after_seq), quota: None });
        };
        let started = ChatEventKind::Started {
            generation_id: id,
            thread: generation.thread.into(),
            user_message: generation.parent.into(),
        };
        let last_outcome = store::attempts::last_outcome(&mut conn, id).await?;
        let error = ending::error_of(&message, last_outcome).map(Box::new);
        let ended = ChatEventKind::Ended { error, message: message.into() };
        let events = match after_seq {
            0 => vec![ChatEvent { seq: 1, kind: started }, ChatEvent { seq: 2, kind: ended }],
            seq => vec![ChatEvent { seq: seq.saturating_add(1), kind: ended }],
        };
        Ok(ReplyStream { events: stream::iter(events).boxed(), quota: None })
    }

    /// No new replies from now on. Whoever follows one that is written here is told; whoever follows another process' reply
    /// is sent there.
    pub(crate) fn begin_shutdown(&self) {
        self.is_ending.cancel();
        self.tasks.close();
    }

    /// Waits until shutdown has begun and the last reply has ended.
    pub(crate) async fn ended(&self) {
        self.tasks.wait().await;
    }

    /// Waits for the replies in progress; those still going after `grace` are cut. Either way they are saved and settled.
    pub(crate) async fn finish(&self, grace: Duration) {
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            self.live.cancel_all(CancelReason::ShuttingDown);
            tokio::time::timeout(SETTLE_TIME, self.tasks.wait()).await.ok();
        }
    }
}
