//! The person and their sessions.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, call};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::links::{PEOPLE_PATH, person_path};
#[cfg(feature = "ssr")]
use crate::types::{Actor, UserId};
use crate::types::{Session, SessionId, SignInMethod, User};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait AccountApi: Send + Sync {
    /// None: nobody is signed in.
    async fn read_user(&self, actor: &Actor) -> ApiResult<Option<User>>;
    async fn list_sign_in_methods(&self) -> ApiResult<Vec<SignInMethod>>;
    /// The current session first, then the last seen.
    async fn list_sessions(&self, actor: &Actor) -> ApiResult<Vec<Session>>;
    async fn revoke_session(&self, actor: &Actor, id: SessionId) -> ApiResult<()>;
    async fn sign_out(&self, actor: &Actor) -> ApiResult<()>;
    async fn sign_out_everywhere(&self, actor: &Actor) -> ApiResult<()>;
    /// Lets an operator be themself again. Whom they looked at; None: there was no visit in this session.
    async fn end_visit(&self, actor: &Actor) -> ApiResult<Option<UserId>>;
}

#[server(endpoint = "account/read_user")]
pub async fn read_user() -> ApiResult<Option<User>> {
    let (backend, actor) = call()?;
    answer(backend.account.read_user(&actor).await)
}

#[server(endpoint = "account/list_sign_in_methods")]
pub async fn list_sign_in_methods() -> ApiResult<Vec<SignInMethod>> {
    let (backend, _) = call()?;
    answer(backend.account.list_sign_in_methods().await)
}

#[server(endpoint = "account/list_sessions")]
pub async fn list_sessions() -> ApiResult<Vec<Session>> {
    let (backend, actor) = call()?;
    answer(backend.account.list_sessions(&actor).await)
}

#[server(endpoint = "account/revoke_session")]
pub async fn revoke_session(id: SessionId) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.account.revoke_session(&actor, id).await)
}

#[server(endpoint = "account/sign_out")]
pub async fn sign_out() -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.account.sign_out(&actor).await)?;
    leptos_axum::redirect("/");
    Ok(())
}

#[server(endpoint = "account/sign_out_everywhere")]
pub async fn sign_out_everywhere() -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.account.sign_out_everywhere(&actor).await)?;
    leptos_axum::redirect("/");
    Ok(())
}

/// Leads back to the page of whoever was looked at.
#[server(endpoint = "account/end_visit")]
pub async fn end_visit() -> ApiResult<()> {
    let (backend, actor) = call()?;
    let person = answer(backend.account.end_visit(&actor).await)?;
    leptos_axum::redirect(&person.map_or_else(|| PEOPLE_PATH.to_owned(), person_path));
    Ok(())
}
