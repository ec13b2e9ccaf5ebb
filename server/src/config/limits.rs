use super::{ConfigError, Env};

/// What one network address may do before anybody has signed in (an IPv6 address counts as its /64), what an account may
/// do besides replies, and how limits are shared while Redis is away.
#[derive(Clone, Copy, Debug)]
pub struct LimitsConfig {
    /// How many processes serve people. While Redis is away each admits its share of every limit but the day's, which nobody
    /// knows then. Read from `LIMITER_REPLICAS`. Default 2.
    pub replicas: u32,
    /// How many proxies of ours append to `X-Forwarded-For`. Read from `TRUSTED_PROXIES`. Default 0: the header is not
    /// believed.
    pub trusted_proxies: u32,
    /// Read from `SIGN_IN_ATTEMPTS_PER_MINUTE`. Default 10.
    pub sign_in_attempts_per_minute: u32,
    /// Calls of server functions, and as many links in mails. Read from `ANONYMOUS_REQUESTS_PER_MINUTE`. Default 300.
    pub anonymous_requests_per_minute: u32,
    /// Faults that pages report of themselves. Read from `BROWSER_REPORTS_PER_MINUTE`. Default 10.
    pub browser_reports_per_minute: u32,
    /// What people signed in call, send and download, but for replies and pages; and as many requests of their programs, but
    /// for answers. Read from `ACCOUNT_REQUESTS_PER_MINUTE`.
    /// Default 600.
    pub account_requests_per_minute: u32,
    /// Of these, what Stripe is asked for. Read from `BILLING_REQUESTS_PER_MINUTE`. Default 20.
    pub billing_requests_per_minute: u32,
}

impl LimitsConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            replicas: env.positive_or("LIMITER_REPLICAS", 2)?,
            trusted_proxies: env.parsed_or("TRUSTED_PROXIES", 0)?,
            sign_in_attempts_per_minute: env.positive_or("SIGN_IN_ATTEMPTS_PER_MINUTE", 10)?,
            anonymous_requests_per_minute: env.positive_or("ANONYMOUS_REQUESTS_PER_MINUTE", 300)?,
            browser_reports_per_minute: env.positive_or("BROWSER_REPORTS_PER_MINUTE", 10)?,
            account_requests_per_minute: env.positive_or("ACCOUNT_REQUESTS_PER_MINUTE", 600)?,
            billing_requests_per_minute: env.positive_or("BILLING_REQUESTS_PER_MINUTE", 20)?,
        })
    }
}
