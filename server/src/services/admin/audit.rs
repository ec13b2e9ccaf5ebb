//! The audit log.

use app::ApiResult;
use app::api::admin::AuditLogApi;
use app::types::{AuditPage, AuditQuery, Operator};
use async_trait::async_trait;

use crate::AppResult;
use crate::error::reported;
use crate::store::{Db, audit, failed_requests};

/// Events on a page.
const PAGE: i64 = 50;

/// Events an export reads at once.
const EXPORT_PAGE: i64 = 1000;

#[derive(Clone)]
pub struct AuditLogService {
    db: Db,
}

impl AuditLogService {
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    async fn page(&self, query: AuditQuery) -> AppResult<AuditPage> {
        let mut conn = self.db.get().await?;
        let page = audit::list(&mut conn, query, PAGE).await?;
        let failed_request = match query.request_id {
            Some(id) => failed_requests::find(&mut conn, id).await?,
            None => None,
        };
        Ok(AuditPage { failed_request, ..page })
    }

    /// For an export: the next events, as many as are read at once.
    pub(crate) async fn export(&self, _: &Operator, query: AuditQuery) -> AppResult<AuditPage> {
        Ok(audit::list(&mut *self.db.get().await?, query, EXPORT_PAGE).await?)
    }
}

#[async_trait]
impl AuditLogApi for AuditLogService {
    async fn list(&self, operator: &Operator, query: AuditQuery) -> ApiResult<AuditPage> {
        reported(operator.actor(), self.page(query)).await
    }
}
