//! What is counted and timed, for Prometheus: every name with its meaning, in one place. Until [`install`] is called
//! recording does nothing.
//!
//! Labels come from settings, routes and enums, never from what people send, so their number is bounded.

use std::time::Duration;

use app::types::BreakerState;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::pricing::TokenUsage;
use crate::store::Connections;
use crate::store::backlog::Backlog;
use crate::store::money_audits::AuditResult;

/// From a page out of memory to the longest reply, in seconds.
const BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0];

const REQUESTS: &str = "plumbline_http_requests_total";
const REQUEST_SECONDS: &str = "plumbline_http_request_duration_seconds";
const ADMISSIONS: &str = "plumbline_admissions_total";
const CALL_LIMITS: &str = "plumbline_call_limits_total";
const REPLIES: &str = "plumbline_replies_total";
const REPLY_SECONDS: &str = "plumbline_reply_duration_seconds";
const TOKENS: &str = "plumbline_reply_tokens_total";
const CHARGED: &str = "plumbline_charged_nanodollars_total";
const OVERRUNS: &str = "plumbline_reply_overruns_total";
const ATTEMPTS: &str = "plumbline_attempts_total";
const FIRST_TOKEN_SECONDS: &str = "plumbline_first_token_seconds";
const COST: &str = "plumbline_cost_nanodollars_total";
const JOBS: &str = "plumbline_jobs_run_total";
const WEBHOOKS: &str = "plumbline_webhooks_total";
const SPANS: &str = "plumbline_trace_spans_total";
const VIOLATIONS: &str = "plumbline_money_invariant_violations";
const AUDIT_AGE: &str = "plumbline_money_audit_age_seconds";
const BUILD: &str = "plumbline_build_info";
const DATABASE_UP: &str = "plumbline_database_up";
const REDIS_UP: &str = "plumbline_redis_up";
const LIMITER_IS_LOCAL: &str = "plumbline_limiter_is_local";
const CONNECTIONS: &str = "plumbline_database_connections";
const HOLDS: &str = "plumbline_holds_open";
const HELD: &str = "plumbline_held_nanodollars";
const OLDEST_HOLD: &str = "plumbline_oldest_hold_age_seconds";
const QUEUE: &str = "plumbline_jobs";
const OLDEST_JOB: &str = "plumbline_oldest_due_job_age_seconds";
const EVENTS: &str = "plumbline_stripe_events_waiting";
const OLDEST_EVENT: &str = "plumbline_oldest_stripe_event_age_seconds";
const BREAKER: &str = "plumbline_breaker_state";
const CEILING_USED: &str = "plumbline_daily_ceiling_used_ratio";
const SWITCH_IS_ON: &str = "plumbline_switch_is_on";

/// Begins to record, for the whole process.
///
/// # Errors
/// When something else records already.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)?
        .install_recorder()?;
    describe();
    // Otherwise the first one would be no increase.
    counter!(OVERRUNS).increment(0);
    counter!(ADMISSIONS, "decision" => "ceiling").increment(0);
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

fn describe() {
    describe_counter!(REQUESTS, "Requests answered.");
    describe_histogram!(REQUEST_SECONDS, "From a request to the head of its answer.");
    describe_counter!(ADMISSIONS, "Requests for a reply, by what was decided.");
    describe_counter!(CALL_LIMITS, "What is limited besides replies, by its limit and what was decided.");
    describe_counter!(REPLIES, "Replies that have ended and are settled, by how they ended.");
    describe_histogram!(REPLY_SECONDS, "From a reply's first attempt to the end of its last.");
    describe_counter!(TOKENS, "Tokens of settled replies, each of one kind.");
    describe_counter!(CHARGED, "What people were charged.");
    describe_counter!(OVERRUNS, "Replies that cost more than was set aside for them.");
    describe_counter!(ATTEMPTS, "Times a provider was asked, by why and by how that ended.");
    describe_histogram!(FIRST_TOKEN_SECONDS, "From asking a provider to its first token.");
    describe_counter!(COST, "What providers charge us.");
    describe_counter!(JOBS, "Runs of jobs, by how they ended.");
    describe_counter!(WEBHOOKS, "Messages from Stripe, by what became of them.");
    describe_counter!(SPANS, "Spans of traces, by what became of them.");
    describe_gauge!(VIOLATIONS, "Rows that the last audit of the money found to be wrong.");
    describe_gauge!(AUDIT_AGE, "How long ago that audit was.");
    describe_gauge!(BUILD, "The running version.");
    describe_gauge!(DATABASE_UP, "1 while PostgreSQL answers.");
    describe_gauge!(REDIS_UP, "1 while Redis answers.");
    describe_gauge!(LIMITER_IS_LOCAL, "1 while each process limits by itself, because Redis is away.");
    describe_gauge!(CONNECTIONS, "Connections of this process' pool.");
    describe_gauge!(HOLDS, "Holds that are pending.");
    describe_gauge!(HELD, "Money set aside by pending holds.");
    describe_gauge!(OLDEST_HOLD, "How long ago the oldest pending hold was made.");
    describe_gauge!(QUEUE, "Jobs in the queue; dead ones stay until somebody has looked at them.");
    describe_gauge!(OLDEST_JOB, "How long the job that is due longest has waited.");
    describe_gauge!(EVENTS, "Events of Stripe's that came in and are not dealt with.");
    describe_gauge!(OLDEST_EVENT, "How long ago the oldest of them came in.");
    describe_gauge!(BREAKER, "1 for the state that the breaker of a route is in, 0 for the others.");
    describe_gauge!(CEILING_USED, "The part of the day's ceiling that is used or held, of 1.");
    describe_gauge!(SWITCH_IS_ON, "1 while operators have turned something off for everybody.");
}

