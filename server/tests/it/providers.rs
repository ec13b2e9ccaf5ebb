//! Several routes to a model: retries, fallbacks, breakers, and what is recorded of them.

use std::time::Duration;

use app::types::{AuditPage, BreakerState, Model, Nanos, ProviderReport, ReplyState};
use app::{ApiError, ModelFailure};
use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use server::config::{Config, RouteConfig};
use uuid::Uuid;

use crate::support::{Browser, Reply, TestApp, new_request, prompt};

/// Two routes of their own, by key: `sandbox-key-…` tells the sandbox which of them is asked.
struct Routes {
    first: String,
    second: String,
}

async fn two_routes() -> (TestApp, Routes) {
    let id = Uuid::now_v7().simple();
    let routes = Routes { first: format!("first-{id}"), second: format!("second-{id}") };
    let keys = [&routes.first, &routes.second].map(|name| format!("sandbox-key-{name}"));
    let variables =
        [("SANDBOX_FIRST_API_KEY", keys[0].as_str()), ("SANDBOX_SECOND_API_KEY", keys[1].as_str())];
    let app = TestApp::with_env(&variables, |config| {
        config.plans.free.concurrent_replies = 1000;
        config.plans.free.requests_per_minute = 1000;
        config.llm.clocks.first_token = Duration::from_millis(1500);
    })
    .await;
    (app, routes)
}

fn quick(text: &str) -> Value {
    json!({ "text": text, "gap_ms": 0, "first_token_delay_ms": 0 })
}

/// How often the model was asked with this prompt, by route.
async fn asked(app: &TestApp, prompt: &str, route: &str) -> usize {
    app.sandbox.journal(prompt).await.iter().filter(|entry| entry["upstream"] == route).count()
}

async fn attempts(app: &TestApp) -> Vec<(String, String)> {
    let sql = "select route_key, outcome from generation_attempts order by generation_id, number";
    app.database().rows(sql).await.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn assert_clean(reply: &Reply, text: &str) {
    assert_eq!((reply.state(), reply.text().as_str()), (ReplyState::Finished, text));
    assert_eq!(reply.ended().1, None);
}

/// (13)
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_the_first_word_falls_back_and_the_reader_sees_one_clean_answer() {
    for fault in [
        json!({ "status": 429 }),
        json!({ "status": 500 }),
        json!({ "status": 401 }),
        json!({ "stall_after_chunks": 0 }),
        json!({ "cut_after_chunks": 0 }),
        json!({ "error_after_chunks": 0 }),
    ] {
        let (app, routes) = two_routes().await;
        let prompt = prompt();
        app.sandbox.script(&prompt, quick("Answered.")).await;
        let mut broken = fault.clone();
        broken["upstream"] = json!(routes.first);
        app.sandbox.script(&prompt, broken).await;

        let browser = app.user().await;
        let reply = browser.ask(&prompt).await;
        assert_clean(&reply, "Answered.");
        assert_eq!(asked(&app, &prompt, &routes.second).await, 1, "{fault}");
        let attempts = attempts(&app).await;
        assert_eq!(attempts.len(), 2, "{fault}");
        assert_eq!((attempts[1].0.as_str(), attempts[1].1.as_str()), ("everyday-second", "finished"));
        let charges =
            app.database().number("select count(*) from ledger_entries where cause like 'generation:%'");
        assert_eq!(charges.await, 1, "the person pays for one");
        let route = app.database().rows("select route_key, cost_nanos > 0 from usage_records").await;
        assert_eq!((route[0].get::<_, &str>(0), route[0].get::<_, bool>(1)), ("everyday-second", true));
    }
}

/// (13)
#[tokio::test(flavor = "multi_thread")]
async fn when_every_route_fails_the_reply_says_so_after_three_attempts() {
    let (app, _) = two_routes().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, json!({ "status": 503 })).await;
    let reply = app.user().await.ask(&prompt).await;
    assert_eq!(reply.state(), ReplyState::Failed);
    assert_eq!(reply.ended().1, Some(&ApiError::Model { failure: ModelFailure::Overloaded }));
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 3);
}

