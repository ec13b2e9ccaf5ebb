use secrecy::SecretString;
use url::Url;

use super::{ConfigError, Env};

/// The identity providers people can sign in with: a button appears for each one that is configured.
#[derive(Clone, Debug)]
pub struct SignInConfig {
    /// Google (`GOOGLE_CLIENT_ID`, `GOOGLE_CLIENT_SECRET`) and one provider of your own (`OIDC_*`).
    pub oidc: Vec<OidcConfig>,
    pub github: Option<GithubConfig>,
}

/// A provider that speaks OpenID Connect and can be discovered.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// In our URLs: `google` or `oidc`.
    pub key: &'static str,
    /// On the button. Read from `OIDC_NAME`. Default `single sign-on`.
    pub name: String,
    /// Read from `OIDC_ISSUER`, or from `GOOGLE_ISSUER` (default <https://accounts.google.com>).
    pub issuer: Url,
    /// Read from `OIDC_CLIENT_ID` or `GOOGLE_CLIENT_ID`.
    pub client_id: String,
    /// Read from `OIDC_CLIENT_SECRET` or `GOOGLE_CLIENT_SECRET`.
    pub client_secret: SecretString,
}

/// GitHub speaks OAuth 2.0 only: who somebody is, is asked of its API.
#[derive(Clone, Debug)]
pub struct GithubConfig {
    /// Read from `GITHUB_CLIENT_ID`.
    pub client_id: String,
    /// Read from `GITHUB_CLIENT_SECRET`.
    pub client_secret: SecretString,
    /// Read from `GITHUB_URL`, for GitHub Enterprise. Default <https://github.com>.
    pub url: Url,
    /// Read from `GITHUB_API_URL`. Default <https://api.github.com>.
    pub api_url: Url,
}

impl SignInConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let oidc = [google(env)?, own_provider(env)?].into_iter().flatten().collect();
        Ok(Self { oidc, github: github(env)? })
    }
}

fn google(env: &Env) -> Result<Option<OidcConfig>, ConfigError> {
    let Some(client_id) = env.text("GOOGLE_CLIENT_ID") else { return Ok(None) };
    Ok(Some(OidcConfig {
        key: "google",
        name: "Google".to_owned(),
        issuer: env.url_or("GOOGLE_ISSUER", "https://accounts.google.com")?,
        client_id,
        client_secret: env.required_secret("GOOGLE_CLIENT_SECRET")?,
    }))
}

fn own_provider(env: &Env) -> Result<Option<OidcConfig>, ConfigError> {
    if env.text("OIDC_ISSUER").is_none() {
        return Ok(None);
    }
    Ok(Some(OidcConfig {
        key: "oidc",
        name: env.text_or("OIDC_NAME", "single sign-on"),
        issuer: env.url_or("OIDC_ISSUER", "")?,
        client_id: env.required("OIDC_CLIENT_ID")?,
        client_secret: env.required_secret("OIDC_CLIENT_SECRET")?,
    }))
}

fn github(env: &Env) -> Result<Option<GithubConfig>, ConfigError> {
    let Some(client_id) = env.text("GITHUB_CLIENT_ID") else { return Ok(None) };
    Ok(Some(GithubConfig {
        client_id,
        client_secret: env.required_secret("GITHUB_CLIENT_SECRET")?,
        url: env.url_or("GITHUB_URL", "https://github.com")?,
        api_url: env.url_or("GITHUB_API_URL", "https://api.github.com")?,
    }))
}
