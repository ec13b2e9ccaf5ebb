//! GitHub: OAuth 2.0, and its API for who somebody is.
//! <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>

use async_trait::async_trait;
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse, TokenUrl,
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::http::{client, send};
use super::oidc::token_error;
use super::{Authorization, Callback, Identity, IdentityError, IdentityProvider};
use crate::config::GithubConfig;

type GithubClient = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

pub struct Github {
    config: GithubConfig,
    http: reqwest::Client,
}

impl Github {
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(config: GithubConfig) -> Result<Self, reqwest::Error> {
        Ok(Self { config, http: client()? })
    }

    fn client(&self, redirect_uri: &Url) -> GithubClient {
        BasicClient::new(ClientId::new(self.config.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.config.client_secret.expose_secret().to_owned()))
            .set_auth_uri(AuthUrl::from_url(below(&self.config.url, &["login", "oauth", "authorize"])))
            .set_token_uri(TokenUrl::from_url(below(&self.config.url, &["login", "oauth", "access_token"])))
            .set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone()))
    }

    async fn get<T: DeserializeOwned>(&self, token: &str, path: &[&str]) -> Result<T, IdentityError> {
        let url = below(&self.config.api_url, path);
        let request = self.http.get(url).bearer_auth(token).header("accept", "application/vnd.github+json");
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

#[derive(Deserialize)]
struct GithubUser {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct GithubEmail {
    email: String,
    primary: bool,
    verified: bool,
}

#[async_trait]
impl IdentityProvider for Github {
    fn key(&self) -> &str {
        "github"
    }

    fn name(&self) -> &str {
        "GitHub"
    }

    async fn authorize(&self, redirect_uri: &Url) -> Result<Authorization, IdentityError> {
        let (challenge, pkce_verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client(redirect_uri);
        let (url, state) = client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(["read:user", "user:email"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        // There is no id_token to bind a nonce to.
        let nonce = String::new();
        Ok(Authorization {
            url,
            state: state.secret().clone(),
            nonce,
            pkce_verifier: pkce_verifier.secret().clone(),
        })
    }

    async fn identify(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        let token = self
            .client(callback.redirect_uri)
            .exchange_code(AuthorizationCode::new(callback.code))
            .set_pkce_verifier(PkceCodeVerifier::new(callback.pkce_verifier))
            .request_async(&|request| send(self.http.clone(), request))
            .await
            .map_err(token_error)?;
        let token = token.access_token().secret();
        let user: GithubUser = self.get(token, &["user"]).await?;
        let emails: Vec<GithubEmail> = self.get(token, &["user", "emails"]).await?;
        let email = emails.into_iter().find(|email| email.primary);
        Ok(Identity {
            issuer: self.config.url.as_str().trim_end_matches('/').to_owned(),
            subject: user.id.to_string(),
            display_name: user.name.filter(|name| !name.trim().is_empty()).unwrap_or(user.login),
            email_verified: email.as_ref().is_some_and(|email| email.verified),
            email: email.map(|email| email.email),
        })
    }
}
