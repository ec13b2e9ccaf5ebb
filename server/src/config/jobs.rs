use super::{ConfigError, Env};

/// Work done beside the requests.
#[derive(Clone, Copy, Debug)]
pub struct JobsConfig {
    /// Jobs a process runs at a time. Read from `JOB_CONCURRENCY`. Default 4.
    pub concurrency: u32,
}

impl JobsConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self { concurrency: env.positive_or("JOB_CONCURRENCY", 4)? })
    }
}
