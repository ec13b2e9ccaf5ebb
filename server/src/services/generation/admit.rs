//! Admission: whether a request becomes a reply, and if not, why.

use std::sync::Arc;

use app::ApiError;
use app::api::ReplyStream;
use app::types::{AccountId, Credit, GenerationId, Limit, Plan, ReplyRequest};
use uuid::Uuid;

use super::run::Job;
use super::{GenerationService, HOLD_TTL};
use crate::caps::Shortage;
use crate::limits::Admission;
use crate::pricing::{HoldRequest, estimate_tokens};
use crate::providers::llm::Turn;
use crate::services::account_queue::Place;
use crate::services::plans::AccountPlan;
use crate::store::catalog::CatalogModel;
use crate::store::claims::{self, Claim, NewGeneration};
use crate::store::snapshot::Snapshot;
use crate::telemetry::traces::{self, Span};
use crate::telemetry::{self, metrics};
use crate::{AppError, AppResult};

/// The answer to a request for a reply, whatever decides it.
pub enum Decision {
    Admitted(Box<Admitted>),
    /// The same request was admitted before.
    Repeated(GenerationId),
    /// By a rate, concurrency, a cap, the day's ceiling or credit. It says which, how things stand and what to do; nothing
    /// was used up.
    Refused(ApiError),
}

/// A request that is counted and claimed, with its money set aside.
pub struct Admitted {
    job: Box<Job>,
    account: AccountPlan,
    limits: Vec<Limit>,
    credit: Credit,
}

impl Admitted {
    /// What was claimed.
    pub fn generation(&self) -> &NewGeneration {
        &self.job.new
    }

    pub fn plan(&self) -> &Plan {
        &self.account.plan
    }
}

impl Decision {
    /// As operators count it.
    fn label(&self) -> &'static str {
        match self {
            Self::Admitted(_) => "admitted",
            Self::Repeated(_) => "repeated",
            Self::Refused(ApiError::LimitReached { limit, .. }) => limit.name.key(),
            Self::Refused(ApiError::OutOfCredit { .. }) => "out_of_credit",
            Self::Refused(ApiError::CapReached { .. }) => "cap",
            Self::Refused(ApiError::Paused { .. }) => "ceiling",
            Self::Refused(ApiError::Frozen { .. }) => "frozen",
            Self::Refused(ApiError::Suspended) => "suspended",
            Self::Refused(_) => "other",
        }
    }
}

/// A request with all that is read for it, before anything is counted or claimed.
struct Prepared {
    new: NewGeneration,
    model: Arc<CatalogModel>,
    turns: Vec<Turn>,
}

impl Prepared {
    /// The tokens it may use: what is sent and the longest answer wanted.
    fn tokens(&self) -> u32 {
        self.new.hold.input_tokens.saturating_add(self.new.hold.output_tokens)
    }
}

enum Claimed {
    /// With the credit there is beside its hold.
    New(Box<Job>, Credit),
    Existing(GenerationId),
}

