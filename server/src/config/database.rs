use std::time::Duration;

use secrecy::SecretString;

use super::{ConfigError, Env};

/// PostgreSQL, the authority for everything that must not be lost.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// Read from `DATABASE_URL`. TLS follows its `sslmode`.
    pub url: SecretString,
    /// Connections of one process. Read from `DATABASE_POOL_SIZE`. Default 10: no connection is held while a model
    /// answers, so this bounds queries at a time, not replies.
    pub pool_size: u32,
    /// How long a request waits for a connection before it is answered with 503. Read from
    /// `DATABASE_POOL_WAIT_SECONDS`. Default 3.
    pub pool_wait: Duration,
    /// After how long PostgreSQL ends a statement. Read from `DATABASE_STATEMENT_TIMEOUT_SECONDS`. Default 10.
    pub statement_timeout: Duration,
}

impl DatabaseConfig {
    /// Also used alone, by the commands that need nothing else.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            url: env.required_secret("DATABASE_URL")?,
            pool_size: env.positive_or("DATABASE_POOL_SIZE", 10)?,
            pool_wait: env.seconds_or("DATABASE_POOL_WAIT_SECONDS", 3)?,
            statement_timeout: env.seconds_or("DATABASE_STATEMENT_TIMEOUT_SECONDS", 10)?,
        })
    }
}
