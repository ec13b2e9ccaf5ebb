//! Work done later.

use std::sync::Arc;

use app::api::admin::JobsApi;
use app::types::{AuditKind, JobId, JobsPage, JobsQuery, Operator, ScheduledWork};
use app::{ApiError, ApiResult};
use async_trait::async_trait;

use super::page;
use crate::AppResult;
use crate::error::reported;
use crate::store::audit::NewAuditEvent;
use crate::store::{Db, job_reports, jobs};

#[derive(Clone)]
pub struct JobsService {
    db: Db,
    /// Name, and in words when it is due.
    schedules: Arc<[(String, String)]>,
}

impl JobsService {
    pub fn new(db: Db, schedules: Vec<(String, String)>) -> Self {
        Self { db, schedules: schedules.into() }
    }

    async fn page(&self, query: JobsQuery) -> AppResult<JobsPage> {
        let mut conn = self.db.get().await?;
        let (jobs, next) = page::cut(job_reports::list(&mut conn, &query, page::READ).await?, |job| job.id);
        let slots = job_reports::list_slots(&mut conn).await?;
        let last = |name: &str| slots.iter().find(|(known, _)| known == name).and_then(|(_, at)| *at);
        let schedules = self.schedules.iter().map(|(name, when)| ScheduledWork {
            name: name.clone(),
            when: when.clone(),
            last_at: last(name),
        });
        Ok(JobsPage {
            queues: job_reports::list_queues(&mut conn).await?,
            schedules: schedules.collect(),
            jobs,
            next,
        })
    }

    async fn revive(&self, id: JobId, by: NewAuditEvent<'_>) -> AppResult<()> {
        match jobs::revive(&mut *self.db.get().await?, id, by).await? {
            true => Ok(()),
            false => Err(ApiError::invalid(
                "This job is done or runs by now, or one that does the same waits already.",
            )
            .into()),
        }
    }

    async fn throw_away(&self, id: JobId, by: NewAuditEvent<'_>) -> AppResult<()> {
        match jobs::discard(&mut *self.db.get().await?, id, by).await? {
            true => Ok(()),
            false => Err(ApiError::invalid("This job is done or runs by now.").into()),
        }
    }
}

#[async_trait]
impl JobsApi for JobsService {
    async fn list(&self, operator: &Operator, query: JobsQuery) -> ApiResult<JobsPage> {
        reported(operator.actor(), self.page(query)).await
    }

    async fn retry(&self, operator: &Operator, id: JobId) -> ApiResult<()> {
        let by = NewAuditEvent::by(operator, AuditKind::JobRetried);
        reported(operator.actor(), self.revive(id, by)).await
    }

    async fn discard(&self, operator: &Operator, id: JobId) -> ApiResult<()> {
        let by = NewAuditEvent::by(operator, AuditKind::JobDiscarded);
        reported(operator.actor(), self.throw_away(id, by)).await
    }
}
