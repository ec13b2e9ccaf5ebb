//! Notices: told by mail where there is a verified address and the mail is wanted, else in the app. Whatever causes one
//! writes it down ([`crate::store::notices`]); a job delivers it.

mod delivery;
mod letter;
mod preferences;
mod wording;

use app::ApiResult;
use app::api::NoticesApi;
use app::types::{AccountId, Actor, MailSettings, Notice, NoticeId, NoticeKind, ToldNotice};
use async_trait::async_trait;
use url::Url;

use self::wording::words;
use super::plans::Plans;
use crate::AppResult;
use crate::error::reported;
use crate::providers::mail::Mailer;
use crate::store::notices::{self, Facts, NoticeRow};
use crate::store::{Db, StoreResult};

#[derive(Clone)]
pub struct NoticeService {
    db: Db,
    plans: Plans,
    /// None: no mail is sent.
    mailer: Option<Mailer>,
    public_url: Url,
}

impl NoticeService {
    pub fn new(db: Db, plans: Plans, mailer: Option<Mailer>, public_url: Url) -> Self {
        Self { db, plans, mailer, public_url }
    }

    async fn list(&self, account_id: AccountId) -> StoreResult<Vec<Notice>> {
        let mut kinds = NoticeKind::ALL.to_vec();
        kinds.retain(|kind| kind.is_told_by_notice_only());
        let rows = notices::list_kept(&mut *self.db.get().await?, account_id, &kinds).await?;
        Ok(rows.into_iter().filter_map(|row| self.to_notice(row)).collect())
    }

    /// The newest, however they were told, for operators.
    pub(super) async fn told(&self, account_id: AccountId) -> StoreResult<Vec<ToldNotice>> {
        let rows = notices::list(&mut *self.db.get().await?, account_id).await?;
        let title = |facts| {
            let facts: Result<Facts, _> = serde_json::from_value(facts);
            facts.map_or_else(|_| "Something newer".to_owned(), |facts| words(&facts, &self.plans).subject)
        };
        let told = |row: notices::ToldRow| ToldNotice {
            kind: row.kind.parse().ok(),
            title: title(row.facts),
            created_at: row.created_at,
            mailed_at: row.mailed_at,
            kept_at: row.kept_at,
        };
        Ok(rows.into_iter().map(told).collect())
    }

    /// None: a newer version wrote it, which can tell it.
    fn to_notice(&self, row: NoticeRow) -> Option<Notice> {
        let facts: Facts = serde_json::from_value(row.facts).ok()?;
        let words = words(&facts, &self.plans);
        Some(Notice {
            id: NoticeId(row.id),
            title: words.subject,
            text: words.sentences.join(" "),
            created_at: row.created_at,
        })
    }

    async fn dismiss(&self, account_id: AccountId, id: NoticeId) -> AppResult<()> {
        Ok(notices::dismiss(&mut *self.db.get().await?, account_id, id).await?)
    }
}

#[async_trait]
impl NoticesApi for NoticeService {
    async fn list_notices(&self, actor: &Actor) -> ApiResult<Vec<Notice>> {
        let user = actor.reader()?;
        reported(actor, async { Ok(self.list(user.account_id).await?) }).await
    }

    async fn dismiss_notice(&self, actor: &Actor, id: NoticeId) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.dismiss(user.account_id, id)).await
    }

    async fn read_mail_settings(&self, actor: &Actor) -> ApiResult<MailSettings> {
        let user = actor.reader()?;
        reported(actor, self.settings_of(user.user_id)).await
    }

    async fn switch_mail(&self, actor: &Actor, kind: NoticeKind, is_on: bool) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.switch(user.user_id, kind, is_on)).await
    }
}
