//! The product as a whole.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::form::parse_reason;
#[cfg(feature = "ssr")]
use super::{answer, operate};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::{Operator, Reason};
use crate::types::{Switch, SystemReport};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait SystemApi: Send + Sync {
    async fn read(&self, operator: &Operator) -> ApiResult<SystemReport>;
    /// Acts on every server within seconds. A switch that stands so already stays as it is.
    async fn set_switch(
        &self,
        operator: &Operator,
        switch: Switch,
        is_on: bool,
        reason: Reason,
    ) -> ApiResult<()>;
}

#[server(endpoint = "admin/system/read")]
pub async fn read_system() -> ApiResult<SystemReport> {
    let (backend, operator) = operate()?;
    answer(backend.system.read(&operator).await)
}

#[server(endpoint = "admin/system/set_switch")]
pub async fn set_switch(switch: Switch, is_on: bool, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.system.set_switch(&operator, switch, is_on, answer(parse_reason(&reason))?).await)
}
