//! The ways to the models.

#[cfg(feature = "ssr")]
use chrono::{DateTime, Utc};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::form::{parse_moment, parse_prices, parse_reason};
#[cfg(feature = "ssr")]
use super::{answer, operate};
use crate::ApiResult;
use crate::types::ProviderReport;
#[cfg(feature = "ssr")]
use crate::types::{ModelPrices, Operator, Reason};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait ProvidersApi: Send + Sync {
    async fn read(&self, operator: &Operator) -> ApiResult<Vec<ProviderReport>>;
    /// Keeps requests from a route until somebody reopens it.
    async fn close(&self, operator: &Operator, route: &str) -> ApiResult<()>;
    /// Lets requests go to a route, whatever has failed on it.
    async fn reopen(&self, operator: &Operator, route: &str) -> ApiResult<()>;
    /// Has a route asked before the one before it.
    async fn move_route_up(&self, operator: &Operator, route: &str) -> ApiResult<()>;
    /// What a route costs us from now on.
    async fn set_costs(
        &self,
        operator: &Operator,
        route: &str,
        costs: ModelPrices,
        reason: Reason,
    ) -> ApiResult<()>;
    /// Shows a model before the one before it.
    async fn move_model_up(&self, operator: &Operator, model: &str) -> ApiResult<()>;
    /// Acts on every server within seconds; replies in progress go on.
    async fn set_model_off(
        &self,
        operator: &Operator,
        model: &str,
        is_off: bool,
        reason: Reason,
    ) -> ApiResult<()>;
    /// What a model costs people from a moment on. None: from now on.
    async fn add_prices(
        &self,
        operator: &Operator,
        model: &str,
        prices: ModelPrices,
        effective_from: Option<DateTime<Utc>>,
        reason: Reason,
    ) -> ApiResult<()>;
    /// Takes back prices that are not in force yet.
    async fn withdraw_prices(&self, operator: &Operator, model: &str, version: u32) -> ApiResult<()>;
}

#[server(endpoint = "admin/providers/read")]
pub async fn read_providers() -> ApiResult<Vec<ProviderReport>> {
    let (backend, operator) = operate()?;
    answer(backend.providers.read(&operator).await)
}

#[server(endpoint = "admin/providers/close_route")]
pub async fn close_route(route: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.providers.close(&operator, &route).await)
}

#[server(endpoint = "admin/providers/reopen_route")]
pub async fn reopen_route(route: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.providers.reopen(&operator, &route).await)
}

#[server(endpoint = "admin/providers/move_route_up")]
pub async fn move_route_up(route: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.providers.move_route_up(&operator, &route).await)
}

#[server(endpoint = "admin/providers/set_costs")]
pub async fn set_route_costs(
    route: String,
    input: String,
    cached_input: String,
    output: String,
    reason: String,
) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    let costs = answer(parse_prices([&input, &cached_input, &output]))?;
    answer(backend.providers.set_costs(&operator, &route, costs, answer(parse_reason(&reason))?).await)
}

#[server(endpoint = "admin/providers/move_model_up")]
pub async fn move_model_up(model: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.providers.move_model_up(&operator, &model).await)
}

#[server(endpoint = "admin/providers/set_model_off")]
pub async fn set_model_off(model: String, is_off: bool, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    let reason = answer(parse_reason(&reason))?;
    answer(backend.providers.set_model_off(&operator, &model, is_off, reason).await)
}

/// `from` is a moment in UTC, as `datetime-local` fields send it, or empty.
#[server(endpoint = "admin/providers/add_prices")]
pub async fn add_model_prices(
    model: String,
    input: String,
    cached_input: String,
    output: String,
    from: String,
    reason: String,
) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    let prices = answer(parse_prices([&input, &cached_input, &output]))?;
    let (from, reason) = (answer(parse_moment(&from))?, answer(parse_reason(&reason))?);
    answer(backend.providers.add_prices(&operator, &model, prices, from, reason).await)
}

#[server(endpoint = "admin/providers/withdraw_prices")]
pub async fn withdraw_model_prices(model: String, version: u32) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.providers.withdraw_prices(&operator, &model, version).await)
}
