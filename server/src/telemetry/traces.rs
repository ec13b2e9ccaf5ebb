//! Traces: what a request caused and how long each part took, sent to a collector over OTLP. Off unless the settings say
//! where to. Spans are begun by name where something is worth one, so a trace holds what was put into it and nothing else;
//! within a request that is not traced, or not sampled, all of it does nothing.

mod export;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer, TracerProvider,
};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{ParentBasedSampler, Sampler, SdkTracer, SdkTracerProvider, ShouldSample};

pub(super) use self::export::Exporting;
use self::export::Queue;
use crate::config::{ConfigError, TracesConfig};

/// Set once, when the process starts; not at all while nothing is traced.
static TRACES: OnceLock<Traces> = OnceLock::new();

struct Traces {
    tracer: SdkTracer,
    environment: String,
    captures_text: bool,
}

/// Begins to trace, if the settings say where to. Dropping the guard sends what is left.
pub(super) fn start(config: &TracesConfig) -> Result<Option<Exporting>, ConfigError> {
    let Some(otlp) = &config.otlp else { return Ok(None) };
    let resource = Resource::builder_empty()
        .with_service_name(config.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("deployment.environment.name", config.environment.clone()))
        .build();
    let (exporting, queue) = export::start(otlp, resource.clone()).map_err(|problem| ConfigError {
        variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
        problem: format!("cannot be used: {problem}"),
    })?;
    let provider = provider(config, resource, queue);
    let traces = Traces {
        tracer: provider.tracer("plumbline"),
        environment: config.environment.clone(),
        captures_text: config.captures_text,
    };
    // A second start, as in tests of several commands, keeps the first.
    TRACES.set(traces).ok();
    Ok(Some(exporting))
}

fn provider(config: &TracesConfig, resource: Resource, queue: Queue) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_sampler(sampler(config.share))
        .with_resource(resource)
        .with_span_processor(queue)
        .build()
}

/// Keeps a share of all traces, chosen by their ids, so that every process chooses the same ones. Whoever sends a
/// `traceparent` names the trace, and may want nothing kept of it, but cannot make us keep more than our share.
fn sampler(share: f64) -> ParentBasedSampler {
    let of_all = Box::new(Sampler::TraceIdRatioBased(share)) as Box<dyn ShouldSample>;
    Sampler::parent_based(of_all.clone()).with_remote_parent_sampled(of_all)
}

/// Whether prompts and answers are wanted.
pub(crate) fn captures_text() -> bool {
    TRACES.get().is_some_and(|traces| traces.captures_text)
}

/// What each span of a trace is found by; known from somewhere on.
struct Facts {
    /// What the trace is about. None: its beginning has said so.
    name: Option<Cow<'static, str>>,
    /// Whom it is for, as `chat` or `billing`.
    area: Option<String>,
    person: OnceLock<String>,
    thread: OnceLock<String>,
}

impl Facts {
    fn new(name: Option<Cow<'static, str>>, area: Option<&str>) -> Arc<Self> {
        let area = area.map(str::to_owned);
        Arc::new(Self { name, area, person: OnceLock::new(), thread: OnceLock::new() })
    }

    fn attributes(&self, traces: &Traces) -> Vec<KeyValue> {
        let fixed = [
            KeyValue::new("langfuse.environment", traces.environment.clone()),
            KeyValue::new("langfuse.release", env!("CARGO_PKG_VERSION")),
        ];
        let known = [("user.id", self.person.get()), ("session.id", self.thread.get())];
        let known = known.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?.clone())));
        let name = self.name.clone().map(|name| KeyValue::new("langfuse.trace.name", name));
        let tags = self.area.clone().map(|area| KeyValue::new("langfuse.trace.tags", texts([area])));
        fixed.into_iter().chain(known).chain(name).chain(tags).collect()
    }
}

fn texts<T: Into<StringValue>>(texts: impl IntoIterator<Item = T>) -> Value {
    Value::Array(Array::String(texts.into_iter().map(Into::into).collect()))
}

/// The person this trace is about: an id, never a name or an address.
pub(super) fn set_person(user_id: &str) {
    Context::map_current(|context| {
        if let Some(facts) = context.get::<Arc<Facts>>() {
            facts.person.get_or_init(|| user_id.to_owned());
        }
    });
}

/// The conversation this trace is about.
pub(crate) fn set_thread(thread_id: impl ToString) {
    Context::map_current(|context| {
        if let Some(facts) = context.get::<Arc<Facts>>() {
            facts.thread.get_or_init(|| thread_id.to_string());
        }
    });
}

/// How work that is done later, or elsewhere, finds this trace. None: it is not recorded.
/// <https://www.w3.org/TR/trace-context/#traceparent-header>
pub(crate) fn traceparent() -> Option<String> {
    Context::map_current(|context| {
        let span = context.span();
        let is_sampled = span.span_context().is_sampled();
        is_sampled
            .then(|| format!("00-{}-{}-01", span.span_context().trace_id(), span.span_context().span_id()))
    })
}

