//! Deleting one's account, and keeping it after all.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, call};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::links::ACCOUNT_PATH;
#[cfg(feature = "ssr")]
use crate::types::Actor;
use crate::types::ErasureTerms;

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait ErasureApi: Send + Sync {
    async fn read_erasure(&self, actor: &Actor) -> ApiResult<ErasureTerms>;
    /// Has the account erased when the time has come. Asking again changes nothing.
    async fn request_erasure(&self, actor: &Actor, is_confirmed: bool) -> ApiResult<()>;
    /// Keeps the account.
    async fn withdraw_erasure(&self, actor: &Actor) -> ApiResult<()>;
}

#[server(endpoint = "erasure/read_erasure")]
pub async fn read_erasure() -> ApiResult<ErasureTerms> {
    let (backend, actor) = call()?;
    answer(backend.erasure.read_erasure(&actor).await)
}

#[server(endpoint = "erasure/request_erasure")]
pub async fn request_erasure(#[server(default)] is_confirmed: bool) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.erasure.request_erasure(&actor, is_confirmed).await)?;
    leptos_axum::redirect(ACCOUNT_PATH);
    Ok(())
}

#[server(endpoint = "erasure/withdraw_erasure")]
pub async fn withdraw_erasure() -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.erasure.withdraw_erasure(&actor).await)?;
    leptos_axum::redirect(ACCOUNT_PATH);
    Ok(())
}
