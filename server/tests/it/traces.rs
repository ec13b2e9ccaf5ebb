//! What a collector of traces is told, what it is never told, and what becomes of people's requests when it is away.

use std::collections::BTreeSet;
use std::net::TcpListener;

use app::types::ReplyState;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::caps::{app_with, cap_month, spend};
use crate::support::{
    Browser, Reply, ServerProcess, TestApp, completion, free_port, new_request, prompt, start_silent, stop,
    until,
};

/// A server that sends its traces to the sandbox, under a key of its own.
struct Traced {
    process: ServerProcess,
    browser: Browser,
    authorization: String,
    trace_id: String,
    variables: Vec<(String, String)>,
}

impl Traced {
    async fn start(app: &TestApp, variables: &[(&str, &str)]) -> Self {
        let key = Uuid::now_v7().simple().to_string();
        let (endpoint, headers) =
            (format!("{}/otlp", app.sandbox.url), format!("Authorization=Basic%20{key}"));
        let usual = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
            ("TRACES_ENVIRONMENT", "test"),
        ];
        let variables = [&usual, variables].concat();
        let mut process = app.spawn_process(&variables);
        process.ready().await;
        let browser = app.user().await.at(&process.url);
        let trace_id = Uuid::now_v7().simple().to_string();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (authorization, variables) = (format!("Basic {key}"), variables.collect());
        Self { process, browser, authorization, trace_id, variables }
    }

    /// Kills the server. What it leaves is due to be swept by the next one, which begins.
    async fn kill_and_restart(&mut self, app: &TestApp) {
        self.process.kill();
        app.database().execute("update holds set expires_at = now()").await;
        let variables: Vec<_> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.process = app.spawn_process(&variables);
        self.process.ready().await;
    }

    /// As a program asks that has a trace of its own, and reads to the end.
    async fn ask(&self, prompt: &str) -> Reply {
        let mut reply = self.start_reply(prompt).await;
        reply.read_to_end().await;
        reply
    }

    async fn start_reply(&self, prompt: &str) -> Reply {
        let traceparent = format!("00-{}-00f067aa0ba902b7-01", self.trace_id);
        let reply = self.browser.start_reply_within(&new_request(prompt), &traceparent).await;
        assert_eq!(reply.status(), StatusCode::OK);
        reply
    }

    /// Lets the server end, which sends what is left; then what was sent of the trace.
    async fn spans(&mut self, app: &TestApp) -> Vec<Value> {
        self.end();
        let query = [("key", self.authorization.as_str()), ("trace", &self.trace_id)];
        serde_json::from_str(&app.sandbox.get("control/otlp/spans", &query).await).expect("spans")
    }

    /// Everything that was sent.
    async fn bytes(&mut self, app: &TestApp) -> String {
        self.end();
        app.sandbox.get("control/otlp/bodies", &[("key", &self.authorization)]).await
    }

    fn end(&mut self) {
        self.process.terminate();
        assert!(self.process.exit_status().success(), "{}", self.process.log());
    }
}

/// The names below a span as a tree, in the order in which they began, each with what it says of how it ended.
fn tree(spans: &[Value], parent: &str) -> Value {
    let mut children: Vec<_> = spans.iter().filter(|span| span["parent_span_id"] == parent).collect();
    children.sort_by_key(|span| span["start_nanos"].as_u64());
    let ending = |span: &Value| {
        let said = ["plumbline.admission.decision", "plumbline.attempt.outcome", "plumbline.reply.state"];
        said.iter().find_map(|key| span["attributes"][key].as_str()).unwrap_or_default().to_owned()
    };
    let name = |span: &Value| format!("{} {}", span["name"].as_str().expect("a name"), ending(span));
    let below = |span: &Value| tree(spans, span["span_id"].as_str().expect("an id"));
    children.iter().map(|span| json!([name(span).trim_end(), below(span)])).collect()
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no {name}: {spans:?}"))
}