impl GenerationService {
    /// Begins the reply, or attaches to the one this request has.
    pub(super) async fn admit(self, account_id: AccountId, request: ReplyRequest) -> AppResult<ReplyStream> {
        let span = Span::part("admission");
        let decision =
            span.around(self.decide(account_id, request)).await.inspect_err(|_| span.fail("error"))?;
        span.set("plumbline.admission.decision", decision.label());
        if let Decision::Admitted(admitted) = &decision {
            traces::set_thread(admitted.generation().thread.id);
        }
        drop(span);
        metrics::admission_decided(decision.label());
        match decision {
            Decision::Admitted(admitted) => self.detach(*admitted).await,
            Decision::Repeated(id) => self.follow(account_id, id, 0).await,
            Decision::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Everything that may stand in the way, in order: a duplicate, the plan's models, rates and concurrency, then at
    /// once whatever limits what the reply may cost.
    ///
    /// # Errors
    /// Faults, and requests that refer to what is not there or cannot be answered.
    pub async fn decide(&self, account_id: AccountId, request: ReplyRequest) -> AppResult<Decision> {
        let request_id = request.client_request_id;
        let place = self.queue.place(account_id);
        let mut turn = place.clone().lock_owned().await;
        let mut seen = self.look_up(account_id, &request).await?;
        if let Some(id) = seen.existing() {
            return Ok(Decision::Repeated(id));
        }
        let account = self.plans.of_row(seen.plan());
        if let Some(refusal) = account.refusal() {
            return Ok(Decision::Refused(refusal));
        }
        let prepared = self.prepare(account_id, request, &account).await?;
        let admission = self.limiter.admit(account_id, request_id, prepared.tokens(), &account.plan).await;
        let (limits, is_counted) = match admission {
            Admission::Admitted(limits) => (limits, true),
            Admission::Repeated(limits) => (limits, false),
            Admission::Refused { limit, retry_after } => {
                let retry_after_seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX);
                return Ok(Decision::Refused(ApiError::LimitReached { limit, retry_after_seconds }));
            }
        };
        let claimed = self.claim(prepared, place, &mut seen, &account).await;
        if claimed.is_ok() {
            *turn = Some(seen);
        }
        drop(turn);
        match claimed {
            Ok(Claimed::New(job, credit)) => {
                Ok(Decision::Admitted(Box::new(Admitted { job, account, limits, credit })))
            }
            // Sent twice in the same moment: both count as the one that was claimed.
            Ok(Claimed::Existing(id)) => Ok(Decision::Repeated(id)),
            Err(error) => {
                if is_counted {
                    self.limiter.forget(account_id, request_id, &account.plan).await;
                }
                match error {
                    AppError::Api(refusal) => Ok(Decision::Refused(refusal)),
                    fault => Err(fault),
                }
            }
        }
    }

    /// All that decides about the request's money. When nothing of it changes until the claim, it is read just once.
    async fn look_up(&self, account_id: AccountId, request: &ReplyRequest) -> AppResult<Snapshot> {
        let conn = self.db.get().await?;
        let thread_id = request.target.thread_id();
        Ok(claims::look_up(&conn, account_id, request.client_request_id, thread_id).await?)
    }

    /// Reads what the request refers to and decides what the model is shown.
    async fn prepare(
        &self,
        account_id: AccountId,
        request: ReplyRequest,
        account: &AccountPlan,
    ) -> AppResult<Prepared> {
        let target = self.look_up_target(account_id, request.target).await?;
        let model = self.catalog.choose(request.model.as_deref(), &account.plan).await?;
        let longest = model.max_output_tokens;
        let output_tokens = request.max_output_tokens.map_or(longest, |tokens| tokens.clamp(1, longest));
        let turns =
            target.context.fit(model.context_tokens.saturating_sub(output_tokens)).ok_or_else(|| {
                ApiError::invalid("This message is too long for the model. Shorten it and try again.")
            })?;
        let new = NewGeneration {
            id: GenerationId(Uuid::now_v7()),
            account_id,
            client_request_id: request.client_request_id,
            thread: target.thread,
            is_new_thread: target.is_new_thread,
            parent: target.parent,
            is_new_message: target.is_new_message,
            model: model.key.clone(),
            price_version: model.price_version,
            hold: HoldRequest {
                prices: model.prices,
                input_tokens: turns.iter().map(|turn| estimate_tokens(&turn.text)).sum(),
                output_tokens,
                min_output_tokens: model.min_output_tokens,
            },
            hold_ttl: HOLD_TTL,
            monthly_credit: account.free_credit(),
            plan_cap: account.plan.monthly_cap,
            overage_max: account.overage_max(),
            traceparent: traces::traceparent(),
        };
        Ok(Prepared { new, model, turns })
    }

    /// Claims the request and its money in PostgreSQL.
    async fn claim(
        &self,
        Prepared { new, model, turns }: Prepared,
        place: Place,
        seen: &mut Snapshot,
        account: &AccountPlan,
    ) -> AppResult<Claimed> {
        // Before the claim can be seen by others: whoever finds it there can follow it here.
        let live = self.live.insert(new.id, new.account_id);
        let mut conn = self.db.get().await?;
        let ceiling_left = self.ceiling.left(&mut conn).await?;
        match claims::claim(&mut conn, &new, seen, ceiling_left).await? {
            Claim::Claimed(terms, credit) => {
                self.ceiling.note_admitted(terms.amount).await;
                Ok(Claimed::New(Box::new(Job { new, model, terms, turns, live, place }), credit))
            }
            Claim::Existing(existing) => Ok(Claimed::Existing(existing)),
            Claim::Refused(Shortage::Credit(credit)) => {
                Err(ApiError::OutOfCredit { credit: Box::new(account.told(credit)) }.into())
            }
            Claim::Refused(Shortage::Cap(cap)) => Err(ApiError::CapReached { cap: Box::new(cap) }.into()),
            Claim::Suspended => Err(ApiError::Suspended.into()),
            Claim::Refused(Shortage::Ceiling) => Err(self.ceiling.refusal().await.into()),
        }
    }

    /// Lets the claimed reply run on its own and follows it from the start.
    async fn detach(&self, Admitted { job, account, limits, credit }: Admitted) -> AppResult<ReplyStream> {
        let (account_id, live) = (job.new.account_id, job.live.clone());
        self.tasks.spawn(telemetry::along(self.clone().run(job, account.plan.clone())));
        // The reply runs, so failing to read what is left must not look like a refusal.
        let quota = self.quota.with_credit(account_id, account, limits, credit).await.ok();
        Ok(ReplyStream { events: live.follow(0), quota })
    }
}
