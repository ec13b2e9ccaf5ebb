//! Answers that end in odd ways.

use std::time::Duration;

use app::types::{Nanos, ReplyState};
use app::{ApiError, ModelFailure};
use serde_json::json;

use crate::providers::{assert_clean, two_routes};
use crate::retries::one_route;
use crate::support::{TestApp, new_request, prompt, quick};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_ends_is_told_as_that_in_both_formats_and_asked_of_nobody_else() {
    let (app, routes) = two_routes().await;
    let browser = app.user().await;
    let filtered = ApiError::Model { failure: ModelFailure::Filtered };
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
    assert_eq!(reply.ended().1, Some(&ApiError::Model { failure: ModelFailure::Empty }));
    assert_eq!((reply.state(), reply.ended().0.charged), (ReplyState::Failed, Some(Nanos(0))));
    let mut answer = quick("Answered.");
    answer["upstream"] = json!(routes.second);
    app.sandbox.script(&prompt, answer).await;
    assert_clean(&browser.ask(&prompt).await, "Answered.");
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
