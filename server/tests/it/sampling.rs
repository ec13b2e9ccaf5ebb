//! How programs want answers to be chosen, told to providers that do not take everything.

use http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::providers::two_routes;
use crate::support::{TestApp, completion, prompt, quick};

/// What the providers were asked with this prompt, by those who were asked in a format.
async fn asked_in(app: &TestApp, prompt: &str, format: &str) -> Value {
    let journal = app.sandbox.journal(prompt).await;
    journal.into_iter().rfind(|entry| entry["api"] == format).expect("it was asked")
}

fn asking(prompt: &str, fields: &Value) -> Value {
    let mut body = completion(prompt);
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    body
}

/// The stand-in refuses, as Anthropic does, a temperature together with `top_p`, and blank stops.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_takes_a_temperature_or_top_p_is_told_one_of_them_and_no_blank_stop() {
    let (app, routes) = two_routes().await;
    let (program, prompt) = (app.program(&app.user().await).await, prompt());
    app.sandbox.script(&prompt, quick("Yes.")).await;
    app.sandbox.script(&prompt, json!({ "upstream": routes.first, "status": 503 })).await;
    let both = json!({ "temperature": 0.5, "top_p": 0.25, "stop": ["\n", "END"] });
    assert_eq!(program.complete(&asking(&prompt, &both)).await.status(), StatusCode::OK);
    let told = asked_in(&app, &prompt, "anthropic").await;
    assert_eq!((&told["temperature"], &told["top_p"]), (&json!(0.5), &Value::Null));
    assert_eq!(told["stop"], json!(["END"]));
    let told = asked_in(&app, &prompt, "openai").await;
    assert_eq!((&told["top_p"], &told["stop"]), (&json!(0.25), &json!(["\n", "END"])));
}

/// The stand-in of the newest model refuses any temperature but 1.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_takes_no_sampling_is_told_none() {
    let app = TestApp::start().await;
    let (program, prompt) = (app.program(&app.user().await).await, prompt());
    app.sandbox.script(&prompt, quick("Yes.")).await;
    let sampling = json!({
        "model": "thorough", "temperature": 0.5, "top_p": 0.25, "frequency_penalty": 1, "presence_penalty": -1,
    });
    assert_eq!(program.complete(&asking(&prompt, &sampling)).await.status(), StatusCode::OK);
    let told = asked_in(&app, &prompt, "openai").await;
    assert_eq!((&told["temperature"], &told["hints"]["presence_penalty"]), (&Value::Null, &Value::Null));
}

/// Nobody has told us that this route's model takes no sampling.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_does_not_accept_is_told_by_its_name() {
    let app = TestApp::with(|config| {
        config.llm.catalog.models[1].routes.truncate(1);
        config.llm.catalog.models[1].routes[0].takes_sampling = true;
    })
    .await;
    let (program, prompt) = (app.program(&app.user().await).await, prompt());
    let refused = json!({ "model": "thorough", "top_p": 0.25 });
    let response = program.complete(&asking(&prompt, &refused)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let error: Value = response.json().await.expect("JSON");
    assert_eq!((&error["error"]["code"], &error["error"]["param"]), (&json!("refused"), &json!("top_p")));
    let message = error["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("`top_p`") && !message.contains("with this model"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_go_to_whoever_has_words_for_them_and_are_part_of_what_is_asked() {
    let (app, routes) = two_routes().await;
    let (program, prompt) = (app.program(&app.user().await).await, prompt());
    app.sandbox.script(&prompt, quick("Yes.")).await;
    let hints = json!({
        "verbosity": "low", "reasoning_effort": "low", "frequency_penalty": 0.5, "presence_penalty": 0,
    });
    let send = async |seed: i64| {
        let mut body = asking(&prompt, &hints);
        body["seed"] = json!(seed);
        let request =
            program.request(Method::POST, "/v1/chat/completions").header("idempotency-key", "again");
        request.json(&body).send().await.expect("an answer").status()
    };
    for seed in [7, 7, 8] {
        assert_eq!(send(seed).await, StatusCode::OK);
    }
    let journal = app.sandbox.journal(&prompt).await;
    let seeds: Vec<_> = journal.iter().map(|entry| &entry["hints"]["seed"]).collect();
    assert_eq!(seeds, [7, 8], "another seed is another request, and the same one is not");
    assert_eq!(journal[0]["reasoning"], "low");
    let told = json!({ "seed": 7, "verbosity": "low", "frequency_penalty": 0.5, "presence_penalty": null });
    assert_eq!(journal[0]["hints"], told, "a penalty of 0 is none");

    app.sandbox.script(&prompt, json!({ "upstream": routes.first, "status": 503 })).await;
    assert_eq!(send(9).await, StatusCode::OK, "to others they are only hints");
    let told = asked_in(&app, &prompt, "anthropic").await;
    assert_eq!((&told["hints"], &told["reasoning"]), (&Value::Null, &Value::Null));
}
