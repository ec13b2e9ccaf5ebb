//! OpenID Connect by discovery. <https://openid.net/specs/openid-connect-core-1_0.html>

use std::time::{Duration, Instant};

use async_trait::async_trait;
use oauth2::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope,
};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdTokenClaims, CoreProviderMetadata, CoreTokenResponse,
};
use openidconnect::{
    ClaimsVerificationError, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, TokenResponse,
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::sync::RwLock;
use url::Url;

use super::http::{SendError, client, send};
use super::{Authorization, Callback, Identity, IdentityError, IdentityProvider};
use crate::config::OidcConfig;

/// Providers change their keys over days, with an overlap.
const DISCOVERY_TTL: Duration = Duration::from_secs(3600);

/// A client after discovery: the authorization endpoint is known, the others may be.
type DiscoveredClient = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider that can be discovered, such as Google.
pub struct Oidc {
    config: OidcConfig,
    http: reqwest::Client,
    discovered: RwLock<Option<(Instant, CoreProviderMetadata)>>,
}

impl Oidc {
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(config: OidcConfig) -> Result<Self, reqwest::Error> {
        Ok(Self { config, http: client()?, discovered: RwLock::new(None) })
    }

    async fn client(&self, redirect_uri: &Url) -> Result<DiscoveredClient, IdentityError> {
        let client = CoreClient::from_provider_metadata(
            self.metadata().await?,
            ClientId::new(self.config.client_id.clone()),
            Some(ClientSecret::new(self.config.client_secret.expose_secret().to_owned())),
        );
        Ok(client.set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone())))
    }

    async fn metadata(&self) -> Result<CoreProviderMetadata, IdentityError> {
        if let Some((at, metadata)) = &*self.discovered.read().await
            && at.elapsed() < DISCOVERY_TTL
        {
            return Ok(metadata.clone());
        }
        let issuer = IssuerUrl::new(self.config.issuer.as_str().trim_end_matches('/').to_owned())
            .map_err(|error| IdentityError::Unavailable(error.to_string()))?;
        let metadata =
            CoreProviderMetadata::discover_async(issuer, &|request| send(self.http.clone(), request))
                .await
                .map_err(|error| IdentityError::Unavailable(format!("discovery failed: {error}")))?;
        *self.discovered.write().await = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    /// The claims of the id_token, its signature, issuer, audience, expiry and nonce checked. A signature that does not
    /// hold may be made with a key newer than those we know, so discovery is repeated once.
    async fn verify(
        &self,
        token: &CoreTokenResponse,
        callback: &Callback<'_>,
    ) -> Result<CoreIdTokenClaims, IdentityError> {
        let id_token = token.id_token().ok_or_else(|| IdentityError::NotProved("no id_token".to_owned()))?;
        let nonce = Nonce::new(callback.nonce.clone());
        let client = self.client(callback.redirect_uri).await?;
        match id_token.claims(&client.id_token_verifier(), &nonce) {
            Ok(claims) => return Ok(claims.clone()),
            Err(ClaimsVerificationError::SignatureVerification(_)) => *self.discovered.write().await = None,
            Err(error) => return Err(IdentityError::NotProved(error.to_string())),
        }
        let client = self.client(callback.redirect_uri).await?;
        let claims = id_token.claims(&client.id_token_verifier(), &nonce);
        claims.cloned().map_err(|error| IdentityError::NotProved(error.to_string()))
    }
}

#[async_trait]
impl IdentityProvider for Oidc {
    fn key(&self) -> &str {
        self.config.key
    }

    fn name(&self) -> &str {
        &self.config.name
    }

    async fn authorize(&self, redirect_uri: &Url) -> Result<Authorization, IdentityError> {
        let client = self.client(redirect_uri).await?;
        let (challenge, pkce_verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(["email", "profile"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        Ok(Authorization {
            url,
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            pkce_verifier: pkce_verifier.secret().clone(),
        })
    }

    async fn identify(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        let token = self
            .client(callback.redirect_uri)
            .await?
            .exchange_code(AuthorizationCode::new(callback.code.clone()))
            .map_err(|error| IdentityError::Unavailable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(callback.pkce_verifier.clone()))
            .request_async(&|request| send(self.http.clone(), request))
            .await
            .map_err(token_error)?;
        let claims = self.verify(&token, &callback).await?;
        let name = claims.name().and_then(|names| names.get(None)).map(|name| name.as_str().to_owned());
        let email = claims.email().map(|email| email.as_str().to_owned());
        Ok(Identity {
            issuer: claims.issuer().as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
            display_name: name.or_else(|| email.clone()).unwrap_or_else(|| "You".to_owned()),
            email_verified: email.is_some() && claims.email_verified() == Some(true),
            email,
        })
    }
}

/// The error of an OAuth answer (RFC 6749, section 5.2), whatever its kind.
#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "error")]
    _kind: String,
}

/// A refusal by the provider proves nothing; silence may pass. Its texts may quote the code, so they stay out.
pub(super) fn token_error<T>(error: RequestTokenError<SendError, T>) -> IdentityError
where
    T: oauth2::ErrorResponse + 'static,
{
    match error {
        RequestTokenError::ServerResponse(_) => {
            IdentityError::NotProved("the provider refused the code".to_owned())
        }
        RequestTokenError::Request(error) => IdentityError::Unavailable(error.to_string()),
        // GitHub refuses with status 200.
        RequestTokenError::Parse(_, body) if serde_json::from_slice::<Refusal>(&body).is_ok() => {
            IdentityError::NotProved("the provider refused the code".to_owned())
        }
        RequestTokenError::Parse(..) => {
            IdentityError::Unavailable("the token answer makes no sense".to_owned())
        }
        RequestTokenError::Other(text) => IdentityError::Unavailable(text),
    }
}
