use app::types::{CapTerms, Nanos};

use super::{ConfigError, Env};

/// What the Free plan includes.
#[derive(Clone, Debug)]
pub struct PlansConfig {
    /// Read from `FREE_REQUESTS_PER_MINUTE`. Default 5.
    pub free_requests_per_minute: u32,
    /// Read from `FREE_REQUESTS_PER_DAY`. Default 100.
    pub free_requests_per_day: u32,
    /// Read from `FREE_TOKENS_PER_MINUTE`. Default 20000.
    pub free_tokens_per_minute: u32,
    /// Read from `FREE_CONCURRENT_REPLIES`. Default 2.
    pub free_concurrent_replies: u32,
    /// Read from `FREE_MONTHLY_CREDIT_CENTS`. Default 50.
    pub free_monthly_credit: Nanos,
    /// For everybody who sets none of their own. The limit is read from `FREE_MONTHLY_CAP_CENTS`, default none, and
    /// whether it refuses or only warns from `FREE_MONTHLY_CAP_IS_HARD`, default true.
    pub free_monthly_cap: Option<CapTerms>,
}

impl PlansConfig {
    /// Also used alone, by `plumbline simulate`.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let is_hard = env.parsed_or("FREE_MONTHLY_CAP_IS_HARD", true)?;
        Ok(Self {
            free_requests_per_minute: env.positive_or("FREE_REQUESTS_PER_MINUTE", 5)?,
            free_requests_per_day: env.positive_or("FREE_REQUESTS_PER_DAY", 100)?,
            free_tokens_per_minute: env.positive_or("FREE_TOKENS_PER_MINUTE", 20_000)?,
            free_concurrent_replies: env.positive_or("FREE_CONCURRENT_REPLIES", 2)?,
            free_monthly_credit: Nanos::from_cents(env.positive_or("FREE_MONTHLY_CREDIT_CENTS", 50)?.into()),
            free_monthly_cap: env.cents("FREE_MONTHLY_CAP_CENTS")?.map(|limit| CapTerms { limit, is_hard }),
        })
    }
}
