//! Spending caps people set for themselves, and the alerts on the way to them.

use app::ApiResult;
use app::api::CapsApi;
use app::types::{AccountId, Actor, Alert, CapTerms, ThreadId, ThreadSpending};
use async_trait::async_trait;

use super::plans::Plans;
use crate::AppResult;
use crate::caps::OwnCap;
use crate::error::reported;
use crate::store::{Db, alerts, caps};

#[derive(Clone)]
pub struct CapsService {
    db: Db,
    plans: Plans,
}

impl CapsService {
    pub fn new(db: Db, plans: Plans) -> Self {
        Self { db, plans }
    }

    async fn set(&self, account_id: AccountId, thread_id: Option<ThreadId>, cap: OwnCap) -> AppResult<()> {
        Ok(caps::set(&mut *self.db.get().await?, account_id, thread_id, cap).await?)
    }

    async fn clear(&self, account_id: AccountId, thread_id: Option<ThreadId>) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let plan = self.plans.of_account(&conn, account_id).await?.plan;
        Ok(caps::clear(&mut conn, account_id, thread_id, plan.monthly_cap).await?)
    }

    async fn read_thread(&self, account_id: AccountId, id: ThreadId) -> AppResult<ThreadSpending> {
        let mut conn = self.db.get().await?;
        let plan = self.plans.of_account(&conn, account_id).await?.plan;
        Ok(caps::read_thread(&mut conn, account_id, id, plan.thread_cap).await?)
    }
}

/// Whatever the plan says.
const NO_CAP: OwnCap = OwnCap { limit: None, is_hard: false };

#[async_trait]
impl CapsApi for CapsService {
    async fn set_cap(&self, actor: &Actor, thread_id: Option<ThreadId>, terms: CapTerms) -> ApiResult<()> {
        let user = actor.user()?;
        let CapTerms { limit, is_hard } = terms;
        let cap = OwnCap { limit: Some(limit), is_hard };
        reported(actor, self.set(user.account_id, thread_id, cap)).await
    }

    async fn remove_cap(&self, actor: &Actor, thread_id: Option<ThreadId>) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.set(user.account_id, thread_id, NO_CAP)).await
    }

    async fn use_plan_cap(&self, actor: &Actor, thread_id: Option<ThreadId>) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.clear(user.account_id, thread_id)).await
    }

    async fn read_thread_spending(&self, actor: &Actor, id: ThreadId) -> ApiResult<ThreadSpending> {
        let user = actor.reader()?;
        reported(actor, self.read_thread(user.account_id, id)).await
    }

    async fn dismiss_alerts(&self, actor: &Actor, up_to: Alert) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, async {
            Ok(alerts::dismiss(&mut *self.db.get().await?, user.account_id, up_to).await?)
        })
        .await
    }
}
