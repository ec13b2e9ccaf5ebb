//! Programs that give the model tools, and want JSON of it.

use http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::providers::{Routes, two_routes};
use crate::support::{
    Program, TestApp, completion, frames, paced, prompt, quick, streamed, until, without_redis,
};

/// The stand-in that speaks OpenAI's format is the first to be asked, the one of Anthropic's the second.
const FORMATS: [&str; 2] = ["openai", "anthropic"];

async fn program(app: &TestApp) -> Program {
    app.program(&app.user().await).await
}

fn weather() -> Value {
    json!([{
        "type": "function",
        "function": {
            "name": "weather",
            "description": "How the weather is in a city.",
            "parameters": { "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] },
        },
    }])
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

/// The first provider fails, unless it is the one that is meant.
async fn leave_to(app: &TestApp, routes: &Routes, format: &str, prompt: &str) {
    if format == "anthropic" {
        app.sandbox.script(prompt, json!({ "upstream": routes.first, "status": 503 })).await;
    }
}

/// The calls that come in the pieces of a stream, as clients put them together, and why it ended.
fn streamed_calls(body: &str) -> (Vec<(String, String, String)>, Value) {
    let (mut calls, mut reason) = (Vec::<(String, String, String)>::new(), Value::Null);
    for frame in frames(body).into_iter().filter(|frame| *frame != "[DONE]") {
        let chunk: Value = serde_json::from_str(frame).expect("JSON");
        let choice = &chunk["choices"][0];
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let index = call["index"].as_u64().expect("a number") as usize;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            if index == calls.len() {
                assert_eq!(call["type"], "function");
                calls.push((text(&call["id"]), text(&call["function"]["name"]), String::new()));
            }
            calls[index].2.push_str(&text(&call["function"]["arguments"]));
        }
        if !choice["finish_reason"].is_null() {
            reason = choice["finish_reason"].clone();
        }
    }
    (calls, reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_calls_tools_and_goes_on_with_what_they_come_to_whoever_provides_it() {
    let (app, routes) = two_routes().await;
    let program = program(&app).await;
    for format in FORMATS {
        let prompt = prompt();
        app.sandbox.script(&prompt, quick("12 degrees in Ulm, and 9 in Jena.")).await;
        let calls = json!([
            { "name": "weather", "arguments": { "city": "Ulm" } },
            { "name": "weather", "arguments": { "city": "Jena" } },
        ]);
        let calling = json!({ "text": "Let me look.", "tool_calls": calls, "gap_ms": 0, "times": 1 });
        app.sandbox.script(&prompt, calling).await;
        leave_to(&app, &routes, format, &prompt).await;

        let ask = with(streamed(&prompt), "tools", weather());
        let text = program.complete(&ask).await.text().await.expect("a body");
        let (calls, reason) = streamed_calls(&text);
        assert!(text.contains("[DONE]"), "{text}");
        assert_eq!(reason, "tool_calls", "{format}");
        let arguments: Vec<_> =
            calls.iter().map(|(_, name, arguments)| (name.as_str(), arguments.as_str())).collect();
        assert_eq!(
            arguments,
            [("weather", r#"{"city":"Ulm"}"#), ("weather", r#"{"city":"Jena"}"#)],
            "{format}"
        );

        let asked = &ask["messages"][0];
        let called: Vec<_> = calls
            .iter()
            .map(|(id, name, arguments)| {
                json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
            })
            .collect();
        let result = |call: usize, text: &str| json!({ "role": "tool", "tool_call_id": calls[call].0, "content": text });
        let messages = json!([
            asked,
            { "role": "assistant", "content": "Let me look.", "tool_calls": called },
            result(1, "9"),
            result(0, "12"),
        ]);
        let go_on = with(with(completion(&prompt), "tools", weather()), "messages", messages);
        let answer: Value = program.complete(&go_on).await.json().await.expect("JSON");
        assert_eq!(
            answer["choices"][0]["message"]["content"], "12 degrees in Ulm, and 9 in Jena.",
            "{answer}"
        );

        let journal = app.sandbox.journal(&prompt).await;
        let told = journal.iter().rfind(|entry| entry["api"] == format).expect("it was asked");
        let results: Vec<_> = told["tool_results"]
            .as_array()
            .expect("results")
            .iter()
            .map(|result| &result["content"])
            .collect();
        assert_eq!(results, ["9", "12"], "{format}");
        assert_eq!(told["tools"].as_array().map(Vec::len), Some(1));
    }
    app.database().assert_no_open_holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_has_its_calls_and_null_for_what_is_not_said() {
    let app = TestApp::start().await;
    let (program, prompt) = (program(&app).await, prompt());
    let calls = json!([{ "name": "weather", "arguments": { "city": "Ulm" } }]);
    app.sandbox.script(&prompt, json!({ "tool_calls": calls, "usage": "missing", "gap_ms": 0 })).await;
    let ask = with(with(completion(&prompt), "tools", weather()), "tool_choice", json!("required"));
    let answer: Value = program.complete(&ask).await.json().await.expect("JSON");
    let choice = &answer["choices"][0];
    assert_eq!(
        (&choice["message"]["content"], &choice["finish_reason"]),
        (&Value::Null, &json!("tool_calls"))
    );
    let function = &choice["message"]["tool_calls"][0]["function"];
    assert_eq!(*function, json!({ "name": "weather", "arguments": r#"{"city":"Ulm"}"# }));
    // Seven bytes of the name and fourteen of the arguments, at three a token.
    assert_eq!(answer["usage"]["completion_tokens"], 7, "nobody has counted, so we have");
    assert!(answer["usage"]["prompt_tokens"].as_u64() > Some(500), "tools are read, too");
    assert_eq!(app.sandbox.journal(&prompt).await[0]["tool_choice"], "required");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_kept_for_who_sends_the_same_request_again() {
    let app = TestApp::start().await;
    let (program, prompt) = (program(&app).await, prompt());
    let calls = json!([{ "name": "weather", "arguments": { "city": "Ulm" } }]);
    app.sandbox.script(&prompt, json!({ "tool_calls": calls, "gap_ms": 0 })).await;
    let ask = with(streamed(&prompt), "tools", weather());
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request =
            program.request(Method::POST, "/v1/chat/completions").header("idempotency-key", "again");
        let response = request.json(&ask).send().await.expect("an answer");
        answers.push(streamed_calls(&response.text().await.expect("a body")));
    }
    assert_eq!(answers[0].0.len(), 1);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 1);
}

/// Nothing was said but calls, and the process that heard them is dead.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_process_heard_of_calls_is_paid() {
    let app = TestApp::start().await;
    let mut server = app.doomed_server(|_| {}).await;
    let (program, prompt) = (program(&app).await, prompt());
    let calls = json!([{ "name": "weather", "arguments": { "city": "Ulm" } }, { "name": "unheard" }]);
    app.sandbox
        .script(&prompt, json!({ "tool_calls": calls, "stall_after_chunks": 2, "chunk_chars": 99 }))
        .await;
    let mut answer = program.at(&server.url).complete(&with(streamed(&prompt), "tools", weather())).await;
    let database = app.database();
    until(async || {
        database.number("select count(*) from generations where checkpoint_tool_calls <> '[]'").await > 0
    })
    .await;
    server.abort();
    while let Ok(Some(_)) = answer.chunk().await {}
    database.execute("update holds set expires_at = now() - interval '3 minutes'").await;
    app.another_state(without_redis).sweep().await;
    assert_eq!(database.number("select output_tokens::bigint from usage_records").await, 7);
    database.assert_no_open_holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_asked_for_in_each_providers_words() {
    let (app, routes) = two_routes().await;
    let program = program(&app).await;
    let ok = json!({ "ok": { "type": "boolean" } });
    let schema =
        json!({ "type": "object", "properties": ok, "required": ["ok"], "additionalProperties": false });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "verdict", "schema": schema, "strict": true } });
    let in_words = [format.clone(), json!({ "format": { "type": "json_schema", "schema": schema } })];
    for (name, words) in FORMATS.into_iter().zip(in_words) {
        let prompt = prompt();
        app.sandbox.script(&prompt, quick(r#"{"ok":true}"#)).await;
        leave_to(&app, &routes, name, &prompt).await;
        let response = program.complete(&with(completion(&prompt), "response_format", format.clone())).await;
        assert_eq!(response.status(), StatusCode::OK);
        let journal = app.sandbox.journal(&prompt).await;
        let told = journal.iter().rfind(|entry| entry["api"] == name).expect("it was asked");
        assert_eq!(told["format"], words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_has_no_words_for_json_is_not_asked_for_it() {
    let (app, routes) = two_routes().await;
    let (program, prompt) = (program(&app).await, prompt());
    app.sandbox.script(&prompt, paced("{}", 0)).await;
    leave_to(&app, &routes, "anthropic", &prompt).await;
    let ask = |model: &str| {
        with(
            with(completion(&prompt), "response_format", json!({ "type": "json_object" })),
            "model",
            json!(model),
        )
    };
    assert_eq!(program.complete(&ask("everyday")).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let journal = app.sandbox.journal(&prompt).await;
    assert!(!journal.is_empty() && journal.iter().all(|entry| entry["api"] == "openai"), "{journal:?}");

    let app = TestApp::with_env(&[], |config| drop(config.llm.catalog.models[0].routes.remove(0))).await;
    let refused = self::program(&app).await.complete(&ask("everyday")).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let error: Value = refused.json().await.expect("JSON");
    assert_eq!(error["error"]["param"], "response_format");
}
