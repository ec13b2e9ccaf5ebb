//! Logs: JSON for machines in production, coloured lines for people in development.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::{ConfigError, LogConfig, LogFormat};

/// Starts logging to standard error.
///
/// # Errors
/// When the filter makes no sense.
pub(crate) fn start(config: &LogConfig) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|error| ConfigError {
        variable: "RUST_LOG",
        problem: format!("is not a filter: {error}"),
    })?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let layer = match config.format {
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
        LogFormat::Text => {
            lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).compact().boxed()
        }
    };
    // A second start, as in tests of several commands, keeps the first.
    tracing_subscriber::registry().with(filter).with(layer).try_init().ok();
    Ok(())
}
