//! People and their sessions.

use std::time::Duration;

use app::ApiResult;
use app::api::AccountApi;
use app::types::{Actor, AuditKind, Session, SessionId, SignInMethod, SignedIn, User, UserId};
use async_trait::async_trait;

use crate::config::SessionConfig;
use crate::error::reported;
use crate::secret::{self, Token};
use crate::store::audit::NewAuditEvent;
use crate::store::sessions::{NewSession, SessionRow};
use crate::store::{Db, sessions, users, visits};
use crate::{AppError, AppResult};

/// What is kept of a browser's description of itself.
const MAX_USER_AGENT_CHARS: usize = 300;

#[derive(Clone)]
pub struct AccountService {
    db: Db,
    config: SessionConfig,
    sign_in_methods: Vec<SignInMethod>,
}

impl AccountService {
    pub fn new(db: Db, config: SessionConfig, sign_in_methods: Vec<SignInMethod>) -> Self {
        Self { db, config, sign_in_methods }
    }

    /// How long a session lasts at most.
    pub(crate) fn session_lifetime(&self) -> Duration {
        self.config.max
    }

    /// Who a session's token belongs to; None when it is no good (any more).
    pub(crate) async fn authenticate(&self, token: &str) -> AppResult<Option<SignedIn>> {
        let mut conn = self.db.get().await?;
        Ok(sessions::authenticate(&mut conn, &secret::hash(token), self.config.idle).await?)
    }

    /// Starts a session and ends the one this browser had, so that a token never survives a sign-in. `event` goes into the
    /// audit log with it.
    pub(crate) async fn start_session(
        &self,
        user_id: UserId,
        browser: Browser<'_>,
        event: NewAuditEvent<'_>,
    ) -> AppResult<Token> {
        let token = Token::random();
        let replaced = browser.session_token.map(secret::hash);
        let user_agent: String = browser.user_agent.chars().take(MAX_USER_AGENT_CHARS).collect();
        let session = NewSession {
            token_hash: &secret::hash(token.as_str()),
            user_id,
            user_agent: &user_agent,
            lifetime: self.config.max,
        };
        sessions::begin(&mut *self.db.get().await?, session, replaced.as_deref(), event).await?;
        Ok(token)
    }

    /// A person's live sessions, the last seen first; `current` is the one of whoever asks.
    pub(super) async fn sessions_of(&self, user_id: UserId, current: SessionId) -> AppResult<Vec<Session>> {
        let rows = sessions::list(&mut *self.db.get().await?, user_id, self.config.idle).await?;
        Ok(rows.into_iter().map(|row| to_session(row, current)).collect())
    }

    /// Ends sessions of whoever the one that asks belongs to: of the operator, while they look at the product as somebody
    /// else.
    async fn end(&self, actor: &Actor, user: SignedIn, which: Ending) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let owner = user.session_owner();
        let kind = match which {
            Ending::Everywhere => AuditKind::SignedOutEverywhere,
            Ending::One(id) if id == user.session_id => AuditKind::SignedOut,
            Ending::One(_) => AuditKind::SessionRevoked,
        };
        let event = NewAuditEvent {
            user_id: Some(owner),
            account_id: Some(users::find_account(&mut conn, owner).await?),
            ..NewAuditEvent::of_request(actor, kind)
        };
        match which {
            Ending::Everywhere => sessions::end_all(&mut conn, owner, event).await?,
            Ending::One(id) => {
                if !sessions::end(&mut conn, owner, id, event).await? {
                    return Err(app::ApiError::NotFound.into());
                }
            }
        }
        Ok(())
    }
}

/// The browser somebody signs in with.
#[derive(Clone, Copy)]
pub(crate) struct Browser<'a> {
    pub(crate) session_token: Option<&'a str>,
    pub(crate) user_agent: &'a str,
}

enum Ending {
    One(SessionId),
    Everywhere,
}

#[async_trait]
impl AccountApi for AccountService {
    async fn read_user(&self, actor: &Actor) -> ApiResult<Option<User>> {
        let Some(user) = actor.signed_in else { return Ok(None) };
        let mut found =
            reported(actor, async { Ok(users::find(&mut *self.db.get().await?, user.user_id).await?) })
                .await?;
        found.is_operator = user.is_operator;
        found.viewing = user.impersonator.map(|operator| operator.viewing);
        Ok(Some(found))
    }

    async fn list_sign_in_methods(&self) -> ApiResult<Vec<SignInMethod>> {
        Ok(self.sign_in_methods.clone())
    }

    async fn list_sessions(&self, actor: &Actor) -> ApiResult<Vec<Session>> {
        let user = actor.reader()?;
        let mut list = reported(actor, self.sessions_of(user.user_id, user.session_id)).await?;
        list.sort_by_key(|session| !session.is_current);
        Ok(list)
    }

    async fn revoke_session(&self, actor: &Actor, id: SessionId) -> ApiResult<()> {
        let user = actor.owner()?;
        reported(actor, self.end(actor, user, Ending::One(id))).await
    }

    async fn sign_out(&self, actor: &Actor) -> ApiResult<()> {
        // Also an operator who looks at the product as somebody else: what ends is their own.
        let Some(user) = actor.signed_in else { return Ok(()) };
        let ended = self.end(actor, user, Ending::One(user.session_id)).await;
        match ended {
            // Signed out from elsewhere in the same moment.
            Err(AppError::Api(app::ApiError::NotFound)) => Ok(()),
            other => reported(actor, async { other }).await,
        }
    }

    async fn sign_out_everywhere(&self, actor: &Actor) -> ApiResult<()> {
        let user = actor.owner()?;
        reported(actor, self.end(actor, user, Ending::Everywhere)).await
    }

    async fn end_visit(&self, actor: &Actor) -> ApiResult<Option<UserId>> {
        let user = actor.reader()?;
        reported(actor, async {
            let event = NewAuditEvent::of_request(actor, AuditKind::VisitEnded);
            Ok(visits::leave(&mut *self.db.get().await?, user.session_id, event).await?)
        })
        .await
    }
}

fn to_session(row: SessionRow, current: SessionId) -> Session {
    Session {
        id: SessionId(row.id),
        device: device(&row.user_agent),
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        is_current: SessionId(row.id) == current,
    }
}

/// "Firefox on Linux", as far as the user agent tells. The order matters: browsers claim to be each other.
fn device(user_agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn devices_are_named_for_people() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
        assert_eq!(device(chrome), "Chrome on Windows");
        assert_eq!(device(&format!("{chrome} Edg/130.0")), "Edge on Windows");
        assert_eq!(
            device("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1"),
            "Safari on iPhone"
        );
        assert_eq!(device("curl/8"), "Unknown device");
    }
}
