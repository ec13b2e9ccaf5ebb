use super::{ConfigError, Env};

/// The nightly audit of the money.
#[derive(Clone, Copy, Debug)]
pub struct AuditConfig {
    /// The hour of the day, in UTC, from which on it runs. Read from `AUDIT_HOUR_UTC`, 0 to 23. Default 3.
    pub hour_utc: u32,
}

impl AuditConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        const VARIABLE: &str = "AUDIT_HOUR_UTC";
        match env.parsed_or(VARIABLE, 3)? {
            hour_utc @ 0..24 => Ok(Self { hour_utc }),
            _ => Err(ConfigError { variable: VARIABLE, problem: "must be from 0 to 23".to_owned() }),
        }
    }
}
