//! What is left, and what can be had.

use app::ApiResult;
use app::api::QuotaApi;
use app::types::{AccountId, Actor, Credit, Limit, Plan, Quota};
use async_trait::async_trait;

use super::plans::{AccountPlan, Plans};
use crate::AppResult;
use crate::caps::is_due;
use crate::error::reported;
use crate::limits::Limiter;
use crate::store::{Db, caps, ledger};

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
        let account = self.plans.of_account(&*self.db.get().await?, account_id).await?;
        let limits = self.limiter.read(account_id, &account.plan).await;
        let mut conn = self.db.get().await?;
        let credit =
            ledger::read_credit(&mut conn, account_id, account.free_credit(), account.overage_max()).await?;
        drop(conn);
        self.with_credit(account_id, account, limits, credit).await
    }

    /// The same, with what is known from an admission a moment ago.
    pub(super) async fn with_credit(
        &self,
        account_id: AccountId,
        account: AccountPlan,
        limits: Vec<Limit>,
        credit: Credit,
    ) -> AppResult<Quota> {
        let conn = self.db.get().await?;
        let (credit, period_start) = (account.told(credit), account.credit_period_start);
        let plan = account.plan;
        let (caps, mut alerts) =
            caps::list(&conn, account_id, plan.monthly_cap, credit.held, period_start).await?;
        let monthly_cap = caps.iter().find(|cap| cap.thread_id().is_none());
        alerts.retain(|alert| is_due(*alert, monthly_cap, &credit));
        Ok(Quota {
            plan_name: plan.name,
            limits,
            credit,
            caps,
            alerts,
            plan_cap: plan.monthly_cap,
            plan_thread_cap: plan.thread_cap,
        })
    }
}

#[async_trait]
impl QuotaApi for QuotaService {
    async fn read_quota(&self, actor: &Actor) -> ApiResult<Quota> {
        let user = actor.reader()?;
        reported(actor, self.of_account(user.account_id)).await
    }

    async fn list_plans(&self) -> ApiResult<Vec<Plan>> {
        Ok(self.plans.list())
    }
}
