//! What is left, and what can be had.

use app::ApiResult;
use app::api::QuotaApi;
use app::types::{AccountId, Actor, Limit, Plan, Quota};
use async_trait::async_trait;

use super::plans::{AccountPlan, Plans};
use crate::AppResult;
use crate::error::reported;
use crate::limits::Limiter;
use crate::store::{Db, ledger};

#[derive(Clone)]
pub struct QuotaService {
    db: Db,
    limiter: Limiter,
    plans: Plans,
}

impl QuotaService {
    pub fn new(db: Db, limiter: Limiter, plans: Plans) -> Self {
        Self { db, limiter, plans }
    }

    /// Where the account stands with everything.
    pub(super) async fn of_account(&self, account_id: AccountId) -> AppResult<Quota> {
        let account = self.plans.of_account(&mut *self.db.get().await?, account_id).await?;
        let limits = self.limiter.read(account_id, &account.plan).await;
        self.with_limits(account_id, account, limits).await
    }

    /// The same, with limits known from an admission a moment ago.
    pub(super) async fn with_limits(
        &self,
        account_id: AccountId,
        account: AccountPlan,
        limits: Vec<Limit>,
    ) -> AppResult<Quota> {
        let credit =
            ledger::read_credit(&mut *self.db.get().await?, account_id, account.free_credit()).await?;
        Ok(Quota { credit: account.told(credit), plan_name: account.plan.name, limits })
    }
}

#[async_trait]
impl QuotaApi for QuotaService {
    async fn read_quota(&self, actor: &Actor) -> ApiResult<Quota> {
        let user = actor.user()?;
        reported(actor, self.of_account(user.account_id)).await
    }

    async fn list_plans(&self) -> ApiResult<Vec<Plan>> {
        Ok(self.plans.list())
    }
}
