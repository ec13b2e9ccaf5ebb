use secrecy::SecretString;

use super::{ConfigError, Env};

/// Redis, for request rates only: losing it never loses money or messages.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// Read from `REDIS_URL`.
    pub url: SecretString,
    /// Goes before every key. Read from `REDIS_KEY_PREFIX`. Default `plumbline:`.
    pub key_prefix: String,
}

impl RedisConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            url: env.required_secret("REDIS_URL")?,
            key_prefix: env.text_or("REDIS_KEY_PREFIX", "plumbline:"),
        })
    }
}
