//! The ways to the models.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, operate};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::Operator;
use crate::types::ProviderReport;

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait ProvidersApi: Send + Sync {
    async fn read(&self, operator: &Operator) -> ApiResult<Vec<ProviderReport>>;
    /// Keeps requests from a route until somebody reopens it.
    async fn close(&self, operator: &Operator, route: &str) -> ApiResult<()>;
    /// Lets requests go to a route, whatever has failed on it.
    async fn reopen(&self, operator: &Operator, route: &str) -> ApiResult<()>;
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
