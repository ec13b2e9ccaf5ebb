//! What the process tells about itself: logs (JSON for machines in production, coloured lines for people in development),
//! faults, metrics and traces.

pub(crate) mod faults;
mod mask;
pub(crate) mod metrics;
mod scrub;
pub(crate) mod traces;

use std::io::IsTerminal;

use sentry::ClientInitGuard;
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use self::traces::Exporting;
use crate::config::{ConfigError, LogConfig, LogFormat, SentryConfig, TracesConfig};

/// Longer than any name of ours, and shorter than a key.
const MOST_OF_A_NAME: usize = 48;

/// Sends what is left when it is dropped.
pub(crate) struct Telemetry {
    _faults: Option<ClientInitGuard>,
    _traces: Option<Exporting>,
}

/// Starts logging to standard error, and reporting faults and traces if the settings say where.
///
/// # Errors
/// When the filter makes no sense, or traces cannot be sent there.
pub(crate) fn start(
    log: &LogConfig,
    sentry: &SentryConfig,
    traces: &TracesConfig,
) -> Result<Telemetry, ConfigError> {
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
    // A second start, as in tests of several commands, keeps the first.
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(reports.then(faults::lines_before))
        .with(reports.then(faults::reports))
        .try_init()
        .ok();
    std::panic::set_hook(Box::new(log_panic));
    Ok(Telemetry { _faults: faults::start(sentry), _traces: traces::start(traces)? })
}

/// Lets a task of its own carry what is known of the request that begins it, in logs, faults and traces.
pub(crate) fn along<F: Future>(work: F) -> impl Future<Output = F::Output> {
    faults::along(traces::along(work)).in_current_span()
}

/// The person the current request comes from: an id, never a name or an address.
pub(crate) fn set_person(user_id: impl ToString) {
    let user_id = user_id.to_string();
    tracing::Span::current().record("user.id", &user_id);
    traces::set_person(&user_id);
    faults::set_person(user_id);
}

/// Why the current request is refused, for the line that says how it was answered. `param` is the part of the request that
/// is wrong; it may be a word of whoever asks.
pub(crate) fn set_refusal(code: &str, param: Option<&str>) {
    let span = tracing::Span::current();
    span.record("error.code", code);
    if let Some(param) = param {
        span.record("error.param", plain_name(param));
    }
}

/// A name like those in our documents, such as `messages[2].content`. What looks otherwise is not repeated.
fn plain_name(name: &str) -> &str {
    let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || b"_.[]".contains(&letter);
    if name.len() <= MOST_OF_A_NAME && name.bytes().all(is_plain) { name } else { "other" }
}

/// A text of somebody else's, fit for a line of the log.
pub(crate) fn scrubbed(text: &str) -> String {
    scrub::scrub(text)
}

/// A panic is a fault like any other: one line, and one report, wherever it happens.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = app::panic_message(panic);
    tracing::error!(panic.location = location, "Panicked: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_wrong_only_names_like_ours_are_logged() {
        for name in ["max_tokens", "messages[12].content", "tools[0].function.name"] {
            assert_eq!(plain_name(name), name);
        }
        let key = format!("plb_{}", "a".repeat(49));
        for name in ["my dog's name", "ada@mail.example", "<b>", &key] {
            assert_eq!(plain_name(name), "other");
        }
    }
}
