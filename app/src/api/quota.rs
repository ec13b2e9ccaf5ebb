//! What is left, and what can be had.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, call};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::Actor;
use crate::types::{Plan, Quota};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait QuotaApi: Send + Sync {
    async fn read_quota(&self, actor: &Actor) -> ApiResult<Quota>;
    async fn list_plans(&self) -> ApiResult<Vec<Plan>>;
}

#[server(endpoint = "quota/read_quota")]
pub async fn read_quota() -> ApiResult<Quota> {
    let (backend, actor) = call()?;
    answer(backend.quota.read_quota(&actor).await)
}

#[server(endpoint = "quota/list_plans")]
pub async fn list_plans() -> ApiResult<Vec<Plan>> {
    let (backend, _) = call()?;
    answer(backend.quota.list_plans().await)
}