/// The trace in a `traceparent`.
pub(crate) fn trace_id_of(traceparent: &str) -> Option<String> {
    Some(parse(traceparent)?.trace_id().to_string())
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let has_lengths = [(version, 2), (trace, 32), (span, 16), (flags, 2)];
    let is_hex = |(part, length): (&str, usize)| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_known = version == "00" && parts.next().is_none() || version > "00" && version != "ff";
    if !has_lengths.into_iter().all(is_hex) || !is_known {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

/// Lets a task of its own go on with the trace of the request that begins it.
pub(super) fn along<F: Future>(work: F) -> impl Future<Output = F::Output> {
    match Context::map_current(Context::has_active_span) {
        true => work.with_current_context().left_future(),
        false => work.right_future(),
    }
}

/// Something that takes time, until it is dropped. Nothing, within what is not traced.
#[derive(Debug)]
pub(crate) struct Span(Option<Context>);

impl Span {
    /// A part of what is being done.
    pub(crate) fn part(name: impl Into<Cow<'static, str>>) -> Self {
        Self::within(name.into(), SpanKind::Internal)
    }

    /// Asking somebody outside.
    pub(crate) fn call(name: impl Into<Cow<'static, str>>) -> Self {
        Self::within(name.into(), SpanKind::Client)
    }

    /// A request, which may be a part of somebody else's trace. Traces are found by their `area`, too.
    pub(crate) fn request(name: String, area: &str, traceparent: Option<&str>) -> Self {
        let facts = Facts::new(Some(name.clone().into()), Some(area));
        Self::outermost(name.into(), SpanKind::Server, facts, traceparent.and_then(parse))
    }

    /// What a traced request has caused to be done later. It does not name the trace anew.
    pub(crate) fn later(name: String, traceparent: Option<&str>) -> Self {
        match traceparent.and_then(parse) {
            Some(cause) => {
                Self::outermost(name.into(), SpanKind::Consumer, Facts::new(None, None), Some(cause))
            }
            None => Self(None),
        }
    }

    fn within(name: Cow<'static, str>, kind: SpanKind) -> Self {
        let is_recorded = Context::map_current(|context| context.span().is_recording());
        let traces = TRACES.get().filter(|_| is_recorded);
        Self(traces.map(|traces| begin(traces, name, kind, &Context::current())))
    }

    fn outermost(
        name: Cow<'static, str>,
        kind: SpanKind,
        facts: Arc<Facts>,
        cause: Option<SpanContext>,
    ) -> Self {
        let Some(traces) = TRACES.get() else { return Self(None) };
        let context = Context::new().with_value(facts);
        let context = match cause {
            Some(cause) => context.with_remote_span_context(cause),
            None => context,
        };
        Self(Some(begin(traces, name, kind, &context)))
    }

    pub(crate) fn is_recorded(&self) -> bool {
        self.0.as_ref().is_some_and(|context| context.span().is_recording())
    }

    /// None: it is not recorded.
    pub(crate) fn trace_id(&self) -> Option<String> {
        let context = self.0.as_ref().filter(|_| self.is_recorded())?;
        Some(context.span().span_context().trace_id().to_string())
    }

    pub(crate) fn set(&self, key: &'static str, value: impl Into<Value>) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new(key, value.into()));
        }
    }

    /// An attribute that is a list by its convention, also where it has one element.
    pub(crate) fn set_each(&self, key: &'static str, values: impl IntoIterator<Item = &'static str>) {
        self.set(key, texts(values));
    }

    pub(crate) fn set_if_some(&self, key: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// It came to nothing. `kind` is a word of ours.
    pub(crate) fn fail(&self, kind: &str) {
        if let Some(context) = &self.0 {
            context.span().set_status(Status::error(kind.to_owned()));
            context.span().set_attribute(KeyValue::new("error.type", kind.to_owned()));
        }
    }

    /// Does something within it.
    pub(crate) fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        match &self.0 {
            Some(context) => work.with_context(context.clone()).left_future(),
            None => work.right_future(),
        }
    }

    /// When it was over already.
    pub(crate) fn end_at(mut self, time: DateTime<Utc>) {
        self.end(Some(time));
    }

    fn end(&mut self, time: Option<DateTime<Utc>>) {
        let (Some(context), Some(traces)) = (self.0.take(), TRACES.get()) else { return };
        let span = context.span();
        if let Some(facts) = context.get::<Arc<Facts>>() {
            span.set_attributes(facts.attributes(traces));
        }
        match time {
            Some(time) => span.end_with_timestamp(SystemTime::from(time)),
            None => span.end(),
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.end(None);
    }
}

fn begin(traces: &Traces, name: Cow<'static, str>, kind: SpanKind, parent: &Context) -> Context {
    let span = traces.tracer.span_builder(name).with_kind(kind);
    parent.with_span(traces.tracer.build_with_context(span, parent))
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::SamplingDecision;

    use super::*;

    #[test]
    fn a_traceparent_is_read_as_it_is_written() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let sampled = parse(&format!("00-{trace}-b7ad6b7169203331-01")).expect("it is valid");
        assert!(sampled.is_sampled() && sampled.is_remote());
        assert_eq!(sampled.trace_id().to_string(), trace);
        assert!(!parse(&format!("00-{trace}-b7ad6b7169203331-00")).expect("it is valid").is_sampled());
        // What a later version adds is not looked at.
        assert!(parse(&format!("01-{trace}-b7ad6b7169203331-01-more")).is_some());
    }

    #[test]
    fn what_is_no_traceparent_is_as_none() {
        for text in [
            "",
            "00-0-0-0",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn whoever_sends_a_traceparent_does_not_decide_that_it_is_kept() {
        let decide = |share: f64, parent: &Context| {
            let trace = parent.span().span_context().trace_id();
            sampler(share).should_sample(Some(parent), trace, "", &SpanKind::Server, &[], &[]).decision
        };
        let sent = |flags: &str| {
            let text = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
            Context::new().with_remote_span_context(parse(&text).expect("it is valid"))
        };
        assert_eq!(decide(0.0, &sent("01")), SamplingDecision::Drop);
        assert_eq!(decide(1.0, &sent("01")), SamplingDecision::RecordAndSample);
        assert_eq!(decide(1.0, &sent("00")), SamplingDecision::Drop);
    }

    #[test]
    fn nothing_happens_where_nothing_is_traced() {
        let span = Span::part("a part");
        span.set("key", "value");
        assert!(!span.is_recorded() && span.trace_id().is_none() && traceparent().is_none());
    }
}
