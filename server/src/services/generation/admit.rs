//! Admission: whether a request becomes a reply, and if not, why.

use std::sync::Arc;

use app::ApiError;
use app::api::ReplyStream;
use app::types::{AccountId, Credit, GenerationId};
use uuid::Uuid;

use super::decision::{Admitted, Decision, Refusal};
use super::request::GenerationRequest;
use super::run::Job;
use super::target::Target;
use super::{GenerationService, HOLD_TTL, context};
use crate::caps::Shortage;
use crate::limits::Admission;
use crate::pricing::HoldRequest;
use crate::providers::llm::{CompletionRequest, Turn};
use crate::services::account_queue::{Place, Turn as AccountTurn};
use crate::services::plans::AccountPlan;
use crate::store::catalog::CatalogModel;
use crate::store::claims::{self, Claim, NewGeneration};
use crate::store::snapshot::Snapshot;
use crate::telemetry::traces::{self, Span};
use crate::telemetry::{self, metrics};
use crate::{AppError, AppResult};

/// A request with all that is read for it, before anything is counted or claimed.
struct Prepared {
    new: NewGeneration,
    model: Arc<CatalogModel>,
    /// With the longest answer wanted.
    request: CompletionRequest,
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
    pub(super) async fn admit(
        self,
        account_id: AccountId,
        request: GenerationRequest,
        gone: impl Future<Output = ()>,
    ) -> AppResult<Result<ReplyStream, Refusal>> {
        let span = Span::part("admission");
        let deciding = self.decide(account_id, request, gone);
        let decision = span.around(deciding).await.inspect_err(|_| span.fail("error"))?;
        span.set("plumbline.admission.decision", decision.label());
        if let Decision::Admitted(admitted) = &decision {
            traces::set_thread(admitted.generation().thread.id);
        }
        drop(span);
        metrics::admission_decided(decision.label());
        match decision {
            Decision::Admitted(admitted) => Ok(Ok(self.detach(*admitted).await)),
            Decision::Repeated(id) => Ok(Ok(self.follow(account_id, id, 0).await?)),
            Decision::Refused(refusal) => Ok(Err(refusal)),
            // Nobody is there to be told.
            Decision::Abandoned => Err(AppError::TaskLost),
        }
    }

    /// Waits for the account's turn, then decides; `gone` ends when the client has left, which counts until the turn has
    /// come.
    ///
    /// # Errors
    /// Faults, and requests that refer to what is not there.
    pub async fn decide(
        &self,
        account_id: AccountId,
        request: impl Into<GenerationRequest>,
        gone: impl Future<Output = ()>,
    ) -> AppResult<Decision> {
        let place = self.queue.place(account_id);
        let turn = tokio::select! {
            biased;
            () = gone => return Ok(Decision::Abandoned),
            turn = place.turn_of_request() => turn,
        };
        match turn {
            None => Ok(Decision::Refused(Refusal::too_many_waiting())),
            // It was told to stop meanwhile.
            Some(_) if self.is_ending.is_cancelled() => Ok(Decision::Refused(Refusal::shutting_down())),
            Some(turn) => self.decide_now(account_id, request.into(), place, turn).await,
        }
    }

