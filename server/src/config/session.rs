use std::time::Duration;

use super::{ConfigError, Env};

/// How long people stay signed in.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// A session nobody used for so long ends. Read from `SESSION_IDLE_DAYS`. Default 14.
    pub idle: Duration,
    /// Every session ends after this. Read from `SESSION_MAX_DAYS`. Default 90.
    pub max: Duration,
}

impl SessionConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self { idle: env.days_or("SESSION_IDLE_DAYS", 14)?, max: env.days_or("SESSION_MAX_DAYS", 90)? })
    }
}
