use url::Url;

use super::{ConfigError, Env};

/// Where people reach whoever runs the product, and what they agree to.
#[derive(Clone, Debug)]
pub struct LinksConfig {
    /// Where people get help: a page, or an address for mail as `mailto:help@example.com`. Read from `SUPPORT_URL`.
    pub support: Option<Url>,
    /// Read from `TERMS_URL`.
    pub terms: Option<Url>,
    /// Read from `PRIVACY_URL`.
    pub privacy: Option<Url>,
}

impl LinksConfig {
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            support: link(env, "SUPPORT_URL", &["https", "http", "mailto"])?,
            terms: link(env, "TERMS_URL", &["https", "http"])?,
            privacy: link(env, "PRIVACY_URL", &["https", "http"])?,
        })
    }
}

fn link(env: &Env, variable: &'static str, schemes: &[&str]) -> Result<Option<Url>, ConfigError> {
    let url: Option<Url> = env.parsed(variable)?;
    match url {
        Some(url) if !schemes.contains(&url.scheme()) => {
            let problem = format!("must be {}, not {}", schemes.join(" or "), url.scheme());
            Err(ConfigError { variable, problem })
        }
        url => Ok(url),
    }
}
