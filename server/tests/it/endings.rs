//! Answers that end in odd ways.

use std::time::Duration;

use app::types::{LimitName, Nanos, Quota, ReplyState};
use app::{ApiError, ModelFailure};
use http::StatusCode;
use serde_json::{Value, json};

use crate::providers::{assert_clean, two_routes};
use crate::retries::one_route;
use crate::support::{TestApp, completion, new_request, prompt, quick};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_ends_is_told_as_that_in_both_formats_and_asked_of_nobody_else() {
    let (app, routes) = two_routes().await;
    let browser = app.user().await;
    let filtered = ApiError::model(ModelFailure::Filtered);
    let told = Some(&filtered);
    for (text, state) in [("one", ReplyState::Interrupted), ("", ReplyState::Failed)] {
        for broken in [None, Some(&routes.first)] {
            let prompt = prompt();
            let mut script = quick(text);
            script["filtered"] = json!(true);
            app.sandbox.script(&prompt, script).await;
            if let Some(upstream) = broken {
                app.sandbox.script(&prompt, json!({ "status": 500, "upstream": upstream })).await;
            }
            let reply = browser.ask(&prompt).await;
            assert_eq!((reply.state(), reply.text().as_str(), reply.ended().1), (state, text, told));
            let calls = app.sandbox.journal(&prompt).await.len();
            assert_eq!(calls, 1 + usize::from(broken.is_some()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_word_is_asked_for_elsewhere_and_free() {
    let (app, routes) = two_routes().await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, quick("")).await;
    let reply = browser.ask(&prompt).await;
    assert_eq!(reply.ended().1, Some(&ApiError::model(ModelFailure::Empty)));
    assert_eq!((reply.state(), reply.ended().0.charged), (ReplyState::Failed, Some(Nanos(0))));
    let mut answer = quick("Answered.");
    answer["upstream"] = json!(routes.second);
    app.sandbox.script(&prompt, answer).await;
    assert_clean(&browser.ask(&prompt).await, "Answered.");
}

/// Otherwise whoever asks for nothing but such a text has models read for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_a_text_to_stop_at_leaves_without_a_word_is_whole_and_charged() {
    let (app, _) = two_routes().await;
    let (program, prompt) = (app.program(&app.user().await).await, prompt());
    let mut script = quick("");
    script["usage"] = json!({ "prompt_tokens": 90, "completion_tokens": 2 });
    app.sandbox.script(&prompt, script).await;
    let mut request = completion(&prompt);
    request["stop"] = json!(["END"]);
    let answer: Value = program.complete(&request).await.json().await.expect("JSON");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["choices"][0]["message"]["content"], "");
    assert_eq!(answer["usage"]["prompt_tokens"], 90);
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 1);
    let charged = "select count(*) from usage_records where charged_nanos > 0 and input_tokens = 90";
    assert_eq!(app.database().number(charged).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_used_that_failed_counts_in_the_window_of_tokens_and_in_the_days_ceiling() {
    const TOKENS: u32 = 90_000_000;
    let app = TestApp::with(|config| config.spending.daily_ceiling = Some(Nanos::from_cents(100))).await;
    let (browser, prompt) = (app.user().await, prompt());
    let counted_then_failed = json!({ "usage_first": true, "error_after_chunks": 0,
        "usage": { "prompt_tokens": TOKENS, "completion_tokens": 0 } });
    app.sandbox.script(&prompt, counted_then_failed).await;
    let reply = browser.ask(&prompt).await;
    assert_eq!((reply.state(), reply.ended().0.charged), (ReplyState::Failed, Some(Nanos(0))));
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    let tokens = quota.limit(LimitName::TokensPerMinute).expect("a limit");
    assert!(tokens.used >= TOKENS, "{}", tokens.used);
    // A server that starts now knows of no sum from before.
    let next = app.user().await.at(&app.another_server().await).start_reply(&new_request(&prompt)).await;
    assert_eq!(next.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_keeps_no_cap_is_cut_and_nobody_pays_more_than_was_set_aside() {
    let app = one_route(1000).await;
    let (browser, prompt) = (app.user().await, prompt());
    let endless = json!({
        "length_tokens": 5000, "ignores_cap": true, "usage": "missing", "gap_ms": 0, "first_token_delay_ms": 0,
    });
    app.sandbox.script(&prompt, endless).await;
    let mut request = new_request(&prompt);
    request["max_output_tokens"] = json!(100);
    let mut reply = browser.start_reply(&request).await;
    reply.read_to_end().await;
    assert_eq!(reply.state(), ReplyState::Limited);
    assert!(reply.text().len() < 2000, "{} bytes for 100 tokens", reply.text().len());
    assert_eq!(app.database().number("select output_tokens::bigint from usage_records").await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_ends_with_its_last_frame_though_the_connection_stays_open() {
    let an_hour = Duration::from_secs(3600);
    let app = TestApp::with_env(&[], |config| config.llm.clocks.idle = an_hour).await;
    let browser = app.user().await;
    for is_first_broken in [false, true] {
        let prompt = prompt();
        let mut script = quick("Answered.");
        script["never_closes"] = json!(true);
        app.sandbox.script(&prompt, script).await;
        if is_first_broken {
            app.sandbox.script(&prompt, json!({ "status": 500, "upstream": "" })).await;
        }
        let reply = tokio::time::timeout(Duration::from_secs(60), browser.ask(&prompt)).await;
        assert_clean(&reply.expect("it ends"), "Answered.");
    }
}
