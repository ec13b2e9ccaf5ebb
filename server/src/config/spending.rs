use app::types::Nanos;

use super::{ConfigError, Env};

/// What all people together may spend.
#[derive(Clone, Debug)]
pub struct SpendingConfig {
    /// In a calendar day, in UTC. Read from `DAILY_CEILING_CENTS`. Default none.
    pub daily_ceiling: Option<Nanos>,
}

impl SpendingConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self { daily_ceiling: env.cents("DAILY_CEILING_CENTS")? })
    }
}
