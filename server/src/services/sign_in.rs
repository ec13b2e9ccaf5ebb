//! Signing in: from the button to the session.

mod return_to;

use std::sync::Arc;
use std::time::Duration;

use app::ApiError;
use app::types::{Actor, AuditKind, SignInMethod, UserId};
use chrono::Utc;
use url::Url;

pub(crate) use self::return_to::ReturnTo;
use super::account::{AccountService, Browser};
use super::switches::SwitchService;
use crate::AppResult;
use crate::config::OperatorsConfig;
use crate::providers::identity::{Callback, Identity, IdentityError, IdentityProvider};
use crate::secret::{self, Token};
use crate::store::audit::NewAuditEvent;
use crate::store::sign_in_flows::SignInFlowRow;
use crate::store::users::NewIdentity;
use crate::store::{Db, audit, operators, sign_in_flows, users};

/// How long somebody may take at the identity provider.
const FLOW_LIFETIME: Duration = Duration::from_secs(600);

const MAX_NAME_CHARS: usize = 100;

#[derive(Clone)]
pub struct SignInService {
    db: Db,
    providers: Arc<[Box<dyn IdentityProvider>]>,
    public_url: Url,
    account: AccountService,
    default_plan: String,
    operators: Arc<OperatorsConfig>,
    switches: SwitchService,
}

/// A sign-in that ended without a session.
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    /// Where the next try should lead.
    pub(crate) return_to: ReturnTo,
}

/// Why.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The person said no at the provider.
    Declined,
    /// Not begun in this browser, begun too long ago, or used before.
    Stale,
    /// The provider's answer does not prove who somebody is.
    NotProved,
    /// The provider is away.
    ProviderUnavailable,
    /// Who they are is clear, but operators let nobody new in.
    SignUpClosed,
}

/// What the provider sent the browser back with.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub(crate) struct CallbackQuery {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// A finished sign-in.
pub(crate) struct SignIn {
    pub(crate) session_token: Token,
    pub(crate) return_to: ReturnTo,
}

/// The buttons for these providers.
pub(crate) fn methods(providers: &[Box<dyn IdentityProvider>]) -> Vec<SignInMethod> {
    providers
        .iter()
        .map(|provider| SignInMethod { key: provider.key().to_owned(), name: provider.name().to_owned() })
        .collect()
}

impl SignInService {
    pub(crate) fn new(
        db: Db,
        providers: Arc<[Box<dyn IdentityProvider>]>,
        public_url: Url,
        account: AccountService,
        default_plan: String,
        operators: OperatorsConfig,
        switches: SwitchService,
    ) -> Self {
        Self { db, providers, public_url, account, default_plan, operators: Arc::new(operators), switches }
    }

    /// Where to send the browser, which is known by the token in its cookie. None: no such provider.
    pub(crate) async fn begin(
        &self,
        key: &str,
        browser_token: &str,
        return_to: ReturnTo,
    ) -> AppResult<Option<Url>> {
        let Some(provider) = self.provider(key) else { return Ok(None) };
        let authorization = provider.authorize(&self.redirect_uri(key)).await?;
        let flow = SignInFlowRow {
            state_hash: secret::hash(&authorization.state),
            browser_hash: secret::hash(browser_token),
            provider_key: key.to_owned(),
            nonce: authorization.nonce,
            pkce_verifier: authorization.pkce_verifier,
            return_to: return_to.into_string(),
            expires_at: Utc::now() + FLOW_LIFETIME,
        };
        sign_in_flows::insert(&mut *self.db.get().await?, &flow).await?;
        Ok(Some(authorization.url))
    }

    /// Turns the provider's answer into a session. Every ending leaves an audit row, unless there is no such provider: nobody
    /// writes words of their own into the audit log.
    pub(crate) async fn complete(
        &self,
        key: &str,
        query: CallbackQuery,
        browser_token: Option<&str>,
        browser: Browser<'_>,
        actor: &Actor,
    ) -> AppResult<Result<SignIn, Refused>> {
        let provider = self.provider(key).ok_or(ApiError::NotFound)?;
        let Some(flow) = self.take_flow(key, &query, browser_token).await? else {
            return Ok(Err(self.refuse(key, Refusal::Stale, ReturnTo::default(), actor).await?));
        };
        let return_to = ReturnTo::parse(&flow.return_to);
        match self.prove(provider, query, flow).await {
            Ok(identity) if !self.may_enter(&identity).await? => {
                Ok(Err(self.refuse(key, Refusal::SignUpClosed, return_to, actor).await?))
            }
            Ok(identity) => {
                let user_id = self.save(provider, &identity).await?;
                self.make_operator(&identity, user_id, actor).await?;
                let event = NewAuditEvent {
                    user_id: Some(user_id),
                    detail: key,
                    ..NewAuditEvent::of_request(actor, AuditKind::SignedIn)
                };
                let session_token = self.account.start_session(user_id, browser, event).await?;
                Ok(Ok(SignIn { session_token, return_to }))
            }
            Err(refusal) => Ok(Err(self.refuse(key, refusal, return_to, actor).await?)),
        }
    }