/// (14)
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_the_first_word_is_never_replayed() {
    let (app, routes) = two_routes().await;
    let prompt = prompt();
    for fault in [json!({ "cut_after_chunks": 1 }), json!({ "error_after_chunks": 1 })] {
        let mut broken = quick("one two three");
        broken.as_object_mut().expect("an object").extend(fault.as_object().expect("an object").clone());
        app.sandbox.script(&prompt, broken).await;
        let reply = app.user().await.ask(&prompt).await;
        assert_eq!((reply.state(), reply.text().trim_end()), (ReplyState::Interrupted, "one"));
    }
    assert_eq!(asked(&app, &prompt, &routes.second).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_believed_only_when_another_provider_refuses_too() {
    let (app, routes) = two_routes().await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, json!({ "status": 400 })).await;
    let reply = browser.ask(&prompt).await;
    assert_eq!(reply.ended().1, Some(&ApiError::Model { failure: ModelFailure::Refused }));
    assert_eq!(
        (asked(&app, &prompt, &routes.first).await, asked(&app, &prompt, &routes.second).await),
        (1, 1)
    );

    // As a provider does whose bill was not paid.
    app.sandbox.script(&prompt, quick("Answered.")).await;
    app.sandbox.script(&prompt, json!({ "status": 400, "upstream": routes.first })).await;
    for _ in 0..6 {
        assert_clean(&browser.ask(&prompt).await, "Answered.");
    }
    assert_eq!(asked(&app, &prompt, &routes.first).await, 7, "a refusal is no failure of the route");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_among_failures_is_no_sign_of_health() {
    let (app, routes) = two_routes().await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, quick("Answered.")).await;
    for status in [500, 500, 500, 500, 400, 500] {
        let broken = json!({ "status": status, "upstream": routes.first, "times": 1 });
        app.sandbox.script(&prompt, broken).await;
        assert_clean(&browser.ask(&prompt).await, "Answered.");
    }
    assert_clean(&browser.ask(&prompt).await, "Answered.");
    assert_eq!(asked(&app, &prompt, &routes.first).await, 6, "its breaker is open");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_attempt_used_before_it_failed_is_charged_to_nobody() {
    let (app, routes) = two_routes().await;
    let (browser, prompt) = (app.user().await, prompt());
    let mut answer = quick("Answered.");
    answer["usage"] = json!("missing");
    app.sandbox.script(&prompt, answer).await;
    let mut broken = json!({
        "usage": { "prompt_tokens": 9000, "completion_tokens": 9000 }, "usage_first": true,
        "error_after_chunks": 0, "upstream": routes.first,
    });
    app.sandbox.script(&prompt, broken.clone()).await;
    assert_clean(&browser.ask(&prompt).await, "Answered.");
    let used = app.database().rows("select input_tokens, output_tokens from usage_records").await;
    assert_eq!(
        (used[0].get::<_, i32>(0), used[0].get::<_, i32>(1)),
        (15, 3),
        "our own count of what was said"
    );

    broken.as_object_mut().expect("an object").remove("upstream");
    app.sandbox.script(&prompt, broken).await;
    let reply = browser.ask(&prompt).await;
    assert_eq!((reply.state(), reply.ended().0.charged), (ReplyState::Failed, Some(Nanos(0))));
    let costs = app.database().number("select count(*) from generation_attempts where cost_nanos > 0").await;
    assert_eq!(costs, 5, "every attempt is our cost");
}

/// (27)
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_does_not_multiply_the_load_and_opens_the_breaker_on_every_server() {
    let (app, routes) = two_routes().await;
    let other = app.another_server().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, quick("Answered.")).await;
    app.sandbox.script(&prompt, json!({ "status": 500, "upstream": routes.first })).await;
    for _ in 0..5 {
        assert_clean(&browser.ask(&prompt).await, "Answered.");
    }
    assert_eq!(asked(&app, &prompt, &routes.first).await, 5);

    let elsewhere = browser.at(&other);
    let replies: Vec<Reply> = join_all((0..40).map(|index| {
        let browser: &Browser = if index % 2 == 0 { &browser } else { &elsewhere };
        browser.ask(&prompt)
    }))
    .await;
    replies.iter().for_each(|reply| assert_clean(reply, "Answered."));
    let after = asked(&app, &prompt, &routes.first).await;
    assert!(after <= 6, "the breaker is open: {after} calls instead of 45");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_an_operator_closes_is_not_asked_on_any_server_until_it_is_opened() {
    let (app, routes) = two_routes().await;
    let elsewhere = app.user().await.at(&app.another_server().await);
    let operator = app.operator().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, quick("Answered.")).await;
    let reports: Vec<ProviderReport> = operator.value("admin/providers/read", &[]).await;
    let key = reports[0].routes[0].key.as_str();
    let route = async || {
        let reports: Vec<ProviderReport> = operator.value("admin/providers/read", &[]).await;
        reports[0].routes[0].clone()
    };
    let act = async |what: &str, route: &str| {
        let path = format!("admin/providers/{what}_route");
        operator.call(&path, &[("route", route)]).await.status().as_u16()
    };
    assert_eq!((act("close", key).await, act("close", "no-such-route").await), (200, 404));
    assert_eq!(route().await.breaker, Some(BreakerState::Held));
    for _ in 0..3 {
        assert_clean(&elsewhere.ask(&prompt).await, "Answered.");
    }
    assert_eq!(asked(&app, &prompt, &routes.first).await, 0);
    assert_eq!(act("reopen", key).await, 200);
    assert_clean(&elsewhere.ask(&prompt).await, "Answered.");
    assert_eq!(asked(&app, &prompt, &routes.first).await, 1);
    assert_eq!((route().await.breaker, route().await.attempts), (Some(BreakerState::Closed), 1));
    let log: AuditPage = operator.value("admin/audit/list", &[("query[kind]", "route_closed")]).await;
    assert_eq!(log.events.iter().map(|event| event.detail.as_str()).collect::<Vec<_>>(), [key]);
}

/// A model with one route, which so many failures close for a while.
async fn one_route(breaker_failures: u32) -> TestApp {
    TestApp::with(|config: &mut Config| {
        config.plans.free.concurrent_replies = 1000;
        config.plans.free.requests_per_minute = 1000;
        config.llm.breaker_failures = breaker_failures;
    })
    .await
}

/// The time for which the one route is left alone is over.
async fn end_pause(app: &TestApp) {
    let key = format!("{}breaker:everyday-first", app.setting("REDIS_KEY_PREFIX"));
    let set = redis::cmd("HSET").arg(key).arg("open_until").arg(1).query_async(&mut app.redis().await).await;
    let () = set.expect("set");
}

/// Once the model was asked for it, which says nothing yet.
async fn start_silent(app: &TestApp, browser: &Browser) -> Reply {
    let prompt = prompt();
    app.sandbox.script(&prompt, json!({ "stall_after_chunks": 0 })).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    reply.read_started().await;
    while app.sandbox.journal(&prompt).await.is_empty() {}
    reply
}

async fn stop(browser: &Browser, mut reply: Reply) {
    browser.call("chat/stop_reply", &[("id", &reply.generation_id().to_string())]).await;
    reply.read_to_end().await;
}

/// With one failure, its route is left alone.
async fn assert_fails(browser: &Browser, prompt: &str) {
    assert_eq!(browser.ask(prompt).await.state(), ReplyState::Failed);
}

/// (27)
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_lets_everybody_in_with_its_first_word_however_long_it_goes_on() {
    let app = one_route(1).await;
    let browser = app.user().await;
    let (broken, long, quick_one) = (prompt(), prompt(), prompt());
    app.sandbox.script(&broken, json!({ "status": 500 })).await;
    app.sandbox.script(&long, json!({ "text": "one two", "stall_after_chunks": 1 })).await;
    app.sandbox.script(&quick_one, quick("Answered.")).await;
    assert_fails(&browser, &broken).await;
    end_pause(&app).await;
    let mut probe = browser.start_reply(&new_request(&long)).await;
    while probe.text().is_empty() {
        probe.read_event().await.expect("a word");
    }
    assert_clean(&browser.ask(&quick_one).await, "Answered.");
    stop(&browser, probe).await;
}

/// (27)
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_is_stopped_lets_the_next_one_try() {
    let app = one_route(1).await;
    let browser = app.user().await;
    let (broken, quick_one) = (prompt(), prompt());
    app.sandbox.script(&broken, json!({ "status": 500 })).await;
    app.sandbox.script(&quick_one, quick("Answered.")).await;
    assert_fails(&browser, &broken).await;
    end_pause(&app).await;
    let probe = start_silent(&app, &browser).await;
    assert_fails(&browser, &quick_one).await;
    stop(&browser, probe).await;
    assert_clean(&browser.ask(&quick_one).await, "Answered.");
}

/// (27)
#[tokio::test(flavor = "multi_thread")]
async fn with_its_only_route_down_a_model_is_retried_no_more_than_the_budget_allows() {
    let app = one_route(1000).await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, json!({ "status": 500 })).await;
    for _ in 0..20 {
        assert_fails(&browser, &prompt).await;
    }
    // Ten to begin with, and one for the ten requests after those were used up.
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 20 + 11);
}