/// A request was answered. `route` is the pattern that matched.
pub(crate) fn request_answered(route: &str, method: &'static str, status: u16, latency: Duration) {
    let (route, status) = (route.to_owned(), status.to_string());
    counter!(REQUESTS, "route" => route.clone(), "method" => method, "status" => status).increment(1);
    histogram!(REQUEST_SECONDS, "route" => route, "method" => method).record(latency);
}

/// Whether a request became a reply, and if not, what stood in the way.
pub(crate) fn admission_decided(decision: &'static str) {
    counter!(ADMISSIONS, "decision" => decision).increment(1);
}

/// Whether what is no reply was let in. `limit` is its name.
pub(crate) fn call_decided(limit: &'static str, is_admitted: bool) {
    let decision = if is_admitted { "admitted" } else { "refused" };
    counter!(CALL_LIMITS, "limit" => limit, "decision" => decision).increment(1);
}

/// A settled reply, in tokens and nano-dollars.
pub(crate) struct SettledReply<'a> {
    pub(crate) model: &'a str,
    /// Who answered; `none` when nobody did.
    pub(crate) provider: &'static str,
    pub(crate) state: &'static str,
    pub(crate) duration: Option<Duration>,
    pub(crate) usage: TokenUsage,
    pub(crate) charged_nanos: u64,
}

pub(crate) fn reply_settled(reply: &SettledReply<'_>) {
    let model = || reply.model.to_owned();
    counter!(REPLIES, "model" => model(), "state" => reply.state).increment(1);
    for (kind, tokens) in kinds(reply.usage) {
        counter!(TOKENS, "model" => model(), "provider" => reply.provider, "kind" => kind)
            .increment(tokens.into());
    }
    counter!(CHARGED, "model" => model(), "provider" => reply.provider).increment(reply.charged_nanos);
    if let Some(duration) = reply.duration {
        histogram!(REPLY_SECONDS, "model" => model()).record(duration);
    }
}

/// Each token is of one kind, so that they can be added up.
fn kinds(usage: TokenUsage) -> [(&'static str, u32); 4] {
    [
        ("input", usage.uncached_input_tokens()),
        ("cached input", usage.cached_input_tokens),
        ("output", usage.answer_tokens()),
        ("reasoning", usage.reasoning_tokens),
    ]
}

/// A reply cost more than was set aside for it.
pub(crate) fn reply_overran() {
    counter!(OVERRUNS).increment(1);
}

/// A time a provider was asked.
pub(crate) struct EndedAttempt<'a> {
    pub(crate) model: &'a str,
    pub(crate) provider: &'static str,
    pub(crate) route: &'a str,
    /// `first`, `retry` (the same route again) or `fallback` (another one).
    pub(crate) kind: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) first_token: Option<Duration>,
    /// What the provider charges us.
    pub(crate) cost_nanos: u64,
}

pub(crate) fn attempt_ended(attempt: &EndedAttempt<'_>) {
    let route = || attempt.route.to_owned();
    counter!(ATTEMPTS, "route" => route(), "kind" => attempt.kind, "outcome" => attempt.outcome).increment(1);
    let model = attempt.model.to_owned();
    counter!(COST, "model" => model, "provider" => attempt.provider, "route" => route())
        .increment(attempt.cost_nanos);
    if let Some(first_token) = attempt.first_token {
        histogram!(FIRST_TOKEN_SECONDS, "route" => route()).record(first_token);
    }
}

