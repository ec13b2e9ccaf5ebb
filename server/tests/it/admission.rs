//! What stands between a request and its reply: how much it sets aside.

use app::types::ReplyState;
use serde_json::json;
use server::config::{Config, Env, PlansConfig};

use crate::quota::{silent, start_all, stop_all};
use crate::support::{TestApp, new_request, prompt};

/// The limits of everybody who changes none, and a model that may write so much.
fn as_it_comes(config: &mut Config, max_output_tokens: u32) {
    config.plans = PlansConfig::from_env(&Env::default()).expect("the plans that come along");
    let model = &mut config.llm.catalog.models[0];
    (model.context_tokens, model.max_output_tokens) = (200_000, max_output_tokens);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_without_a_length_hold_little_of_the_credit_also_with_the_dearest_model() {
    let app = TestApp::with(|config| {
        as_it_comes(config, 32_000);
        config.llm.catalog.models[0].prices.output_nanos_per_million = 15_000_000_000;
    })
    .await;
    let (browser, silence, long) = (app.user().await, prompt(), prompt());
    app.sandbox.script(&silence, silent()).await;
    let tabs = [new_request(&silence), new_request(&silence)];
    let (mut admitted, refused) = start_all(&browser, &tabs).await;
    assert_eq!((admitted.len(), refused.len()), (2, 0));
    stop_all(&browser, &mut admitted).await;

    app.sandbox.script(&long, json!({ "length_tokens": 5000, "gap_ms": 0, "first_token_delay_ms": 0 })).await;
    assert_eq!(browser.ask(&long).await.state(), ReplyState::Limited, "it can be continued");
    assert_eq!(app.sandbox.journal(&long).await[0]["max_tokens"], 4096);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_one_after_the_other_fit_the_minute_by_what_they_use() {
    let app = TestApp::with(|config| as_it_comes(config, 16_000)).await;
    let (browser, prompt) = (app.user().await, prompt());
    let usage = json!({ "prompt_tokens": 500, "completion_tokens": 4000 });
    app.sandbox.script(&prompt, json!({ "text": "Yes.", "usage": usage, "gap_ms": 0 })).await;
    for _ in 0..4 {
        assert_eq!(browser.ask(&prompt).await.state(), ReplyState::Finished);
    }
}
