//! The audit log.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, operate};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::Operator;
use crate::types::{AuditPage, AuditQuery};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait AuditLogApi: Send + Sync {
    /// Newest first.
    async fn list(&self, operator: &Operator, query: AuditQuery) -> ApiResult<AuditPage>;
}

#[server(endpoint = "admin/audit/list")]
pub async fn list_audit_events(#[server(default)] query: AuditQuery) -> ApiResult<AuditPage> {
    let (backend, operator) = operate()?;
    answer(backend.audit.list(&operator, query).await)
}