/// `outcome`: `done`, `failed` or `dead`.
pub(crate) fn job_ended(kind: &str, outcome: &'static str) {
    counter!(JOBS, "kind" => kind.to_owned(), "outcome" => outcome).increment(1);
}

/// `outcome`: `taken`, `other_version` (taken, but of another version of the API than ours) or `refused`.
pub(crate) fn webhook_came(outcome: &'static str) {
    counter!(WEBHOOKS, "outcome" => outcome).increment(1);
}

/// `outcome`: `exported`, `failed` (the collector did not take them) or `dropped` (too many waited).
pub(crate) fn spans_ended(outcome: &'static str, count: u64) {
    counter!(SPANS, "outcome" => outcome).increment(count);
}

/// What stands now, looked up when somebody asks.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    pub(crate) redis_is_up: bool,
    pub(crate) limiter_is_local: bool,
    pub(crate) connections: Connections,
    /// None: the database is away.
    pub(crate) backlog: Option<Backlog>,
    /// What the last audit of the money found. None: the database is away, or there was none.
    pub(crate) audit: Option<AuditResult>,
    /// The part of the day's ceiling. None: there is none.
    pub(crate) ceiling_used: Option<f64>,
    /// Of each route by its key. None: Redis is away.
    pub(crate) breakers: Vec<(String, Option<BreakerState>)>,
    /// Each switch by its key, and whether it is on.
    pub(crate) switches: Vec<(&'static str, bool)>,
}

/// What is not known at the moment is no number, lest the last one passes for what stands now.
pub(crate) fn set_levels(levels: &Levels) {
    let is = |condition: bool| f64::from(u8::from(condition));
    gauge!(DATABASE_UP).set(is(levels.backlog.is_some()));
    gauge!(REDIS_UP).set(is(levels.redis_is_up));
    gauge!(LIMITER_IS_LOCAL).set(is(levels.limiter_is_local));
    gauge!(CONNECTIONS, "state" => "in use").set(levels.connections.in_use);
    gauge!(CONNECTIONS, "state" => "idle").set(levels.connections.idle);
    for (route, current) in &levels.breakers {
        for state in ["closed", "open", "half-open", "held"] {
            let value = current.map_or(f64::NAN, |current| is(breaker_name(current) == state));
            gauge!(BREAKER, "route" => route.clone(), "state" => state).set(value);
        }
    }
    if let Some(used) = levels.ceiling_used {
        gauge!(CEILING_USED).set(used);
    }
    for (switch, is_on) in &levels.switches {
        gauge!(SWITCH_IS_ON, "switch" => *switch).set(is(*is_on));
    }
    set_backlog(levels.backlog.as_ref());
    set_audit(levels.audit.as_ref());
}

fn breaker_name(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "closed",
        BreakerState::Open { seconds: 0 } => "half-open",
        BreakerState::Open { .. } => "open",
        BreakerState::Held => "held",
    }
}

fn set_backlog(backlog: Option<&Backlog>) {
    let count = |field: fn(&Backlog) -> i64| backlog.map_or(f64::NAN, |backlog| field(backlog) as f64);
    let age = |field: fn(&Backlog) -> f64| backlog.map_or(f64::NAN, field);
    gauge!(HOLDS).set(count(|backlog| backlog.holds));
    gauge!(HELD).set(count(|backlog| backlog.held_nanos));
    gauge!(OLDEST_HOLD).set(age(|backlog| backlog.oldest_hold_seconds));
    gauge!(QUEUE, "state" => "ready").set(count(|backlog| backlog.jobs_ready));
    gauge!(QUEUE, "state" => "running").set(count(|backlog| backlog.jobs_running));
    gauge!(QUEUE, "state" => "dead").set(count(|backlog| backlog.jobs_dead));
    gauge!(OLDEST_JOB).set(age(|backlog| backlog.oldest_due_job_seconds));
    gauge!(EVENTS).set(count(|backlog| backlog.events));
    gauge!(OLDEST_EVENT).set(age(|backlog| backlog.oldest_event_seconds));
}

/// The same in every process, whichever of them did the audit. While it is not known, the last word stands: money that does
/// not add up must not be forgotten because the database is away.
fn set_audit(audit: Option<&AuditResult>) {
    let Some(audit) = audit else { return };
    gauge!(AUDIT_AGE).set(audit.age_seconds);
    for (invariant, violations) in &audit.violations {
        gauge!(VIOLATIONS, "invariant" => invariant.clone()).set(*violations as f64);
    }
}
