use secrecy::SecretString;
use url::Url;

use super::{ConfigError, Env};

/// Where it is told what people think of replies.
#[derive(Clone, Debug)]
pub struct LangfuseConfig {
    /// Read from `LANGFUSE_HOST`. Default <https://cloud.langfuse.com>.
    pub host: Url,
    /// Read from `LANGFUSE_PUBLIC_KEY`. Not set: nowhere.
    pub public_key: String,
    /// Read from `LANGFUSE_SECRET_KEY`.
    pub secret_key: SecretString,
}

impl LangfuseConfig {
    pub(super) fn from_env(env: &Env) -> Result<Option<Self>, ConfigError> {
        let Some(public_key) = env.text("LANGFUSE_PUBLIC_KEY") else { return Ok(None) };
        Ok(Some(Self {
            host: env.url_or("LANGFUSE_HOST", "https://cloud.langfuse.com")?,
            public_key,
            secret_key: env.required_secret("LANGFUSE_SECRET_KEY")?,
        }))
    }
}
