//! Faults of ours, reported to Sentry: whatever is logged as an error, once, with what was logged before it. Refusals are
//! not errors, so they never get there; neither do prompts, query strings, cookies or addresses.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer};
use sentry::protocol::{Context, Event, User, Value};
use sentry::{Breadcrumb, ClientInitGuard, ClientOptions, Hub, SentryFutureExt};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::scrub::scrub;
use crate::config::SentryConfig;

/// What is left to send when the process ends is waited for so long.
const FLUSH: Duration = Duration::from_secs(2);

/// Where the fields of a log line are found in an event.
const FIELDS: &str = "Rust Tracing Fields";

/// Begins to report, if the settings say where. Dropping the guard sends what is left.
pub(super) fn start(config: &SentryConfig) -> Option<ClientInitGuard> {
    let mut options = options(config);
    options.dsn = Some(config.dsn.clone()?);
    Some(sentry::init(options))
}

fn options(config: &SentryConfig) -> ClientOptions {
    ClientOptions::new()
        .release(concat!("plumbline@", env!("CARGO_PKG_VERSION")))
        .environment(config.environment.clone())
        .attach_stacktrace(true)
        .shutdown_timeout(FLUSH)
        .before_breadcrumb(|breadcrumb| Some(scrub_breadcrumb(breadcrumb)))
        .before_send(|event| Some(scrub_event(event)))
}

/// Makes a report of each line that is an error.
pub(super) fn reports<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    ErrorLayer::new().with_filter(LevelFilter::ERROR)
}

/// Keeps the lines that a report is sent with.
pub(super) fn lines_before<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    let before = filter_fn(|line| matches!(*line.level(), Level::INFO | Level::WARN));
    BreadcrumbLayer::new().with_filter(before)
}

/// Runs one request or task apart from all others, so that its faults carry its own facts.
pub(crate) async fn apart<T>(facts: &[(&str, &str)], work: impl Future<Output = T>) -> T {
    let current = Hub::current();
    if current.client().is_none() {
        return work.await;
    }
    let hub = Arc::new(Hub::new_from_top(current));
    hub.configure_scope(|scope| facts.iter().for_each(|(name, value)| scope.set_tag(name, value)));
    work.bind_hub(hub).await
}

/// Lets a task of its own carry the facts of the request that begins it.
pub(super) fn along<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let hub = Hub::current();
    match hub.client() {
        Some(_) => work.bind_hub(hub).left_future(),
        None => work.right_future(),
    }
}

/// The person the current request comes from.
pub(super) fn set_person(user_id: String) {
    let user = User { id: Some(user_id), ..User::default() };
    sentry::configure_scope(|scope| scope.set_user(Some(user)));
}

fn scrub_event(mut event: Event<'static>) -> Event<'static> {
    event.message = event.message.as_deref().map(scrub);
    for exception in &mut event.exception.values {
        exception.value = exception.value.as_deref().map(scrub);
    }
    if let Some(Context::Other(fields)) = event.contexts.get_mut(FIELDS) {
        fields.values_mut().for_each(scrub_value);
        // Ids are found by their tag.
        let ids = fields.iter().filter(|(name, _)| name.contains('.'));
        event.tags.extend(ids.filter_map(|(name, value)| Some((name.clone(), text(value)?))));
    }
    event
}

fn scrub_breadcrumb(mut breadcrumb: Breadcrumb) -> Breadcrumb {
    breadcrumb.message = breadcrumb.message.as_deref().map(scrub);
    breadcrumb.data.values_mut().for_each(scrub_value);
    breadcrumb
}

fn scrub_value(value: &mut Value) {
    if let Value::String(text) = value {
        *text = scrub(text);
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, set_hook, take_hook};
    use std::sync::Mutex;
    use std::thread;

    use sentry::{Client, Envelope, Transport};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::telemetry::log_panic;

    /// Keeps what would be sent.
    #[derive(Default)]
    struct Kept(Mutex<Vec<Event<'static>>>);

    impl Transport for Kept {
        fn send_envelope(&self, envelope: Envelope) {
            self.0.lock().expect("no panic").extend(envelope.event().cloned());
        }
    }

    fn hub(kept: &Arc<Kept>) -> Arc<Hub> {
        let config = SentryConfig { dsn: None, environment: "test".to_owned() };
        let mut options = options(&config);
        options.dsn = "https://key@sentry.example/1".parse().ok();
        options.transport = Some(Arc::new(kept.clone()));
        Arc::new(Hub::new(Some(Arc::new(Client::from(options))), Arc::default()))
    }

    /// Panics of this thread are logged; those of others are told as ever.
    fn log_panics_here() {
        let (here, others) = (thread::current().id(), take_hook());
        set_hook(Box::new(move |panic| match thread::current().id() == here {
            true => log_panic(panic),
            false => others(panic),
        }));
    }

    #[tokio::test]
    async fn a_panic_is_reported_once_with_what_its_own_request_had_logged_before() {
        let kept = Arc::new(Kept::default());
        let lines = tracing_subscriber::registry().with(lines_before()).with(reports());
        let _lines = tracing::subscriber::set_default(lines);
        log_panics_here();
        let panicking = apart(&[("request.id", "one")], async {
            tracing::info!("Before it");
            tokio::task::yield_now().await;
            panic!("it is inside `what somebody wrote`");
        });
        let other = apart(&[("request.id", "two")], async { tracing::info!("Beside it") });
        let both = async { tokio::join!(AssertUnwindSafe(panicking).catch_unwind(), other) };
        let (panicked, ()) = both.bind_hub(hub(&kept)).await;
        // What is wrong with this test is told as ever.
        drop(take_hook());
        assert!(panicked.is_err());

        let events = kept.0.lock().expect("no panic");
        let [event] = events.as_slice() else { panic!("one report: {events:?}") };
        assert_eq!(event.message.as_deref(), Some("Panicked: it is inside […]"));
        assert_eq!(event.tags["request.id"], "one");
        assert_eq!(event.release.as_deref(), Some(concat!("plumbline@", env!("CARGO_PKG_VERSION"))));
        let before: Vec<_> = event.breadcrumbs.iter().filter_map(|line| line.message.as_deref()).collect();
        assert_eq!(before, ["Before it"]);
    }
}
