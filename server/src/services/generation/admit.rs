//! Admission: whether a request becomes a reply, and if not, why.

use std::sync::Arc;

use app::ApiError;
use app::api::ReplyStream;
use app::types::{AccountId, ClientRequestId, GenerationId, Limit, ReplyRequest};
use uuid::Uuid;

use super::context::fit_context;
use super::run::Job;
use super::{GenerationService, HOLD_TTL};
use crate::AppResult;
use crate::limits::Admission;
use crate::pricing::{HoldRequest, estimate_tokens};
use crate::providers::llm::Turn;
use crate::services::plans::AccountPlan;
use crate::store::catalog::CatalogModel;
use crate::store::generations::{self, Claim, NewGeneration};

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
    New(Box<Job>),
    Existing(GenerationId),
}

impl GenerationService {
    pub(super) async fn admit(self, account_id: AccountId, request: ReplyRequest) -> AppResult<ReplyStream> {
        let request_id = request.client_request_id;
        let (account, existing) = self.look_up(account_id, request_id).await?;
        if let Some(id) = existing {
            return self.follow(account_id, id, 0).await;
        }
        account.check_replies()?;
        let turn = self.queue.turn(account_id).await;
        let prepared = self.prepare(account_id, request, &account).await?;
        let admission = self.limiter.admit(account_id, request_id, prepared.tokens(), &account.plan).await;
        let (limits, is_counted) = match admission {
            Admission::Admitted(limits) => (limits, true),
            Admission::Repeated(limits) => (limits, false),
            Admission::Refused { limit, retry_after } => {
                let retry_after_seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX);
                return Err(ApiError::LimitReached { limit, retry_after_seconds }.into());
            }
        };
        let claimed = self.claim(prepared, &account).await;
        drop(turn);
        match claimed {
            Ok(Claimed::New(job)) => self.detach(*job, account, limits).await,
            // Sent twice in the same moment: both count as the one that was claimed.
            Ok(Claimed::Existing(id)) => self.follow(account_id, id, 0).await,
            Err(error) => {
                if is_counted {
                    self.limiter.forget(account_id, request_id, &account.plan).await;
                }
                Err(error)
            }
        }
    }

    /// What the account may use, and the generation this request has already.
    async fn look_up(
        &self,
        account_id: AccountId,
        request_id: ClientRequestId,
    ) -> AppResult<(AccountPlan, Option<GenerationId>)> {
        let mut conn = self.db.get().await?;
        let existing = generations::find_by_request(&mut conn, account_id, request_id).await?;
        Ok((self.plans.of_account(&mut conn, account_id).await?, existing))
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
        let turns = fit_context(target.turns, model.context_tokens.saturating_sub(output_tokens))
            .ok_or_else(|| {
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
        };
        Ok(Prepared { new, model, turns })
    }

    /// Claims the request and its money in PostgreSQL.
    async fn claim(
        &self,
        Prepared { new, model, turns }: Prepared,
        account: &AccountPlan,
    ) -> AppResult<Claimed> {
        // Before the claim can be seen by others: whoever finds it there can follow it here.
        let live = self.live.insert(new.id, new.account_id);
        match generations::claim(&mut *self.db.get().await?, &new).await? {
            Claim::Claimed(terms) => Ok(Claimed::New(Box::new(Job { new, model, terms, turns, live }))),
            Claim::Existing(existing) => Ok(Claimed::Existing(existing)),
            Claim::OutOfCredit(credit) => Err(ApiError::OutOfCredit { credit: account.told(credit) }.into()),
        }
    }

    /// Lets the claimed reply run on its own and follows it from the start.
    async fn detach(self, job: Job, account: AccountPlan, limits: Vec<Limit>) -> AppResult<ReplyStream> {
        let (account_id, live) = (job.new.account_id, job.live.clone());
        let service = self.clone();
        let run_plan = account.plan.clone();
        self.tasks.spawn(async move { service.run(job, run_plan).await });
        // The reply runs, so failing to read what is left must not look like a refusal.
        let quota = self.quota.with_limits(account_id, account, limits).await.ok();
        Ok(ReplyStream { events: live.follow(0), quota })
    }
}
