//! Several routes to a model: fallbacks, breakers, and what is recorded of them.

use std::time::Duration;

use app::types::{AuditPage, BreakerState, Nanos, ProviderReport, ReplyState};
use app::{ApiError, ModelFailure};
use futures::future::join_all;
use serde_json::json;
use server::config::Config;
use uuid::Uuid;

use crate::support::{Browser, Reply, TestApp, free_port, prompt, quick, silent};

/// Two routes of their own, by key: `sandbox-key-…` tells the sandbox which of them is asked.
pub struct Routes {
    pub first: String,
    pub second: String,
}

pub async fn two_routes() -> (TestApp, Routes) {
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

/// How often the model was asked with this prompt, by route.
async fn asked(app: &TestApp, prompt: &str, route: &str) -> usize {
    app.sandbox.journal(prompt).await.iter().filter(|entry| entry["upstream"] == route).count()
}

pub async fn attempts(app: &TestApp) -> Vec<(String, String)> {
    let sql = "select route_key, outcome from generation_attempts order by generation_id, number";
    app.database().rows(sql).await.iter().map(|row| (row.get(0), row.get(1))).collect()
}

pub fn assert_clean(reply: &Reply, text: &str) {
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
        silent(),
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
    assert_eq!(reply.ended().1, Some(&ApiError::model(ModelFailure::Overloaded)));
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
    assert_eq!(reply.ended().1, Some(&ApiError::model(ModelFailure::Refused)));
    assert_eq!(
        (asked(&app, &prompt, &routes.first).await, asked(&app, &prompt, &routes.second).await),
        (1, 1)
    );

    // As a provider may whose account is not in order, in words that nobody knows.
    app.sandbox.script(&prompt, quick("Answered.")).await;
    app.sandbox.script(&prompt, json!({ "status": 400, "upstream": routes.first })).await;
    for _ in 0..6 {
        assert_clean(&browser.ask(&prompt).await, "Answered.");
    }
    assert_eq!(asked(&app, &prompt, &routes.first).await, 7, "a refusal is no failure of the route");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_credit_is_nobodys_mistake_and_left_alone_after_a_few() {
    let (app, routes) = two_routes().await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, quick("Answered.")).await;
    let unfunded = json!({
        "status": 400, "error_message": "Your credit balance is too low to access the Anthropic API.",
    });
    let mut first = unfunded.clone();
    first["upstream"] = json!(routes.first);
    app.sandbox.script(&prompt, first).await;
    for _ in 0..6 {
        assert_clean(&browser.ask(&prompt).await, "Answered.");
    }
    assert_eq!(asked(&app, &prompt, &routes.first).await, 5, "its breaker is open");

    app.sandbox.script(&prompt, unfunded).await;
    let reply = browser.ask(&prompt).await;
    assert_eq!(reply.ended().1, Some(&ApiError::model(ModelFailure::Unavailable)));
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
async fn a_route_that_breaks_off_each_answer_is_left_alone_after_a_few() {
    let (app, routes) = two_routes().await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, quick("Answered.")).await;
    let broken = json!({ "text": "a b c", "cut_after_chunks": 1, "upstream": routes.first, "gap_ms": 0 });
    app.sandbox.script(&prompt, broken).await;
    for _ in 0..5 {
        assert_eq!(browser.ask(&prompt).await.state(), ReplyState::Interrupted);
    }
    assert_clean(&browser.ask(&prompt).await, "Answered.");
    assert_eq!(asked(&app, &prompt, &routes.first).await, 5, "its breaker is open");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_connected_to_is_passed_over_and_alone_is_said_to_be_away() {
    let lead_nowhere = |config: &mut Config| {
        let closed = format!("http://127.0.0.1:{}/v1", free_port()).parse().expect("a URL");
        config.llm.catalog.models[0].routes[0].base_url = closed;
    };
    let app = TestApp::with_env(&[], lead_nowhere).await;
    assert_eq!(app.user().await.ask(&prompt()).await.state(), ReplyState::Finished);
    let outcomes: Vec<String> = attempts(&app).await.into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, ["unavailable", "finished"]);

    let app = TestApp::with(lead_nowhere).await;
    let reply = app.user().await.ask(&prompt()).await;
    assert_eq!(reply.ended().1, Some(&ApiError::model(ModelFailure::Unavailable)));
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
