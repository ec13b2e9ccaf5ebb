//! What Prometheus is told.

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};

use app::types::ReplyState;
use http::StatusCode;
use serde_json::json;

use crate::billing::webhooks::{deliver, event, sign};
use crate::money_audit::unbalance;
use crate::support::{Browser, ServerProcess, TestApp, WEBHOOK_SECRET, free_port, new_request, prompt};

/// A server of its own, because metrics are counted for a whole process.
struct Watched {
    process: ServerProcess,
    browser: Browser,
    metrics_url: String,
}

impl Watched {
    async fn start(app: &TestApp, variables: &[(&str, &str)]) -> Self {
        let addr = format!("127.0.0.1:{}", free_port());
        let mut process = app.spawn_process(&[&[("METRICS_ADDR", addr.as_str())], variables].concat());
        process.ready().await;
        let browser = app.user().await.at(&process.url);
        Self { process, browser, metrics_url: format!("http://{addr}/metrics") }
    }

    async fn text(&self) -> String {
        let response = reqwest::get(&self.metrics_url).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        response.text().await.expect("text")
    }

    /// Prometheus' own tool finds nothing wrong with names, types and help.
    async fn check(&self) {
        let mut tool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool, which bin/setup installs");
        tool.stdin.take().expect("its input").write_all(self.text().await.as_bytes()).expect("it reads");
        let output = tool.wait_with_output().expect("it ends");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }

    /// Each line's value, by its name with labels.
    async fn read(&self) -> HashMap<String, f64> {
        let text = self.text().await;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pair = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        lines.filter_map(pair).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_counted_with_its_request_tokens_money_and_provider() {
    let app = TestApp::start().await;
    let watched = Watched::start(&app, &[]).await;
    let reply = watched.browser.ask(&prompt()).await;
    assert_eq!(reply.state(), ReplyState::Finished);
    let (message, _) = reply.ended();
    let figures = watched.read().await;
    let of = |name: &str| figures.get(name).copied();
    let request =
        r#"plumbline_http_requests_total{route="/api/chat/start_reply",method="POST",status="200"}"#;
    assert_eq!(of(request), Some(1.0));
    assert_eq!(of(r#"plumbline_replies_total{model="everyday",state="finished"}"#), Some(1.0));
    let attempt = r#"plumbline_attempts_total{route="everyday-first",kind="first",outcome="finished"}"#;
    assert_eq!(of(attempt), Some(1.0));
    let input = r#"plumbline_reply_tokens_total{model="everyday",provider="openai",kind="input"}"#;
    assert!(of(input) > Some(0.0), "{figures:?}");
    assert_eq!(of(r#"plumbline_first_token_seconds_count{route="everyday-first"}"#), Some(1.0));
    let charged = message.charged.expect("a charge").0;
    assert_eq!(of(r#"plumbline_charged_nanodollars_total{model="everyday"}"#), Some(charged as f64));
    assert_eq!((of("plumbline_holds_open"), of("plumbline_held_nanodollars")), (Some(0.0), Some(0.0)));
    assert_eq!((of("plumbline_redis_up"), of("plumbline_limiter_is_local")), (Some(1.0), Some(0.0)));
    assert_eq!(of(r#"plumbline_breaker_is_open{route="everyday-first"}"#), Some(0.0));
    assert_eq!(of(r#"plumbline_switch_is_on{switch="maintenance"}"#), Some(0.0));
    assert_eq!(of("plumbline_stripe_events_waiting"), Some(0.0));
    watched.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_the_plan_does_not_include_is_a_refusal_that_is_counted() {
    let app = TestApp::start().await;
    assert!(app.command().arg("apply-catalog").output().expect("it runs").status.success());
    app.database().execute("delete from plan_models where model_key = 'thorough' and plan = 'free'").await;
    let watched = Watched::start(&app, &[]).await;
    for (model, words) in [("thorough", "does not include this model"), ("other", "no longer offered")] {
        let mut request = new_request(&prompt());
        request["model"] = json!(model);
        let refused = watched.browser.start_reply(&request).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let text = refused.error().await.to_string();
        assert!(text.contains(words), "{text}");
    }
    let figures = watched.read().await;
    let count =
        |decision: &str| figures.get(&format!("plumbline_admissions_total{{decision=\"{decision}\"}}"));
    assert_eq!((count("model_not_included"), count("model_not_offered")), (Some(&1.0), Some(&1.0)));
}

/// Whoever makes the endpoint chooses the version.
#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_another_version_of_stripes_api_are_taken_and_counted() {
    let app = TestApp::start().await;
    let api_url = format!("{}/stripe/", app.sandbox.url);
    let stripe = [
        ("STRIPE_SECRET_KEY", "sk_test_versions"),
        ("STRIPE_API_URL", api_url.as_str()),
        ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET),
    ];
    let watched = Watched::start(&app, &stripe).await;
    let body = event("evt_1", "moon.rises", &json!({ "object": "moon" }));
    let older = event("evt_2", "moon.sets", &json!({ "object": "moon" })).replace("2026-", "2020-");
    for (body, signature, status) in
        [(&body, sign(&body, 0), 200), (&older, sign(&older, 0), 200), (&body, String::new(), 400)]
    {
        assert_eq!(deliver(&watched.process.url, body, &signature).await, status);
    }
    let figures = watched.read().await;
    for outcome in ["taken", "other_version", "refused"] {
        let figure = format!("plumbline_webhooks_total{{outcome=\"{outcome}\"}}");
        assert_eq!(figures.get(&figure), Some(&1.0), "{outcome}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_and_fallbacks_are_counted_apart_and_cost_by_model_and_provider() {
    let app = TestApp::with_env(&[], |_| {}).await;
    let watched = Watched::start(&app, &[]).await;
    let prompt = prompt();
    app.sandbox.script(&prompt, json!({ "text": "At last.", "gap_ms": 0 })).await;
    for upstream in ["", "second"] {
        app.sandbox.script(&prompt, json!({ "upstream": upstream, "status": 503, "times": 1 })).await;
    }
    assert_eq!(watched.browser.ask(&prompt).await.state(), ReplyState::Finished);
    let figures = watched.read().await;
    let counted = |start: &str| {
        figures.iter().filter(|(name, _)| name.starts_with(start)).map(|(_, count)| count).sum::<f64>()
    };
    assert_eq!(counted(r#"plumbline_attempts_total{route="everyday-first",kind="first","#), 1.0);
    assert_eq!(counted(r#"plumbline_attempts_total{route="everyday-second",kind="fallback","#), 1.0);
    assert_eq!(counted(r#"plumbline_attempts_total{route="everyday-first",kind="retry","#), 1.0);
    let cost = r#"plumbline_cost_nanodollars_total{model="everyday",provider="openai","#;
    assert!(counted(cost) > 0.0, "{figures:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_audit_has_found_is_told_by_every_process_until_the_next_one() {
    let app = TestApp::start().await;
    let watched = Watched::start(&app, &[]).await;
    let broken = r#"plumbline_money_invariant_violations{invariant="balance-equals-entries"}"#;
    // The last night's, which is made up for.
    while !watched.read().await.contains_key(broken) {}
    for (by, violations) in [("- 1", 1.0), ("+ 1", 0.0)] {
        app.database().execute(&unbalance(by)).await;
        app.command().arg("audit").output().expect("it runs");
        assert_eq!(watched.read().await.get(broken), Some(&violations));
    }
    watched.check().await;
}

/// (24)
#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_metrics_say_that_each_process_limits_alone() {
    let app = TestApp::start().await;
    let watched = Watched::start(&app, &[("REDIS_URL", "redis://127.0.0.1:9/")]).await;
    let figures = watched.read().await;
    let of = |name: &str| figures.get(name).copied();
    assert_eq!((of("plumbline_redis_up"), of("plumbline_limiter_is_local")), (Some(0.0), Some(1.0)));
    assert_eq!(of("plumbline_database_up"), Some(1.0));
    let breaker = of(r#"plumbline_breaker_is_open{route="everyday-first"}"#);
    assert!(breaker.is_some_and(f64::is_nan), "nobody knows: {breaker:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_not_for_the_public() {
    let app = TestApp::start().await;
    assert_eq!(app.browser().get("/metrics").await.status(), StatusCode::NOT_FOUND);
}
