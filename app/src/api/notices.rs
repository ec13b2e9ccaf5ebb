//! What people are told about their account, and which of it by mail.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, call};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::Actor;
use crate::types::{MailSettings, Notice, NoticeId, NoticeKind};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait NoticesApi: Send + Sync {
    /// What no mail has told and nothing else in the app says, newest first.
    async fn list_notices(&self, actor: &Actor) -> ApiResult<Vec<Notice>>;
    /// Shows it no more.
    async fn dismiss_notice(&self, actor: &Actor, id: NoticeId) -> ApiResult<()>;
    async fn read_mail_settings(&self, actor: &Actor) -> ApiResult<MailSettings>;
    /// Turns mails of a kind on or off; invalid for those that are always sent.
    async fn switch_mail(&self, actor: &Actor, kind: NoticeKind, is_on: bool) -> ApiResult<()>;
}

#[server(endpoint = "notices/list_notices")]
pub async fn list_notices() -> ApiResult<Vec<Notice>> {
    let (backend, actor) = call()?;
    answer(backend.notices.list_notices(&actor).await)
}

#[server(endpoint = "notices/dismiss_notice")]
pub async fn dismiss_notice(id: NoticeId) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.notices.dismiss_notice(&actor, id).await)
}

#[server(endpoint = "notices/read_mail_settings")]
pub async fn read_mail_settings() -> ApiResult<MailSettings> {
    let (backend, actor) = call()?;
    answer(backend.notices.read_mail_settings(&actor).await)
}

#[server(endpoint = "notices/switch_mail")]
pub async fn switch_mail(kind: NoticeKind, is_on: bool) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.notices.switch_mail(&actor, kind, is_on).await)
}
