//! What Prometheus is told.

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};

use app::types::ReplyState;
use http::StatusCode;
use serde_json::json;

use crate::billing::webhooks::{deliver, event, sign};
use crate::caps::{app_with, spend};
use crate::money_audit::unbalance;
use crate::support::{
    Browser, NO_REDIS, ServerProcess, TestApp, WEBHOOK_SECRET, free_port, new_request, prompt, start_silent,
    stop, until,
};

/// A server of its own, because metrics are counted for a whole process.
struct Watched {
    process: ServerProcess,
    browser: Browser,
    metrics_url: String,
}

impl Watched {
    async fn start(app: &TestApp, variables: &[(&str, &str)]) -> Self {
        Self::watch(app, |metrics| app.spawn_process(&[&[metrics], variables].concat())).await
    }

    /// `spawn` is given the variable that has it tell metrics.
    async fn watch(app: &TestApp, spawn: impl FnOnce((&str, &str)) -> ServerProcess) -> Self {
        let addr = format!("127.0.0.1:{}", free_port());
        let mut process = spawn(("METRICS_ADDR", &addr));
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
    let charged_of = r#"plumbline_charged_nanodollars_total{model="everyday",provider="openai"}"#;
    assert_eq!(of(charged_of), Some(charged as f64));
    assert_eq!((of("plumbline_holds_open"), of("plumbline_held_nanodollars")), (Some(0.0), Some(0.0)));
    assert_eq!((of("plumbline_redis_up"), of("plumbline_limiter_is_local")), (Some(1.0), Some(0.0)));
    let breaker =
        |state| of(&format!("plumbline_breaker_state{{route=\"everyday-first\",state=\"{state}\"}}"));
    assert_eq!((breaker("closed"), breaker("open"), breaker("held")), (Some(1.0), Some(0.0), Some(0.0)));
    assert_eq!(of(r#"plumbline_switch_is_on{switch="maintenance"}"#), Some(0.0));
    assert_eq!(of("plumbline_stripe_events_waiting"), Some(0.0));
    watched.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_token_is_counted_once_by_its_kind() {
    let app = TestApp::start().await;
    let (watched, prompt) = (Watched::start(&app, &[]).await, prompt());
    let script = json!({ "reasoning": "hm, so", "text": "Yes, of course.", "cached_tokens": 3, "gap_ms": 0 });
    app.sandbox.script(&prompt, script).await;
    assert_eq!(watched.browser.ask(&prompt).await.state(), ReplyState::Finished);
    let used = "select input_tokens, cached_input_tokens, output_tokens, reasoning_tokens from usage_records";
    let used = &app.database().rows(used).await[0];
    let [input, cached, output, reasoning] = [0, 1, 2, 3].map(|column| used.get::<_, i32>(column));
    assert!(input > 3 && cached == 3 && output > reasoning && reasoning > 0, "{used:?}");
    let figures = watched.read().await;
    for (kind, tokens) in [
        ("input", input - cached),
        ("cached input", cached),
        ("output", output - reasoning),
        ("reasoning", reasoning),
    ] {
        let figure =
            format!(r#"plumbline_reply_tokens_total{{model="everyday",provider="openai",kind="{kind}"}}"#);
        assert_eq!(figures.get(&figure), Some(&f64::from(tokens)), "{kind}");
    }
}

/// What the alerts about a queue that stands still go by.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_counted_with_the_age_of_the_oldest_and_what_is_turned_off_is_told() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let watched = Watched::watch(&app, |metrics| app.spawn_without_worker(&[metrics])).await;
    let reply = start_silent(&app, &watched.browser).await;
    let waiting = "
        update holds set created_at = now() - interval '1 hour';
        insert into jobs (id, kind, payload, max_attempts, run_at, state, leased_until, finished_at)
        select gen_random_uuid(), 'of_tomorrow', '{}', 1, now() - interval '2 hours', state,
            case when state = 'running' then now() + interval '1 hour' end, case when state = 'dead' then now() end
        from unnest(array['ready', 'ready', 'running', 'dead']) as state;
        insert into stripe_events (id, type, is_live, payload, received_at)
        values ('evt_1', 'moon.rises', false, '{}', now() - interval '3 hours');";
    app.database().execute(waiting).await;
    let close = [("route", "everyday-second")];
    assert_eq!(operator.call("admin/providers/close_route", &close).await.status(), 200);
    let switch = [("switch", "sign_up_closed"), ("is_on", "true"), ("reason", "a rush")];
    assert_eq!(operator.call("admin/system/set_switch", &switch).await.status(), 200);

    // Switches are looked up every few seconds.
    until(async || {
        watched.read().await.get(r#"plumbline_switch_is_on{switch="sign_up_closed"}"#) == Some(&1.0)
    })
    .await;
    let figures = watched.read().await;
    let of = |name: &str| figures.get(name).copied();
    let held =
        app.database().number("select sum(amount_nanos)::bigint from holds where state = 'pending'").await;
    for (figure, expected) in [
        ("plumbline_holds_open", 1.0),
        ("plumbline_held_nanodollars", held as f64),
        (r#"plumbline_jobs{state="ready"}"#, 2.0),
        (r#"plumbline_jobs{state="running"}"#, 1.0),
        (r#"plumbline_jobs{state="dead"}"#, 1.0),
        ("plumbline_stripe_events_waiting", 1.0),
        (r#"plumbline_breaker_state{route="everyday-second",state="held"}"#, 1.0),
        (r#"plumbline_breaker_state{route="everyday-second",state="closed"}"#, 0.0),
        (r#"plumbline_switch_is_on{switch="maintenance"}"#, 0.0),
    ] {
        assert_eq!(of(figure), Some(expected), "{figure}");
    }
    for (figure, hours) in [
        ("plumbline_oldest_hold_age_seconds", 1.0),
        ("plumbline_oldest_due_job_age_seconds", 2.0),
        ("plumbline_oldest_stripe_event_age_seconds", 3.0),
    ] {
        let age = of(figure).expect(figure) / 3600.0;
        assert!((hours..hours + 0.5).contains(&age), "{figure}: {age} hours");
    }
    let connections = |state| of(&format!("plumbline_database_connections{{state=\"{state}\"}}"));
    assert!(connections("idle") >= Some(1.0), "whoever looked it up has given it back");
    assert!(connections("in use").is_some());
    watched.check().await;
    stop(&watched.browser, reply).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_by_their_limit_and_by_what_was_decided() {
    let app = TestApp::start().await;
    let watched = Watched::start(&app, &[("SIGN_IN_ATTEMPTS_PER_MINUTE", "2")]).await;
    // Whoever watches has signed in from the same address.
    let stranger = app.browser().at(&watched.process.url);
    for status in [303, 429, 429] {
        assert_eq!(stranger.clone().get("/auth/oidc/start").await.status(), status);
    }
    let figures = watched.read().await;
    let counted = |decision| {
        let figure = format!(r#"plumbline_call_limits_total{{limit="sign-in-start",decision="{decision}"}}"#);
        figures.get(&figure).copied()
    };
    assert_eq!((counted("admitted"), counted("refused")), (Some(1.0), Some(2.0)));
    let account = r#"plumbline_call_limits_total{limit="account-programs",decision="admitted"}"#;
    let program = app.program(&watched.browser.at(&app.url)).await.at(&watched.process.url);
    assert_eq!(program.get("/v1/models").await.status(), 200);
    assert_eq!(
        watched.read().await.get(account),
        Some(&1.0),
        "programs are no strangers, and are counted, too"
    );
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

/// The gauge and the counter by which operators are told before, and when.
#[tokio::test(flavor = "multi_thread")]
async fn how_much_of_the_days_ceiling_is_used_is_told_before_it_is_reached_and_that_it_is() {
    let app = app_with(|_| {}).await;
    let (used, refused) =
        ("plumbline_daily_ceiling_used_ratio", r#"plumbline_admissions_total{decision="ceiling"}"#);
    // Also fills the catalog, with the prices of this test.
    spend(&app, &app.user().await, 10).await;
    let without = Watched::start(&app, &[]).await;
    assert_eq!(without.read().await.get(used), None, "there is no ceiling");

    let settings = [("DAILY_CEILING_CENTS", "100"), ("FREE_MONTHLY_CREDIT_CENTS", "100000")];
    let watched = Watched::start(&app, &settings).await;
    let at_home = watched.browser.at(&app.url);
    let is_told = async |ratio: f64| until(async || watched.read().await.get(used) == Some(&ratio)).await;
    is_told(0.1).await;
    assert_eq!(watched.read().await.get(refused), Some(&0.0), "the first refusal is to be an increase");
    spend(&app, &at_home, 50).await;
    is_told(0.6).await;
    spend(&app, &at_home, 40).await;
    is_told(1.0).await;
    let reply = watched.browser.start_reply(&new_request(&prompt())).await;
    assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(watched.read().await.get(refused), Some(&1.0));
    watched.check().await;
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
    until(async || watched.read().await.contains_key(broken)).await;
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
    let watched = Watched::start(&app, &[("REDIS_URL", NO_REDIS)]).await;
    let figures = watched.read().await;
    let of = |name: &str| figures.get(name).copied();
    assert_eq!((of("plumbline_redis_up"), of("plumbline_limiter_is_local")), (Some(0.0), Some(1.0)));
    assert_eq!(of("plumbline_database_up"), Some(1.0));
    let breaker = of(r#"plumbline_breaker_state{route="everyday-first",state="closed"}"#);
    assert!(breaker.is_some_and(f64::is_nan), "nobody knows: {breaker:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_not_for_the_public() {
    let app = TestApp::start().await;
    assert_eq!(app.browser().get("/metrics").await.status(), StatusCode::NOT_FOUND);
}
