//! A reply as its trace tells it: one span for each attempt, in the words of OpenTelemetry's conventions for generative AI
//! and of Langfuse. Prices and tokens are those of the record.
//! <https://opentelemetry.io/docs/specs/semconv/gen-ai/>

use app::ModelFailure;
use app::types::{AttemptOutcome, Nanos, ToolCall};
use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};

use super::attempts::Next;
use super::run::Job;
use super::transcript::{AttemptRecord, Transcript};
use crate::pricing::TokenUsage;
use crate::providers::llm::{CompletionRequest, Speaker, Turn, Upstream};
use crate::store::Attempt;
use crate::store::catalog::Route;
use crate::store::settlements::Settlement;
use crate::telemetry::traces::{self, Span};

/// From the claim to the settled end. Not named after its model, by which Langfuse would take it for a call.
pub(super) fn reply(job: &Job) -> Span {
    let span = Span::part("reply");
    if span.is_recorded() {
        span.set("plumbline.generation.id", job.new.id.to_string());
        span.set("plumbline.model", job.new.model.clone());
        span.set("plumbline.held_nanodollars", job.terms.amount.0);
    }
    span
}

/// Asking one provider.
pub(super) fn attempt(job: &Job, route: &Route, upstream: &Upstream, next: &Next, number: usize) -> Span {
    let span = Span::call(format!("chat {}", upstream.model));
    if !span.is_recorded() {
        return span;
    }
    span.set("gen_ai.operation.name", "chat");
    span.set("gen_ai.provider.name", upstream.format.key());
    span.set("gen_ai.request.model", upstream.model.clone());
    span.set("gen_ai.request.max_tokens", i64::from(job.terms.output_tokens));
    span.set("gen_ai.request.stream", true);
    span.set_if_some("server.address", upstream.base_url.host_str().map(str::to_owned));
    span.set("plumbline.route", route.key.clone());
    span.set("plumbline.attempt.number", as_int(number));
    span.set("plumbline.attempt.is_retry", next.is_retry);
    span.set("plumbline.attempt.is_fallback", number > 1 && !next.is_retry);
    span.set("langfuse.observation.type", "generation");
    if traces::captures_text() {
        span.set("gen_ai.input.messages", spoken(&job.request));
    }
    span
}

/// The attempts of a reply that has ended, each when it was over.
pub(super) fn end_attempts(transcript: &mut Transcript, attempts: &[Attempt]) {
    let said = Turn {
        tool_calls: transcript.output.tool_calls.clone(),
        ..Turn::said(Speaker::Assistant, transcript.output.text.as_str())
    };
    let calls_tools = !said.tool_calls.is_empty();
    let answer = Value::from_iter([message(&said)]).to_string();
    for (record, attempt) in transcript.attempts.drain(..).zip(attempts) {
        end_attempt(record, attempt, &answer, calls_tools);
    }
}

fn end_attempt(record: AttemptRecord, attempt: &Attempt, answer: &str, calls_tools: bool) {
    let AttemptRecord { span, answering_model, .. } = record;
    if !span.is_recorded() {
        return;
    }
    span.set("plumbline.attempt.outcome", attempt.outcome.as_str());
    span.set_if_some("gen_ai.response.model", answering_model);
    if let Some(first_token_ms) = attempt.first_token_ms {
        let began = attempt.started_at + TimeDelta::milliseconds(first_token_ms.into());
        let began = began.to_rfc3339_opts(SecondsFormat::Millis, true);
        span.set("langfuse.observation.completion_start_time", began);
    }
    if let Some(usage) = attempt.usage {
        set_usage(&span, usage, attempt.cost);
    }
    if traces::captures_text() && attempt.first_token_ms.is_some() {
        span.set("gen_ai.output.messages", answer.to_owned());
    }
    if attempt.outcome.has_failed() {
        span.fail(attempt.outcome.as_str());
        span.set("langfuse.observation.level", "ERROR");
        span.set("langfuse.observation.status_message", attempt.outcome.as_str());
    }
    if let Some(reason) = finish_reason(attempt.outcome, calls_tools) {
        span.set_each("gen_ai.response.finish_reasons", [reason]);
    }
    span.end_at(attempt.started_at + TimeDelta::milliseconds(attempt.duration_ms.into()));
}

