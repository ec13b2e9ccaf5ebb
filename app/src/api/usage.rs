//! What was spent on what, and why.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, call};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::Actor;
use crate::types::{EntryId, GenerationId, Period, Receipt, ReplyUsage, Statement, UsageSummary};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait UsageApi: Send + Sync {
    async fn summarize(&self, actor: &Actor, period: Period) -> ApiResult<UsageSummary>;
    /// The last replies of the period that used something, newest first.
    async fn list_replies(&self, actor: &Actor, period: Period) -> ApiResult<Vec<ReplyUsage>>;
    /// The newest entries of the ledger, or those before one of them.
    async fn read_statement(&self, actor: &Actor, before: Option<EntryId>) -> ApiResult<Statement>;
    async fn read_receipt(&self, actor: &Actor, id: GenerationId) -> ApiResult<Receipt>;
}

#[server(endpoint = "usage/summarize")]
pub async fn summarize_usage(period: Period) -> ApiResult<UsageSummary> {
    let (backend, actor) = call()?;
    answer(backend.usage.summarize(&actor, period).await)
}

#[server(endpoint = "usage/list_replies")]
pub async fn list_replies(period: Period) -> ApiResult<Vec<ReplyUsage>> {
    let (backend, actor) = call()?;
    answer(backend.usage.list_replies(&actor, period).await)
}

#[server(endpoint = "usage/read_statement")]
pub async fn read_statement(before: Option<EntryId>) -> ApiResult<Statement> {
    let (backend, actor) = call()?;
    answer(backend.usage.read_statement(&actor, before).await)
}

#[server(endpoint = "usage/read_receipt")]
pub async fn read_receipt(id: GenerationId) -> ApiResult<Receipt> {
    let (backend, actor) = call()?;
    answer(backend.usage.read_receipt(&actor, id).await)
}
