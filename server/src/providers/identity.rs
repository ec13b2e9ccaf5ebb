//! The seam to identity providers: who somebody is, proved by OAuth's authorization code flow with PKCE.

mod github;
mod http;
mod oidc;

use async_trait::async_trait;
use url::Url;

pub use github::Github;
pub use oidc::Oidc;

/// Somebody, as an identity provider knows them. `issuer` and `subject` together are the identity.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    pub display_name: String,
    pub email: Option<String>,
    pub email_verified: bool,
}

/// Where to send a browser to sign in, and what must be kept until it returns.
pub struct Authorization {
    pub url: Url,
    pub state: String,
    pub nonce: String,
    pub pkce_verifier: String,
}

/// What was kept, for the return.
pub struct Callback<'a> {
    pub code: String,
    pub redirect_uri: &'a Url,
    pub nonce: String,
    pub pkce_verifier: String,
}

/// The texts are for logs and hold no secrets.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The provider is away or broken: trying again may help.
    #[error("the identity provider is unavailable: {0}")]
    Unavailable(String),
    /// What it said does not prove who somebody is.
    #[error("the identity was not proved: {0}")]
    NotProved(String),
}

#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// In our URLs.
    fn key(&self) -> &str;

    /// For people.
    fn name(&self) -> &str;

    /// # Errors
    /// When the provider must be asked where to go and does not answer.
    async fn authorize(&self, redirect_uri: &Url) -> Result<Authorization, IdentityError>;

    /// Exchanges the code for the proof of who somebody is, and checks it.
    ///
    /// # Errors
    /// When the provider is away, or the proof does not hold.
    async fn identify(&self, callback: Callback<'_>) -> Result<Identity, IdentityError>;
}