/// (27)
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_the_budget_does_not_allow_uses_up_no_probe() {
    let app = one_route(1000).await;
    let browser = app.user().await;
    let (broken, late, quick_one) = (prompt(), prompt(), prompt());
    app.sandbox.script(&broken, json!({ "status": 500 })).await;
    app.sandbox.script(&late, json!({ "status": 500, "first_token_delay_ms": 1500 })).await;
    app.sandbox.script(&quick_one, quick("Answered.")).await;
    while app.sandbox.journal(&broken).await.len() < 6 + 10 {
        assert_fails(&browser, &broken).await;
    }
    let mut last = browser.start_reply(&new_request(&late)).await;
    while app.sandbox.journal(&late).await.is_empty() {}
    end_pause(&app).await;
    last.read_to_end().await;
    assert_eq!(app.sandbox.journal(&late).await.len(), 1, "the budget is empty");
    assert_clean(&browser.ask(&quick_one).await, "Answered.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_reply_pays_what_the_provider_has_counted_of_its_question() {
    let (app, _) = forgetful().await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, json!({ "text": "one two", "stall_after_chunks": 1 })).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    while reply.text().is_empty() {
        reply.read_event().await.expect("a word");
    }
    stop(&browser, reply).await;
    let used = app.database().rows("select input_tokens, output_tokens from usage_records").await;
    let exact =
        i32::try_from(app.sandbox.journal(&prompt).await[0]["prompt_tokens"].as_u64().expect("counted"));
    assert_eq!((used[0].get::<_, i32>(0), used[0].get::<_, i32>(1)), (exact.expect("few"), 2));
}

