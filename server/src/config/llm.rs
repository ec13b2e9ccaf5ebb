use std::time::Duration;

use super::catalog::{ApiKeys, CatalogConfig};
use super::{ConfigError, Env};

/// The language models and their providers.
#[derive(Clone, Debug)]
pub struct LlmConfig {
    pub catalog: CatalogConfig,
    pub api_keys: ApiKeys,
    pub clocks: LlmClocks,
    /// Failures in a row after which a route is left alone for a while. Read from `LLM_BREAKER_FAILURES`. Default 5.
    pub breaker_failures: u32,
}

/// How long to wait for a provider at each stage.
#[derive(Clone, Copy, Debug)]
pub struct LlmClocks {
    /// Read from `LLM_CONNECT_TIMEOUT_SECONDS`. Default 5.
    pub connect: Duration,
    /// From sending the request to the first piece of text. Read from `LLM_FIRST_TOKEN_TIMEOUT_SECONDS`. Default 30.
    pub first_token: Duration,
    /// Between two pieces of text. Read from `LLM_IDLE_TIMEOUT_SECONDS`. Default 30.
    pub idle: Duration,
    /// The whole answer, all attempts together. Read from `LLM_TOTAL_TIMEOUT_SECONDS`. Default 600.
    pub total: Duration,
}

impl LlmConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            catalog: CatalogConfig::from_env(env)?,
            api_keys: ApiKeys::from_env(env),
            clocks: LlmClocks {
                connect: env.seconds_or("LLM_CONNECT_TIMEOUT_SECONDS", 5)?,
                first_token: env.seconds_or("LLM_FIRST_TOKEN_TIMEOUT_SECONDS", 30)?,
                idle: env.seconds_or("LLM_IDLE_TIMEOUT_SECONDS", 30)?,
                total: env.seconds_or("LLM_TOTAL_TIMEOUT_SECONDS", 600)?,
            },
            breaker_failures: env.positive_or("LLM_BREAKER_FAILURES", 5)?,
        })
    }
}
