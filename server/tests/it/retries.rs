//! Breakers with their probes, pauses and the budget of retries, as people meet them.

use app::types::ReplyState;
use app::{ApiError, ModelFailure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use server::config::Config;

use crate::providers::assert_clean;
use crate::support::{Browser, TestApp, new_request, prompt, quick, start_silent, stop, until};

/// A model with one route, which so many failures close for a while.
pub async fn one_route(breaker_failures: u32) -> TestApp {
    TestApp::with(|config: &mut Config| {
        config.plans.free.concurrent_replies = 1000;
        config.plans.free.requests_per_minute = 1000;
        config.llm.breaker_failures = breaker_failures;
    })
    .await
}

/// The time for which the one route is left alone is over.
async fn end_pause(app: &TestApp) {
    set_breaker(app, "open_until").await;
}

/// The probe has taken longer than probes may.
async fn end_probe(app: &TestApp) {
    set_breaker(app, "probe_until").await;
}

/// To a moment long ago.
async fn set_breaker(app: &TestApp, time: &str) {
    let key = format!("{}breaker:everyday-first", app.setting("REDIS_KEY_PREFIX"));
    let set = redis::cmd("HSET").arg(key).arg(time).arg(1).query_async(&mut app.redis().await).await;
    let () = set.expect("set");
}

/// Nothing answers: the route fails, or is left alone.
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

/// (27) Some models think for longer than a probe may take.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_word_of_a_slow_probe_lets_everybody_in_although_another_has_begun() {
    let app = one_route(1).await;
    let browser = app.user().await;
    let (broken, slow, quick_one) = (prompt(), prompt(), prompt());
    app.sandbox.script(&broken, json!({ "status": 500 })).await;
    app.sandbox.script(&slow, json!({ "text": "one two", "first_token_delay_ms": 5000 })).await;
    app.sandbox.script(&quick_one, quick("Answered.")).await;
    assert_fails(&browser, &broken).await;
    end_pause(&app).await;
    let mut first = browser.start_reply(&new_request(&slow)).await;
    until(async || !app.sandbox.journal(&slow).await.is_empty()).await;
    end_probe(&app).await;
    let second = start_silent(&app, &browser).await;
    first.read_to_end().await;
    assert_clean(&browser.ask(&quick_one).await, "Answered.");
    stop(&browser, second).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_the_provider_asks_for_is_kept_and_a_long_one_not_waited_for() {
    let app = one_route(1000).await;
    let (browser, patient, hopeless) = (app.user().await, prompt(), prompt());
    app.sandbox.script(&patient, quick("Answered.")).await;
    app.sandbox.script(&patient, json!({ "status": 429, "retry_after_seconds": 1, "times": 1 })).await;
    assert_clean(&browser.ask(&patient).await, "Answered.");
    let asked_at = app.sandbox.journal(&patient).await.into_iter().map(|mut entry| entry["at"].take());
    let asked_at: Vec<DateTime<Utc>> =
        asked_at.map(|at| serde_json::from_value(at).expect("a time")).collect();
    assert!(asked_at[1] - asked_at[0] >= TimeDelta::seconds(1), "{asked_at:?}");

    app.sandbox.script(&hopeless, json!({ "status": 429, "retry_after_seconds": 60 })).await;
    let reply = browser.ask(&hopeless).await;
    assert_eq!(reply.ended().1, Some(&ApiError::model(ModelFailure::Overloaded)));
    assert_eq!(app.sandbox.journal(&hopeless).await.len(), 1);
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
    until(async || !app.sandbox.journal(&late).await.is_empty()).await;
    end_pause(&app).await;
    last.read_to_end().await;
    assert_eq!(app.sandbox.journal(&late).await.len(), 1, "the budget is empty");
    assert_clean(&browser.ask(&quick_one).await, "Answered.");
}
