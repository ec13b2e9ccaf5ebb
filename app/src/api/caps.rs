//! Spending caps and the alerts on the way to them.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, call};
#[cfg(feature = "ssr")]
use crate::ApiError;
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::{Actor, Alert, CapTerms, Nanos};
use crate::types::{AlertBasis, ThreadId, ThreadSpending};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait CapsApi: Send + Sync {
    /// Sets the person's own cap, in place of the plan's. Without a thread it is the month's.
    async fn set_cap(&self, actor: &Actor, thread_id: Option<ThreadId>, terms: CapTerms) -> ApiResult<()>;
    /// No cap, whatever the plan says.
    async fn remove_cap(&self, actor: &Actor, thread_id: Option<ThreadId>) -> ApiResult<()>;
    /// The plan's cap again, if it has one.
    async fn use_plan_cap(&self, actor: &Actor, thread_id: Option<ThreadId>) -> ApiResult<()>;
    async fn read_thread_spending(&self, actor: &Actor, id: ThreadId) -> ApiResult<ThreadSpending>;
    /// Shows this month's alert no more, nor those below it.
    async fn dismiss_alerts(&self, actor: &Actor, up_to: Alert) -> ApiResult<()>;
}

/// `amount` is in dollars, as the person wrote it. A form without a thread is about the month.
#[server(endpoint = "caps/set_cap")]
pub async fn set_cap(thread_id: Option<ThreadId>, amount: String, is_hard: bool) -> ApiResult<()> {
    let (backend, actor) = call()?;
    let limit = answer(parse_limit(&amount))?;
    answer(backend.caps.set_cap(&actor, thread_id, CapTerms { limit, is_hard }).await)
}

#[server(endpoint = "caps/remove_cap")]
pub async fn remove_cap(thread_id: Option<ThreadId>) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.caps.remove_cap(&actor, thread_id).await)
}

#[server(endpoint = "caps/use_plan_cap")]
pub async fn use_plan_cap(thread_id: Option<ThreadId>) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.caps.use_plan_cap(&actor, thread_id).await)
}

#[server(endpoint = "caps/read_thread_spending")]
pub async fn read_thread_spending(id: ThreadId) -> ApiResult<ThreadSpending> {
    let (backend, actor) = call()?;
    answer(backend.caps.read_thread_spending(&actor, id).await)
}

#[server(endpoint = "caps/dismiss_alerts")]
pub async fn dismiss_alerts(basis: AlertBasis, percent: u8) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.caps.dismiss_alerts(&actor, Alert { basis, percent }).await)
}

/// The limit of a cap, as a person wrote it in dollars.
///
/// # Errors
/// Says in words what is wrong with the text.
#[cfg(feature = "ssr")]
pub fn parse_limit(amount: &str) -> ApiResult<Nanos> {
    let limit = Nanos::parse_dollars(amount).map_err(|error| ApiError::invalid(error.to_string()))?;
    if limit == Nanos::ZERO {
        return Err(ApiError::invalid("A cap must be more than $0.00."));
    }
    Ok(limit)
}
