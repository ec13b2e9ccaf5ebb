//! Which mails somebody gets: chosen on the account page, or by a link in a mail.
//!
//! A link holds 256 random bits, made for that one mail, of which only the hash is kept, as of a session's token. So
//! whoever reads the database can follow no link, no further secret has to be configured, and a link opens nothing but
//! its reader's switches.

use app::ApiError;
use app::types::{MailRoute, MailSettings, MailSwitch, NoticeKind, UserId};

use super::NoticeService;
use crate::AppResult;
use crate::secret::{self, Token};
use crate::store::{Connection, StoreResult, mail, users};

impl NoticeService {
    pub(super) async fn settings_of(&self, user_id: UserId) -> AppResult<MailSettings> {
        let mut conn = self.db.get().await?;
        let user = users::find(&mut conn, user_id).await?;
        let route = match (&self.mailer, user.email.is_some() && user.has_verified_email) {
            (None, _) => MailRoute::NoMail,
            (Some(_), true) => MailRoute::Mail,
            (Some(_), false) => MailRoute::NoAddress,
        };
        Ok(MailSettings { route, switches: switches(&mut conn, user_id).await? })
    }

    /// Turns mails of a kind on or off.
    ///
    /// # Errors
    /// Invalid: mails of this kind are always sent.
    pub(super) async fn switch(&self, user_id: UserId, kind: NoticeKind, is_on: bool) -> AppResult<()> {
        if !kind.is_optional() {
            return Err(ApiError::invalid("These mails are about your payments and are always sent.").into());
        }
        Ok(mail::switch(&mut *self.db.get().await?, user_id, kind, is_on).await?)
    }

    /// The switches of whoever a mail's link was made for.
    ///
    /// # Errors
    /// Not found: no mail of the last year had this link.
    pub(crate) async fn switches_by_link(&self, token: &str) -> AppResult<Vec<MailSwitch>> {
        let user_id = self.reader_of_link(token).await?;
        Ok(switches(&mut *self.db.get().await?, user_id).await?)
    }

    /// Turns a kind on or off by a mail's link.
    ///
    /// # Errors
    /// As of both above.
    pub(crate) async fn switch_by_link(&self, token: &str, kind: NoticeKind, is_on: bool) -> AppResult<()> {
        let user_id = self.reader_of_link(token).await?;
        self.switch(user_id, kind, is_on).await
    }

    async fn reader_of_link(&self, token: &str) -> AppResult<UserId> {
        let found = mail::find_by_link(&mut *self.db.get().await?, &secret::hash(token)).await?;
        Ok(found.ok_or(ApiError::NotFound)?)
    }

    /// A new link's token.
    pub(super) async fn make_link(conn: &mut Connection, user_id: UserId) -> StoreResult<Token> {
        let token = Token::random();
        mail::insert_link(conn, user_id, &secret::hash(token.as_str())).await?;
        Ok(token)
    }
}

async fn switches(conn: &mut Connection, user_id: UserId) -> StoreResult<Vec<MailSwitch>> {
    let off = mail::list_opt_outs(conn, user_id).await?;
    let optional = NoticeKind::ALL.into_iter().filter(|kind| kind.is_optional());
    Ok(optional.map(|kind| MailSwitch { kind, is_on: !off.contains(&kind) }).collect())
}