/// The first provider fails, the second answers.
async fn script_fallback(app: &TestApp, prompt: &str, answer: &str) {
    app.sandbox.script(prompt, json!({ "upstream": "", "status": 503 })).await;
    app.sandbox.script(prompt, json!({ "upstream": "second", "text": answer, "gap_ms": 0 })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_with_a_fallback_is_one_trace_from_the_request_to_the_settlement() {
    let app = TestApp::with_env(&[], |_| {}).await;
    let mut traced = Traced::start(&app, &[]).await;
    let prompt = prompt();
    script_fallback(&app, &prompt, "It is Tuesday.").await;
    let reply = traced.ask(&prompt).await;
    assert_eq!(reply.state(), ReplyState::Finished);
    let (message, _) = reply.ended();
    let (thread_id, charged) = (reply.thread_id(), message.charged.expect("a charge").0);

    let spans = traced.spans(&app).await;
    let attempts = json!([
        ["chat sandbox-small overloaded", []],
        ["chat claude-sandbox finished", []],
        ["settlement finished", []]
    ]);
    assert_eq!(
        tree(&spans, "00f067aa0ba902b7"),
        json!([["POST /api/chat/start_reply", [["admission admitted", []], ["reply", attempts]]]])
    );
    for span in &spans {
        let attributes = &span["attributes"];
        assert_eq!(attributes["session.id"], thread_id.to_string(), "{span}");
        assert!(attributes["user.id"].as_str().is_some_and(|id| Uuid::parse_str(id).is_ok()), "{span}");
        assert_eq!(attributes["langfuse.environment"], "test");
        assert_eq!(attributes["langfuse.trace.tags"], json!(["chat"]), "{span}");
        assert_eq!(span["resource"]["service.name"], "plumbline");
    }
    let failed = named(&spans, "chat sandbox-small");
    assert_eq!((&failed["is_error"], &failed["kind"]), (&json!(true), &json!(3)));
    assert_eq!(failed["attributes"]["langfuse.observation.level"], "ERROR");
    let answered = &named(&spans, "chat claude-sandbox")["attributes"];
    for (key, value) in [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.provider.name", json!("anthropic")),
        ("gen_ai.request.model", json!("claude-sandbox")),
        ("gen_ai.response.model", json!("claude-sandbox")),
        ("gen_ai.response.finish_reasons", json!(["stop"])),
        ("langfuse.observation.type", json!("generation")),
        ("plumbline.route", json!("everyday-second")),
        ("plumbline.attempt.is_fallback", json!(true)),
    ] {
        assert_eq!(answered[key], value, "{key}");
    }
    let details =
        |key: &str| -> Value { serde_json::from_str(answered[key].as_str().expect("a text")).expect("JSON") };
    assert_eq!(
        answered["gen_ai.usage.output_tokens"],
        details("langfuse.observation.usage_details")["output"]
    );
    assert!(details("langfuse.observation.cost_details")["total"].as_f64().is_some_and(|cost| cost > 0.0));
    assert!(answered["langfuse.observation.completion_start_time"].is_string());
    assert_eq!(named(&spans, "settlement")["attributes"]["plumbline.charged_nanodollars"], charged);
}

/// (39)
#[tokio::test(flavor = "multi_thread")]
async fn no_text_no_address_and_no_secret_is_ever_sent_or_logged_and_no_probe_is_traced() {
    let app = TestApp::with_env(&[], |_| {}).await;
    let mut traced = Traced::start(&app, &[("RUST_LOG", "info")]).await;
    let (prompt, answer) = (prompt(), format!("answer {}", Uuid::now_v7()));
    script_fallback(&app, &prompt, &answer).await;
    traced.ask(&prompt).await;
    for path in ["health/live?secret=word", "chat?secret=word", "nothing?secret=word"] {
        reqwest::get(traced.process.url.join(path).expect("a path")).await.expect("an answer");
    }

    let bytes = traced.bytes(&app).await;
    let session = traced.browser.cookies["__Host-session"].clone();
    for secret in [&prompt, &answer, &session, "person-", "example.test", "sandbox-key", "secret=word"] {
        assert!(!bytes.contains(secret), "{secret} was sent");
    }
    assert!(bytes.contains("GET /chat") && !bytes.contains("health"));
    let log = traced.process.log();
    let audit = app.database().rows("select row_to_json(audit_events)::text from audit_events").await;
    let audit: String = audit.iter().map(|row| row.get::<_, String>(0)).collect();
    assert!(audit.contains("signed_in"), "{audit}");
    for secret in [&prompt, &answer, &session, "example.test", "sandbox-key"] {
        assert!(!log.contains(secret), "{secret} was logged");
        assert!(!audit.contains(secret), "{secret} is in the audit log");
    }
    let line = log.lines().find(|line| line.contains("Finished reply")).expect("a line");
    assert!(line.contains(&traced.trace_id) && line.contains("request.id"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_captured_is_masked() {
    let app = TestApp::with_env(&[], |_| {}).await;
    let mut traced = Traced::start(&app, &[("TRACES_CAPTURE_TEXT", "true")]).await;
    let marker = prompt();
    let secrets = ["ada@mail.example", "4242 4242 4242 4242", "sk-live-0123456789abcdef"];
    script_fallback(&app, &marker, &format!("As you say, {}.", secrets[0])).await;
    traced.ask(&format!("{marker} {}\n{}\n{}", secrets[0], secrets[1], secrets[2])).await;

    let bytes = traced.bytes(&app).await;
    assert!(bytes.contains(&format!("{marker} [address]\\n[card]\\n[secret]")), "{bytes}");
    assert!(bytes.contains("As you say, [address]"), "{bytes}");
    for secret in secrets {
        assert!(!bytes.contains(secret), "{secret} was sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_a_reply_has_caused_is_in_its_trace() {
    let app = app_with(|_| {}).await;
    let mut traced = Traced::start(&app, &[("FREE_MONTHLY_CREDIT_CENTS", "100000")]).await;
    cap_month(&traced.browser, "1.00", false).await;
    let at_home = traced.browser.at(&app.url);
    spend(&app, &at_home, 49).await;
    let prompt = prompt();
    let usage = json!({ "prompt_tokens": 0, "completion_tokens": 2 });
    app.sandbox.script(&prompt, json!({ "text": "Yes.", "usage": usage, "gap_ms": 0 })).await;
    traced.ask(&prompt).await;
    while app
        .database()
        .number("select count(*) from notices where mailed_at is null and kept_at is null")
        .await
        > 0
    {}

    let spans = traced.spans(&app).await;
    let names = |span: &Value| span["attributes"]["langfuse.trace.name"].as_str().map(str::to_owned);
    let names: BTreeSet<_> = spans.iter().filter_map(names).collect();
    assert_eq!(Vec::from_iter(names), ["POST /api/chat/start_reply"], "one name, whatever it has caused");
    let job = named(&spans, "job deliver_notice");
    assert_eq!((&job["kind"], &job["is_error"]), (&json!(5), &json!(false)));
    assert_eq!(job["parent_span_id"], named(&spans, "settlement")["span_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_of_what_a_killed_process_left_is_in_the_trace_of_the_reply() {
    let app = TestApp::with_env(&[], |_| {}).await;
    let mut traced = Traced::start(&app, &[]).await;
    let prompt = prompt();
    let script = json!({ "text": "a b c", "stall_after_chunks": 1, "first_token_delay_ms": 0 });
    app.sandbox.script(&prompt, script).await;
    let mut reply = traced.start_reply(&prompt).await;
    let (generation_id, thread_id) = reply.read_started().await;
    reply.read_event().await;
    traced.kill_and_restart(&app).await;
    until(async || {
        app.database().number("select count(*) from generations where state = 'streaming'").await == 0
    })
    .await;

    let spans = traced.spans(&app).await;
    let attributes = &named(&spans, "sweep")["attributes"];
    assert_eq!(attributes["plumbline.generation.id"], generation_id.to_string());
    assert_eq!(attributes["session.id"], thread_id.to_string());
    assert_eq!(attributes["plumbline.reply.state"], "interrupted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_calls_tools_and_one_that_was_too_long_are_traced_as_ended_by_that() {
    let app = TestApp::start().await;
    let mut traced = Traced::start(&app, &[]).await;
    let program = app.program(&traced.browser.at(&app.url)).await.at(&traced.process.url);
    let (calling, long) = (prompt(), prompt());
    let calls = json!([{ "name": "weather", "arguments": { "city": "Ulm" } }]);
    app.sandbox.script(&calling, json!({ "tool_calls": calls, "gap_ms": 0 })).await;
    app.sandbox.script(&long, json!({ "text": "a b c d e f g h", "gap_ms": 0 })).await;
    let tools = json!([{ "type": "function", "function": { "name": "weather", "parameters": { "type": "object" } } }]);
    for (prompt, field, value) in [(&calling, "tools", tools), (&long, "max_tokens", json!(2))] {
        let mut ask = completion(prompt);
        ask[field] = value;
        let answer = program.complete(&ask).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap_or_default());
    }
    let reply = start_silent(&app, &traced.browser).await;
    stop(&traced.browser, reply).await;

    traced.end();
    let key = [("key", traced.authorization.as_str())];
    let spans: Vec<Value> =
        serde_json::from_str(&app.sandbox.get("control/otlp/spans", &key).await).expect("spans");
    let mut attempts: Vec<_> = spans.iter().filter(|span| span["name"] == "chat sandbox-small").collect();
    attempts.sort_by_key(|span| span["start_nanos"].as_u64());
    let reasons = attempts.iter().map(|span| span["attributes"]["gen_ai.response.finish_reasons"].clone());
    let reasons: Vec<_> = reasons.collect();
    assert_eq!(
        reasons,
        [json!(["tool_calls"]), json!(["length"]), Value::Null],
        "who is stopped gives no reason"
    );
}

/// The figures of a process' own listener.
async fn spans_counted(metrics_url: &str, outcome: &str) -> bool {
    let text = reqwest::get(metrics_url).await.expect("an answer").text().await.expect("text");
    text.contains(&format!(r#"plumbline_trace_spans_total{{outcome="{outcome}"}}"#))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_no_reply_anything_and_is_counted() {
    let app = TestApp::start().await;
    let (nowhere, metrics) =
        (format!("http://127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", nowhere.as_str()), ("METRICS_ADDR", &metrics)];
    let mut traced = Traced::start(&app, &variables).await;
    assert_eq!(traced.ask(&prompt()).await.state(), ReplyState::Finished);
    until(async || spans_counted(&format!("http://{metrics}/metrics"), "failed").await).await;
    traced.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_collector_that_never_answers() {
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    let app = TestApp::start().await;
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000")];
    let mut traced = Traced::start(&app, &variables).await;
    for _ in 0..3 {
        assert_eq!(traced.ask(&prompt()).await.state(), ReplyState::Finished);
    }
    traced.end();
}
