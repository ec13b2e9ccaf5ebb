//! What programs are told when they get no answer.

use app::types::Nanos;
use http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::programs::{body, error, program};
use crate::support::{TestApp, completion};

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_in_openais_words_what_is_wrong() {
    let app = TestApp::with(|config| config.llm.catalog.models[0].context_tokens = 4096).await;
    let program = program(&app).await;
    let changed = |field: &str, value: Value| {
        let mut body = completion("Hi");
        body[field] = value;
        body
    };
    let long = json!([{ "role": "user", "content": "word ".repeat(8000) }]);
    let refused = [
        (changed("model", json!("gpt-9")), (404, json!("model_not_found"), json!("model"))),
        (changed("messages", long), (400, json!("context_length_exceeded"), json!("messages"))),
        (
            changed("tools", json!([{ "type": "web_search" }])),
            (400, json!("unsupported_parameter"), json!("tools[0]")),
        ),
        (json!({ "messages": [] }), (400, json!(null), json!(null))),
    ];
    for (body, told) in refused {
        assert_eq!(error(program.complete(&body).await).await, told);
    }
}

/// The usual clients wait and try again by these headers.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_reached_says_what_is_left_of_all_and_whether_to_try_again() {
    let limited = [
        (2, 1000, None),
        // Tomorrow is not in a moment.
        (50, 2, Some("false")),
    ];
    for (per_minute, per_day, should_retry) in limited {
        let app = TestApp::with(|config| {
            config.plans.free.requests_per_minute = per_minute;
            config.plans.free.requests_per_day = per_day;
            config.plans.free.tokens_per_minute = 1_000_000;
        })
        .await;
        let program = program(&app).await;
        let mut told = Vec::new();
        for status in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
            let response = program.complete(&completion("Hi")).await;
            assert_eq!(response.status(), status);
            let headers = response.headers();
            let header =
                |name: &str| headers.get(name).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
            told = vec![
                header("x-ratelimit-limit-requests"),
                header("x-ratelimit-remaining-requests"),
                header("x-ratelimit-limit-tokens"),
            ];
            if status == StatusCode::TOO_MANY_REQUESTS {
                assert!(
                    headers.contains_key("retry-after") && headers.contains_key("x-ratelimit-reset-tokens")
                );
                let told = headers.get("x-should-retry").map(|value| value.to_str().expect("text"));
                assert_eq!(told, should_retry);
                assert_eq!(error(response).await, (429, json!("rate_limit_exceeded"), json!(null)));
            }
        }
        assert_eq!(told, [Some(per_minute), Some(per_minute - 2), Some(1_000_000)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_told_in_numbers_that_are_known_beforehand() {
    let app = TestApp::with(|config| {
        config.llm.catalog.models[0].context_tokens = 4096;
        config.llm.catalog.models[0].max_output_tokens = 1000;
    })
    .await;
    let program = program(&app).await;
    let model = body(program.get("/v1/models/everyday").await).await;
    assert_eq!((&model["context_window"], &model["max_output_tokens"]), (&json!(4096), &json!(1000)));
    let listed = body(program.get("/v1/models").await).await;
    assert_eq!(listed["data"][0], model);

    let mut long = completion(&"abc".repeat(3500));
    long["max_tokens"] = json!(600);
    let refused = body(program.complete(&long).await).await;
    let message = refused["error"]["message"].as_str().expect("a message");
    assert!(
        ["4096 tokens", "3500 are sent", "take 600"].iter().all(|part| message.contains(part)),
        "{message}"
    );
    long["max_tokens"] = json!(500);
    assert_eq!(program.complete(&long).await.status(), StatusCode::OK, "a shorter answer fits");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credit_a_program_is_told_so() {
    let app = TestApp::with(|config| config.plans.free.monthly_credit = Nanos(1)).await;
    let refused = program(&app).await.complete(&completion("Hi")).await;
    assert_eq!(refused.headers()["x-should-retry"], "false");
    assert_eq!(error(refused).await, (402, json!("insufficient_quota"), json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_is_below_v1_is_an_error_that_programs_can_read() {
    let app = TestApp::start().await;
    let program = program(&app).await;
    assert_eq!(error(program.get("/v1/embeddings").await).await.0, 404);
    for path in ["/v1/responses", "/v1/responses/resp_1"] {
        let response = program.request(Method::POST, path).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let told = body(response).await;
        let message = told["error"]["message"].as_str().expect("a message");
        assert!(message.contains("Chat Completions") && message.contains(".chat(model)"), "{message}");
    }
}