    async fn refuse(
        &self,
        key: &str,
        refusal: Refusal,
        return_to: ReturnTo,
        actor: &Actor,
    ) -> AppResult<Refused> {
        let detail = format!("{key}: {refusal:?}");
        let event =
            NewAuditEvent { detail: &detail, ..NewAuditEvent::of_request(actor, AuditKind::SignInRefused) };
        audit::insert(&mut *self.db.get().await?, event).await?;
        Ok(Refused { refusal, return_to })
    }

    /// The flow this answer belongs to, used up. None unless it began in the same browser.
    async fn take_flow(
        &self,
        key: &str,
        query: &CallbackQuery,
        browser_token: Option<&str>,
    ) -> AppResult<Option<SignInFlowRow>> {
        let (Some(state), Some(browser_token)) = (&query.state, browser_token) else { return Ok(None) };
        let flow = sign_in_flows::take(&mut *self.db.get().await?, &secret::hash(state)).await?;
        let is_ours = |flow: &SignInFlowRow| {
            flow.browser_hash == secret::hash(browser_token) && flow.provider_key == key
        };
        Ok(flow.filter(is_ours))
    }

    async fn prove(
        &self,
        provider: &dyn IdentityProvider,
        query: CallbackQuery,
        flow: SignInFlowRow,
    ) -> Result<Identity, Refusal> {
        let code = match (query.code, query.error.as_deref()) {
            (Some(code), None) => code,
            (_, Some("access_denied")) => return Err(Refusal::Declined),
            _ => return Err(Refusal::NotProved),
        };
        let redirect_uri = self.redirect_uri(provider.key());
        let callback = Callback {
            code,
            redirect_uri: &redirect_uri,
            nonce: flow.nonce,
            pkce_verifier: flow.pkce_verifier,
        };
        provider.identify(callback).await.map_err(|error| {
            tracing::warn!(provider = provider.key(), %error, "Sign-in failed at the identity provider");
            match error {
                IdentityError::Unavailable(_) => Refusal::ProviderUnavailable,
                IdentityError::NotProved(_) => Refusal::NotProved,
            }
        })
    }

    /// While sign-up is closed: those who have an account, and those the settings name as operators.
    async fn may_enter(&self, identity: &Identity) -> AppResult<bool> {
        if !self.switches.read().await.sign_up_closed
            || self.operators.names(&identity.issuer, &identity.subject)
        {
            return Ok(true);
        }
        Ok(users::is_known(&mut *self.db.get().await?, &identity.issuer, &identity.subject).await?)
    }

    async fn save(&self, provider: &dyn IdentityProvider, identity: &Identity) -> AppResult<UserId> {
        let display_name: String = identity.display_name.trim().chars().take(MAX_NAME_CHARS).collect();
        let new = NewIdentity {
            issuer: &identity.issuer,
            subject: &identity.subject,
            provider_name: provider.name(),
            display_name: &display_name,
            email: identity.email.as_deref(),
            email_verified: identity.email_verified,
        };
        Ok(users::find_or_insert(&mut *self.db.get().await?, new, &self.default_plan).await?)
    }

    /// As the settings say.
    async fn make_operator(&self, identity: &Identity, user_id: UserId, actor: &Actor) -> AppResult<()> {
        if self.operators.names(&identity.issuer, &identity.subject) {
            let mut conn = self.db.get().await?;
            operators::set(&mut conn, user_id, true, "named in OPERATORS", &actor.request_id).await?;
        }
        Ok(())
    }

    fn provider(&self, key: &str) -> Option<&dyn IdentityProvider> {
        self.providers.iter().find(|provider| provider.key() == key).map(AsRef::as_ref)
    }

    fn redirect_uri(&self, key: &str) -> Url {
        let mut url = self.public_url.clone();
        url.set_path(&format!("/auth/{key}/callback"));
        url
    }
}
