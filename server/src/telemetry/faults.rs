//! Faults of ours, reported to Sentry: whatever is logged as an error, once, with what was logged before it. Refusals are
//! not errors, so they never get there; neither do prompts, query strings, cookies or addresses.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use sentry::protocol::{Context, Event, User, Value};
use sentry::{Breadcrumb, ClientInitGuard, ClientOptions, Hub, SentryFutureExt};

use super::scrub::scrub;
use crate::config::SentryConfig;

/// What is left to send when the process ends is waited for so long.
const FLUSH: Duration = Duration::from_secs(2);

/// Where the fields of a log line are found in an event.
const FIELDS: &str = "Rust Tracing Fields";

/// Begins to report, if the settings say where. Dropping the guard sends what is left.
pub(super) fn start(config: &SentryConfig) -> Option<ClientInitGuard> {
    let mut options = ClientOptions::new()
        .release(concat!("plumbline@", env!("CARGO_PKG_VERSION")))
        .environment(config.environment.clone())
        .attach_stacktrace(true)
        .shutdown_timeout(FLUSH)
        .before_breadcrumb(|breadcrumb| Some(scrub_breadcrumb(breadcrumb)))
        .before_send(|event| Some(scrub_event(event)));
    options.dsn = Some(config.dsn.clone()?);
    Some(sentry::init(options))
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
