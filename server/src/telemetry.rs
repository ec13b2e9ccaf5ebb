//! What the process tells about itself: logs (JSON for machines in production, coloured lines for people in development),
//! faults and metrics.

pub(crate) mod faults;
pub(crate) mod metrics;
mod scrub;

use std::io::IsTerminal;

use sentry::ClientInitGuard;
use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer};
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::{ConfigError, LogConfig, LogFormat, SentryConfig};

/// Sends what is left when it is dropped.
pub(crate) struct Telemetry {
    _faults: Option<ClientInitGuard>,
}

/// Starts logging to standard error, and reporting faults if the settings say where.
///
/// # Errors
/// When the filter makes no sense.
pub(crate) fn start(log: &LogConfig, sentry: &SentryConfig) -> Result<Telemetry, ConfigError> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| ConfigError {
        variable: "RUST_LOG",
        problem: format!("is not a filter: {error}"),
    })?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
        LogFormat::Text => {
            lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).compact().boxed()
        }
    };
    let reports = sentry.dsn.is_some();
    let before = filter_fn(|line| matches!(*line.level(), Level::INFO | Level::WARN));
    // A second start, as in tests of several commands, keeps the first.
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(reports.then(|| BreadcrumbLayer::new().with_filter(before)))
        .with(reports.then(|| ErrorLayer::new().with_filter(LevelFilter::ERROR)))
        .try_init()
        .ok();
    std::panic::set_hook(Box::new(log_panic));
    Ok(Telemetry { _faults: faults::start(sentry) })
}

/// A panic is a fault like any other: one line, and one report, wherever it happens.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("for a reason that is no text");
    tracing::error!(panic.location = location, "Panicked: {message}");
}