/// Why the model ended, in OpenAI's words whoever provides it. None: it did not end by itself.
fn finish_reason(outcome: AttemptOutcome, calls_tools: bool) -> Option<&'static str> {
    match outcome {
        AttemptOutcome::Finished if calls_tools => Some("tool_calls"),
        AttemptOutcome::Finished => Some("stop"),
        AttemptOutcome::Limited => Some("length"),
        AttemptOutcome::Failed(ModelFailure::Filtered) => Some("content_filter"),
        AttemptOutcome::Failed(_)
        | AttemptOutcome::Stopped
        | AttemptOutcome::CutOff
        | AttemptOutcome::Panicked => None,
    }
}

/// Langfuse adds up what it is given, so there each token is counted once.
fn set_usage(span: &Span, usage: TokenUsage, cost: Nanos) {
    let TokenUsage { input_tokens, cached_input_tokens, output_tokens, reasoning_tokens } = usage;
    span.set("gen_ai.usage.input_tokens", i64::from(input_tokens));
    span.set("gen_ai.usage.output_tokens", i64::from(output_tokens));
    span.set("gen_ai.usage.cache_read.input_tokens", i64::from(cached_input_tokens));
    span.set("gen_ai.usage.reasoning.output_tokens", i64::from(reasoning_tokens));
    let details = json!({
        "input": usage.uncached_input_tokens(),
        "input_cached_tokens": cached_input_tokens,
        "output": usage.answer_tokens(),
        "output_reasoning_tokens": reasoning_tokens,
    });
    span.set("langfuse.observation.usage_details", details.to_string());
    span.set("langfuse.observation.cost_details", json!({ "total": dollars(cost) }).to_string());
}

/// Saving, charging and resolving the hold.
pub(super) fn settlement(settlement: &Settlement) -> Span {
    let span = Span::part("settlement");
    if span.is_recorded() {
        set_settlement(&span, settlement);
    }
    span
}

/// The same by a sweep, for a reply whose process has died: the last of its trace.
pub(super) fn sweep(settlement: &Settlement, traceparent: Option<&str>) -> Span {
    let span = Span::later("sweep".to_owned(), traceparent);
    if span.is_recorded() {
        span.set("plumbline.generation.id", settlement.generation_id.to_string());
        span.set("session.id", settlement.thread_id.to_string());
        set_settlement(&span, settlement);
    }
    span
}

fn set_settlement(span: &Span, settlement: &Settlement) {
    span.set("plumbline.reply.state", settlement.state.as_str());
    span.set("plumbline.charged_nanodollars", settlement.charged.0);
    span.set("plumbline.attempts", as_int(settlement.attempts.len()));
    span.set("plumbline.usage.is_estimated", settlement.is_estimated);
}

fn spoken(request: &CompletionRequest) -> String {
    let instructions =
        request.instructions.as_deref().map(|text| json!({ "role": "system", "parts": [part(text)] }));
    instructions.into_iter().chain(request.turns.iter().map(message)).collect::<Value>().to_string()
}

fn message(turn: &Turn) -> Value {
    let role = match turn.speaker {
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
        Speaker::Tool => "tool",
    };
    let said = match &turn.tool_call_id {
        Some(id) => Some(json!({ "type": "tool_call_response", "id": id, "response": turn.text })),
        None => (!turn.text.is_empty()).then(|| part(&turn.text)),
    };
    let calls = turn.tool_calls.iter().map(|ToolCall { id, name, arguments }| {
        json!({ "type": "tool_call", "id": id, "name": name, "arguments": arguments })
    });
    json!({ "role": role, "parts": said.into_iter().chain(calls).collect::<Value>() })
}

fn part(text: &str) -> Value {
    json!({ "type": "text", "content": text })
}

/// For a reader: money is never reckoned with such a number.
fn dollars(nanos: Nanos) -> f64 {
    nanos.0 as f64 / 1e9
}

fn as_int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
