//! How everything goes: people, money, replies.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, operate};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::Operator;
use crate::types::{Overview, Period, VolumeReport};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait FiguresApi: Send + Sync {
    async fn read_overview(&self, operator: &Operator) -> ApiResult<Overview>;
    /// What was used in a period.
    async fn report(&self, operator: &Operator, period: Period) -> ApiResult<VolumeReport>;
}

#[server(endpoint = "admin/figures/read_overview")]
pub async fn read_overview() -> ApiResult<Overview> {
    let (backend, operator) = operate()?;
    answer(backend.figures.read_overview(&operator).await)
}

#[server(endpoint = "admin/figures/report")]
pub async fn report_volume(#[server(default)] period: Period) -> ApiResult<VolumeReport> {
    let (backend, operator) = operate()?;
    answer(backend.figures.report(&operator, period).await)
}