    /// Everything that may stand in the way, in order: a duplicate, the plan's models, rates and concurrency, then at
    /// once whatever limits what the reply may cost.
    async fn decide_now(
        &self,
        account_id: AccountId,
        request: GenerationRequest,
        place: Place,
        mut turn: AccountTurn,
    ) -> AppResult<Decision> {
        let mut seen = self.look_up(account_id, &request).await?;
        if let Some(id) = seen.existing() {
            return Ok(Decision::Repeated(id));
        }
        let account = self.plans.of_row(seen.plan());
        if let Some(refusal) = account.refusal() {
            return Ok(Decision::Refused(refusal.into()));
        }
        let prepared = match self.prepare(account_id, request, &account).await? {
            Ok(prepared) => prepared,
            Err(refusal) => return Ok(Decision::Refused(refusal)),
        };
        let id = prepared.new.id;
        let limits = match self.limiter.admit(account_id, id, prepared.tokens(), &account.plan).await {
            Admission::Admitted(limits) => limits,
            Admission::Refused { reached, limits } => {
                let refusal = Refusal::from(ApiError::from(reached));
                return Ok(Decision::Refused(Refusal { limits, ..refusal }));
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
            // Sent twice in the same moment, to different processes: the one that was claimed counts.
            Ok(Claimed::Existing(existing)) => {
                self.limiter.forget(account_id, id, &account.plan).await;
                Ok(Decision::Repeated(existing))
            }
            Err(error) => {
                self.limiter.forget(account_id, id, &account.plan).await;
                match error {
                    AppError::Api(refusal) => Ok(Decision::Refused(refusal.into())),
                    fault => Err(fault),
                }
            }
        }
    }

    /// All that decides about the request's money. When nothing of it changes until the claim, it is read just once.
    async fn look_up(&self, account_id: AccountId, request: &GenerationRequest) -> AppResult<Snapshot> {
        let conn = self.db.get().await?;
        let thread_id = request.asked.thread_id();
        Ok(claims::look_up(&conn, account_id, request.client_request_id, thread_id).await?)
    }

    /// Reads what the request refers to and decides what the model is shown.
    async fn prepare(
        &self,
        account_id: AccountId,
        request: GenerationRequest,
        account: &AccountPlan,
    ) -> AppResult<Result<Prepared, Refusal>> {
        let target = self.look_up_target(account_id, request.asked).await?;
        let plan_caps = target.plan_caps(account.plan_caps());
        let model = match self.catalog.choose(request.model.as_deref(), &account.plan).await? {
            Ok(model) => model,
            Err(reason) => return Ok(Err(reason.into())),
        };
        let wanted = request.max_output_tokens.unwrap_or(account.plan.default_output_tokens);
        let (output_tokens, context_tokens) = context::split_context(&model, wanted);
        let told_tokens = target.told_tokens();
        let turns = match target.context.fit_beside(told_tokens, context_tokens) {
            Ok(turns) => turns,
            Err(_) if !target.is_by_program => return Ok(Err(Refusal::too_long())),
            Err(read) => {
                return Ok(Err(Refusal::too_many_tokens(read, output_tokens, model.context_tokens)));
            }
        };
        let turn_tokens = turns.iter().map(Turn::tokens).sum::<u32>();
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
                input_tokens: turn_tokens + told_tokens,
                output_tokens,
                min_output_tokens: model.min_output_tokens,
            },
            hold_ttl: HOLD_TTL,
            monthly_credit: account.free_credit(),
            plan_caps,
            is_by_program: target.is_by_program,
            overage_max: account.overage_max(),
            traceparent: traces::traceparent(),
        };
        let Target { instructions, sampling, tools, json, .. } = target;
        let max_output_tokens = output_tokens;
        let request = CompletionRequest { instructions, turns, max_output_tokens, sampling, tools, json };
        if !model.routes.iter().any(|route| request.can_be_asked_in(route.provider)) {
            return Ok(Err(Refusal::no_json()));
        }
        Ok(Ok(Prepared { new, model, request }))
    }

    /// Claims the request and its money in PostgreSQL.
    async fn claim(
        &self,
        Prepared { new, model, request }: Prepared,
        place: Place,
        seen: &mut Snapshot,
        account: &AccountPlan,
    ) -> AppResult<Claimed> {
        // Before the claim can be seen by others: whoever finds it there can follow it here.
        let live = self.live.insert(new.id, new.account_id);
        let mut conn = self.db.get().await?;
        let ceiling_left = self.ceiling.left(&mut conn, new.hold.largest()).await?;
        match claims::claim(&mut conn, &new, seen, ceiling_left).await? {
            Claim::Claimed(terms, credit) => {
                self.ceiling.note_admitted(terms.amount);
                let request = CompletionRequest { max_output_tokens: terms.output_tokens, ..request };
                let is_by_program = new.is_by_program;
                let job = Job { new, model, terms, request, is_by_program, live, place };
                Ok(Claimed::New(Box::new(job), credit))
            }
            Claim::Existing(existing) => Ok(Claimed::Existing(existing)),
            Claim::Refused(Shortage::Credit(credit)) => {
                Err(ApiError::OutOfCredit { credit: Box::new(account.told(credit)) }.into())
            }
            Claim::Refused(Shortage::Cap(cap)) => Err(ApiError::CapReached { cap: Box::new(cap) }.into()),
            Claim::Suspended => Err(ApiError::Suspended.into()),
            Claim::Refused(Shortage::Ceiling) => Err(self.ceiling.refusal().into()),
        }
    }

    /// Lets the claimed reply run on its own and follows it from the start.
    async fn detach(&self, Admitted { job, account, limits, credit }: Admitted) -> ReplyStream {
        let account_id = job.new.account_id;
        let events = if job.is_by_program { job.live.attend() } else { job.live.follow(0) };
        self.tasks.spawn(telemetry::along(self.clone().run(job, account.plan.clone())));
        // The reply runs, so failing to read what is left must not look like a refusal.
        let quota = self.quota.with_credit(account_id, account, limits, credit).await.ok();
        ReplyStream { events, quota }
    }
}
