//! Spending caps and the alerts on the way to them.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, call};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::{Actor, Alert, CapTerms};
use crate::types::{AlertBasis, ThreadId, ThreadSpending};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait CapsApi: Send + Sync {
    /// Sets the month's cap of the person's account, in place of the plan's.
    async fn set_monthly_cap(&self, actor: &Actor, terms: CapTerms) -> ApiResult<()>;
    /// No cap for the month, whatever the plan says.
    async fn remove_monthly_cap(&self, actor: &Actor) -> ApiResult<()>;
    /// The plan's cap again, if it has one.
    async fn use_plan_cap(&self, actor: &Actor) -> ApiResult<()>;
    async fn set_thread_cap(&self, actor: &Actor, id: ThreadId, terms: CapTerms) -> ApiResult<()>;
    /// No cap for the conversation, whatever the plan says.
    async fn remove_thread_cap(&self, actor: &Actor, id: ThreadId) -> ApiResult<()>;
    /// The plan's cap for conversations again, if it has one.
    async fn use_plan_thread_cap(&self, actor: &Actor, id: ThreadId) -> ApiResult<()>;
    async fn read_thread_spending(&self, actor: &Actor, id: ThreadId) -> ApiResult<ThreadSpending>;
    /// Shows this month's alert no more, nor those below it.
    async fn dismiss_alerts(&self, actor: &Actor, up_to: Alert) -> ApiResult<()>;
}

/// `amount` is in dollars, as the person wrote it.
#[server(endpoint = "caps/set_monthly_cap")]
pub async fn set_monthly_cap(amount: String, is_hard: bool) -> ApiResult<()> {
    let (backend, actor) = call()?;
    let terms = answer(parse_terms(&amount, is_hard))?;
    answer(backend.caps.set_monthly_cap(&actor, terms).await)
}

#[server(endpoint = "caps/remove_monthly_cap")]
pub async fn remove_monthly_cap() -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.caps.remove_monthly_cap(&actor).await)
}

#[server(endpoint = "caps/use_plan_cap")]
pub async fn use_plan_cap() -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.caps.use_plan_cap(&actor).await)
}

/// `amount` is in dollars, as the person wrote it.
#[server(endpoint = "caps/set_thread_cap")]
pub async fn set_thread_cap(id: ThreadId, amount: String, is_hard: bool) -> ApiResult<()> {
    let (backend, actor) = call()?;
    let terms = answer(parse_terms(&amount, is_hard))?;
    answer(backend.caps.set_thread_cap(&actor, id, terms).await)
}

#[server(endpoint = "caps/remove_thread_cap")]
pub async fn remove_thread_cap(id: ThreadId) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.caps.remove_thread_cap(&actor, id).await)
}

#[server(endpoint = "caps/use_plan_thread_cap")]
pub async fn use_plan_thread_cap(id: ThreadId) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.caps.use_plan_thread_cap(&actor, id).await)
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

#[cfg(feature = "ssr")]
fn parse_terms(amount: &str, is_hard: bool) -> ApiResult<CapTerms> {
    use crate::ApiError;
    use crate::types::Nanos;

    let limit = Nanos::parse_dollars(amount).map_err(|error| ApiError::invalid(error.to_string()))?;
    if limit == Nanos::ZERO {
        return Err(ApiError::invalid("A cap must be more than $0.00."));
    }
    Ok(CapTerms { limit, is_hard })
}
