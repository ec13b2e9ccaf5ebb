//! Work done later.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, operate};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::Operator;
use crate::types::{JobId, JobsPage, JobsQuery};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait JobsApi: Send + Sync {
    async fn list(&self, operator: &Operator, query: JobsQuery) -> ApiResult<JobsPage>;
    /// A dead job, from the start; one that waits after a failure, at once.
    async fn retry(&self, operator: &Operator, id: JobId) -> ApiResult<()>;
    /// A job that is dead or waits after a failure, for good.
    async fn discard(&self, operator: &Operator, id: JobId) -> ApiResult<()>;
}

#[server(endpoint = "admin/jobs/list")]
pub async fn list_jobs(#[server(default)] query: JobsQuery) -> ApiResult<JobsPage> {
    let (backend, operator) = operate()?;
    answer(backend.jobs.list(&operator, query).await)
}

#[server(endpoint = "admin/jobs/retry")]
pub async fn retry_job(id: JobId) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.jobs.retry(&operator, id).await)
}

#[server(endpoint = "admin/jobs/discard")]
pub async fn discard_job(id: JobId) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.jobs.discard(&operator, id).await)
}