/// A model that Anthropic's format alone leads to, and that reads no more than 80 tokens: five times a prompt of a test.
async fn forgetful() -> (TestApp, String) {
    let upstream = format!("forgetful-{}", Uuid::now_v7().simple());
    let key = format!("sandbox-key-{upstream}");
    let app = TestApp::with_env(&[("SANDBOX_SECOND_API_KEY", &key)], |config| {
        config.llm.breaker_failures = 1000;
        let model = &mut config.llm.catalog.models[0];
        model.routes.remove(0);
        model.context_tokens = model.max_output_tokens + 80;
    })
    .await;
    (app, upstream)
}

fn in_thread(reply: &Reply, kind: &str, field: &str, value: Value) -> Value {
    let mut target = json!({ "kind": kind, "thread_id": reply.thread_id() });
    target[field] = value;
    json!({ "client_request_id": Uuid::now_v7(), "target": target })
}

/// The turns that were shown with the last request for this.
async fn turns_shown(app: &TestApp, matching: &str, upstream: &str) -> Value {
    let journal = app.sandbox.journal(matching).await;
    journal.iter().rfind(|entry| entry["upstream"] == upstream).expect("asked")["message_count"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_too_long_for_its_model_goes_on_with_what_fits() {
    let (app, upstream) = forgetful().await;
    let browser = app.user().await;
    let (first, second) = (prompt(), prompt());
    app.sandbox.script(&first, quick(&"ab ".repeat(60))).await;
    app.sandbox.script(&second, quick("Answered.")).await;
    let reply = browser.ask(&first).await;
    let mut next = browser.start_reply(&in_thread(&reply, "thread", "prompt", json!(second))).await;
    next.read_to_end().await;
    assert_clean(&next, "Answered.");
    assert_eq!(turns_shown(&app, &second, &upstream).await, 1, "no answer without its question");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_too_long_to_be_shown_again_is_continued_from_its_end_more_than_once() {
    let (app, upstream) = forgetful().await;
    let (browser, prompt) = (app.user().await, prompt());
    let mut cut = quick(&"ab ".repeat(60));
    cut["cut_after_chunks"] = json!(59);
    app.sandbox.script(&prompt, cut.clone()).await;
    cut["upstream"] = json!(upstream);
    app.sandbox.script("Continue it exactly", cut).await;
    let reply = browser.ask(&prompt).await;
    let mut answer = reply.ended().0.clone();
    for _ in 0..2 {
        assert_eq!(answer.state, Some(ReplyState::Interrupted));
        let request = in_thread(&reply, "continue", "message_id", json!(answer.id));
        let mut rest = browser.start_reply(&request).await;
        rest.read_to_end().await;
        answer = rest.ended().0.clone();
        assert_eq!(turns_shown(&app, "Continue it exactly", &upstream).await, 3, "question, answer, go on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_after_one_that_was_not_answered_is_asked_with_it() {
    let (app, upstream) = forgetful().await;
    let browser = app.user().await;
    let (first, second) = (prompt(), prompt());
    app.sandbox.script(&first, json!({ "status": 500, "times": 3 })).await;
    let reply = browser.ask(&first).await;
    app.sandbox.script(&second, quick("Answered.")).await;
    let mut next = browser.start_reply(&in_thread(&reply, "thread", "prompt", json!(second))).await;
    next.read_to_end().await;
    assert_clean(&next, "Answered.");
    assert_eq!(turns_shown(&app, &first, &upstream).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reasoning_is_told_apart_from_the_answer_in_both_formats() {
    let (app, routes) = two_routes().await;
    let browser = app.user().await;
    for refused in [None, Some(&routes.first)] {
        let prompt = prompt();
        let mut script = quick("Yes.");
        script["reasoning"] = json!("Hm, let me think.");
        script["cached_tokens"] = json!(3);
        app.sandbox.script(&prompt, script).await;
        if let Some(upstream) = refused {
            app.sandbox.script(&prompt, json!({ "status": 500, "upstream": upstream })).await;
        }
        let reply = browser.ask(&prompt).await;
        assert_clean(&reply, "Yes.");
        assert_eq!(reply.ended().0.reasoning, "Hm, let me think.");
        assert_eq!(reply.reasoning(), "Hm, let me think.");
    }
    let cached = app.database().rows("select cached_input_tokens, input_tokens from usage_records").await;
    for row in cached {
        assert_eq!(row.get::<_, i32>(0), 3);
        assert!(row.get::<_, i32>(1) > 3, "cached tokens are among the input");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_choose_among_the_models_their_plan_includes() {
    let app = TestApp::with(|config| {
        let models = &mut config.llm.catalog.models;
        models[1].plans = vec!["pro".to_owned()];
    })
    .await;
    let browser = app.user().await;
    let models: Vec<Model> = browser.value("chat/list_models", &[]).await;
    let listed: Vec<_> = models.iter().map(|model| (model.key.as_str(), model.is_included)).collect();
    assert_eq!(listed, [("everyday", true), ("thorough", false)]);

    let with_model = |model: &str| {
        let mut request = new_request(&prompt());
        request["model"] = json!(model);
        request
    };
    let mut allowed = browser.start_reply(&with_model("everyday")).await;
    allowed.read_to_end().await;
    assert_eq!(allowed.ended().0.model.as_deref(), Some("everyday"));
    for model in ["thorough", "no-such-model"] {
        let refused = browser.start_reply(&with_model(model)).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let text = refused.error().await.to_string();
        assert!(text.ends_with("Choose another one."), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_price_is_a_new_version_and_running_replies_keep_the_old_one() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    browser.ask(&prompt()).await;
    app.database()
        .execute("insert into model_prices select model_key, 2, 1, 1, 1, now() from model_prices where model_key = 'everyday'")
        .await;
    let other = app.another_server().await;
    browser.at(&other).ask(&prompt()).await;
    let versions = app.database().rows("select price_version from usage_records order by created_at").await;
    assert_eq!(versions.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_without_its_key_is_passed_over() {
    let app = TestApp::with_env(&[("SANDBOX_FIRST_API_KEY", "")], |config| {
        let routes = &mut config.llm.catalog.models[0].routes;
        routes.truncate(1);
        routes.push(RouteConfig {
            key: "spare".to_owned(),
            api_key_variable: "SANDBOX_SECOND_API_KEY".to_owned(),
            ..routes[0].clone()
        });
    })
    .await;
    let reply = app.user().await.ask(&prompt()).await;
    assert_eq!(reply.state(), ReplyState::Finished);
    assert_eq!(attempts(&app).await, [("spare".to_owned(), "finished".to_owned())]);
}
