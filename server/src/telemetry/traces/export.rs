//! Spans on their way out: a bounded queue, and a thread of its own that sends them. Whoever ends a span never waits: what
//! does not fit is dropped, and what the collector does not take in time is lost. Both are counted.

use std::sync::mpsc as handover;
use std::thread;
use std::time::Duration;

use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter as _, SpanProcessor};
use secrecy::ExposeSecret;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::OtlpConfig;
use crate::telemetry::mask::mask_json;
use crate::telemetry::metrics;
use crate::telemetry::scrub::scrub;

/// Spans that wait to be sent: a few megabytes at the most, unless text is captured.
const QUEUE: usize = 4096;

/// Spans in one request.
const BATCH: usize = 512;

/// A batch waits so long for more.
const LINGER: Duration = Duration::from_secs(1);

/// What is left to send when the process ends is waited for so long.
const FLUSH: Duration = Duration::from_secs(2);

/// A collector that is away is told about so often.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// What people and models wrote.
const TEXTS: [&str; 2] = ["gen_ai.input.messages", "gen_ai.output.messages"];

/// Where ended spans go.
#[derive(Debug)]
pub(super) struct Queue(mpsc::Sender<SpanData>);

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.0.try_send(span).is_err() {
            metrics::spans_ended("dropped", 1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Sends what is left when it is dropped.
pub(in crate::telemetry) struct Exporting {
    is_ending: CancellationToken,
    ended: handover::Receiver<()>,
}

impl Drop for Exporting {
    fn drop(&mut self) {
        self.is_ending.cancel();
        // Nothing is ever handed over: the thread has ended, or the time is over.
        self.ended.recv_timeout(FLUSH).ok();
    }
}

/// Begins to send. The thread has a runtime of its own, so that nothing the process does for people waits for it.
pub(super) fn start(config: &OtlpConfig, resource: Resource) -> Result<(Exporting, Queue), String> {
    let mut exporter = exporter(config)?;
    exporter.set_resource(&resource);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let (sender, spans) = mpsc::channel(QUEUE);
    let (alive, ended) = handover::channel();
    let is_ending = CancellationToken::new();
    let sending =
        Sending { exporter, spans, timeout: config.timeout, is_ending: is_ending.clone(), told: None };
    let work = move || {
        let _alive = alive;
        runtime.block_on(sending.run());
    };
    thread::Builder::new().name("traces".to_owned()).spawn(work).map_err(|error| error.to_string())?;
    Ok((Exporting { is_ending, ended }, Queue(sender)))
}

fn exporter(config: &OtlpConfig) -> Result<SpanExporter, String> {
    let http = reqwest::Client::builder()
        .timeout(config.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| error.to_string())?;
    let headers = config.headers.iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect();
    SpanExporter::builder()
        .with_http()
        .with_http_client(http)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(config.endpoint.as_str())
        .with_timeout(config.timeout)
        .with_headers(headers)
        .build()
        .map_err(|error| error.to_string())
}

/// What the thread works with.
struct Sending {
    exporter: SpanExporter,
    spans: mpsc::Receiver<SpanData>,
    timeout: Duration,
    is_ending: CancellationToken,
    /// When it was last said that the collector is away.
    told: Option<Instant>,
}

impl Sending {
    /// Until the process ends and nothing is left.
    async fn run(mut self) {
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            self.fill(&mut batch).await;
            if batch.is_empty() {
                return;
            }
            self.send(batch).await;
        }
    }

    /// Waits for the first span, then a moment for more. None come: the process ends.
    async fn fill(&mut self, batch: &mut Vec<SpanData>) {
        let mut waits_until = None;
        while batch.len() < BATCH {
            let free = BATCH - batch.len();
            let moment_over = async {
                match waits_until {
                    Some(time) => tokio::time::sleep_until(time).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                received = self.spans.recv_many(batch, free) => if received == 0 { return },
                () = self.is_ending.cancelled(), if !self.spans.is_closed() => self.spans.close(),
                () = moment_over => return,
            }
            waits_until.get_or_insert_with(|| Instant::now() + LINGER);
        }
    }

    async fn send(&mut self, mut batch: Vec<SpanData>) {
        batch.iter_mut().for_each(clean);
        let count = batch.len() as u64;
        let sent = tokio::time::timeout(self.timeout, self.exporter.export(batch)).await;
        if matches!(sent, Ok(Ok(()))) {
            metrics::spans_ended("exported", count);
            if self.told.take().is_some() {
                tracing::info!("Traces are taken again");
            }
            return;
        }
        metrics::spans_ended("failed", count);
        if self.told.is_none_or(|told| told.elapsed() > TELL_EVERY) {
            self.told = Some(Instant::now());
            // What the collector answered is not repeated: it may hold what it was sent.
            tracing::warn!(count, "Traces were not taken, {count} spans are lost");
        }
    }
}

/// The last line of defence, as for faults; and the mask for what people and models wrote.
fn clean(span: &mut SpanData) {
    span.attributes.iter_mut().for_each(clean_attribute);
    if let opentelemetry::trace::Status::Error { description } = &mut span.status {
        *description = scrub(description).into();
    }
}

fn clean_attribute(attribute: &mut KeyValue) {
    let clean = if TEXTS.contains(&attribute.key.as_str()) { mask_json } else { scrub };
    let clean = |text: &StringValue| StringValue::from(clean(text.as_str()));
    match &mut attribute.value {
        Value::String(text) => *text = clean(text),
        Value::Array(Array::String(texts)) => texts.iter_mut().for_each(|text| *text = clean(text)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use metrics_exporter_prometheus::PrometheusBuilder;
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};

    use super::*;

    fn span() -> SpanData {
        let (trace, span) = (TraceId::from(1), SpanId::from(1));
        SpanData {
            span_context: SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "a part".into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: vec![],
            dropped_attributes_count: 0,
            events: Default::default(),
            links: Default::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted_and_nobody_waits() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let (sender, _spans) = mpsc::channel(2);
        let queue = Queue(sender);
        ::metrics::with_local_recorder(&recorder, || (0..5).for_each(|_| queue.on_end(span())));
        let text = recorder.handle().render();
        assert!(text.contains(r#"plumbline_trace_spans_total{outcome="dropped"} 3"#), "{text}");
    }

    #[test]
    fn secrets_are_scrubbed_and_texts_masked_before_they_are_sent() {
        let mut span = span();
        span.attributes = vec![
            KeyValue::new("detail", "no ada@mail.example"),
            KeyValue::new(TEXTS[0], r#"[{"content":"4242424242424242"}]"#),
        ];
        clean(&mut span);
        assert_eq!(span.attributes[0].value.as_str(), "no [address]");
        assert_eq!(span.attributes[1].value.as_str(), r#"[{"content":"[card]"}]"#);
    }
}
