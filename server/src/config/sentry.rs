use secrecy::ExposeSecret;
use sentry::types::Dsn;

use super::{ConfigError, Env, parse};

/// Where faults are reported.
#[derive(Clone, Debug)]
pub struct SentryConfig {
    /// Read from `SENTRY_DSN`. Not set: nowhere but in the log.
    pub dsn: Option<Dsn>,
    /// Which deployment this is. Read from `SENTRY_ENVIRONMENT`. Default `production`.
    pub environment: String,
}

impl SentryConfig {
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        const DSN: &str = "SENTRY_DSN";
        let dsn = env.secret(DSN).map(|secret| parse(DSN, secret.expose_secret())).transpose()?;
        Ok(Self { dsn, environment: env.text_or("SENTRY_ENVIRONMENT", "production") })
    }
}
