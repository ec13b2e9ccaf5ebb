use std::net::SocketAddr;

use super::{ConfigError, Env};

/// Figures for Prometheus.
#[derive(Clone, Copy, Debug)]
pub struct MetricsConfig {
    /// Where `/metrics` is served, apart from the application. Read from `METRICS_ADDR`. Not set: nowhere.
    pub listen_addr: Option<SocketAddr>,
}

impl MetricsConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self { listen_addr: env.parsed("METRICS_ADDR")? })
    }
}
