//! The API for programs.

use app::types::{Nanos, Thread};
use chrono::Utc;
use http::StatusCode;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Program, Shop, TestApp, cheap, completion, frames, paced, prompt, quick, said_then_silent, silent,
    streamed, until,
};

pub async fn body(response: Response) -> Value {
    response.json().await.expect("JSON")
}

/// The status and what programs go by of an error.
pub async fn error(response: Response) -> (u16, Value, Value) {
    let status = response.status().as_u16();
    let error = body(response).await["error"].clone();
    assert!(error["message"].is_string() && error["type"].is_string(), "{error}");
    (status, error["code"].clone(), error["param"].clone())
}

pub async fn program(app: &TestApp) -> Program {
    app.program(&app.user().await).await
}

/// How the only answer stands.
async fn state(app: &TestApp) -> String {
    app.database().rows("select state from generations").await[0].get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_a_whole_answer_and_what_it_used() {
    let app = TestApp::with(|config| config.plans.free.requests_per_minute = 5).await;
    let (program, prompt) = (program(&app).await, prompt());
    let script = json!({ "text": "Yes.", "usage": { "prompt_tokens": 9, "completion_tokens": 4 }, "cached_tokens": 0 });
    app.sandbox.script(&prompt, script).await;
    let response = program.complete(&completion(&prompt)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-ratelimit-limit-requests"], "5");
    assert_eq!(response.headers()["x-ratelimit-remaining-requests"], "4");
    let answer = body(response).await;
    assert_eq!((&answer["object"], &answer["model"]), (&json!("chat.completion"), &json!("everyday")));
    let choice = &answer["choices"][0];
    assert_eq!(choice["message"]["content"], "Yes.");
    assert_eq!(choice["finish_reason"], "stop");
    let usage = &answer["usage"];
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(9), &json!(4)));
    assert_eq!(usage["total_tokens"], 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_answer_comes_word_by_word_and_ends_with_its_usage() {
    let app = TestApp::start().await;
    let (program, prompt) = (program(&app).await, prompt());
    app.sandbox.script(&prompt, paced("One two three.", 20)).await;
    let response = program.complete(&streamed(&prompt)).await;
    let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
    assert!(header("content-type").starts_with("text/event-stream"));
    assert_eq!(
        (header("x-accel-buffering"), header("cache-control")),
        ("no".to_owned(), "no-cache".to_owned())
    );
    let text = response.text().await.expect("a body");
    let frames = frames(&text);
    let (last, chunks) = frames.split_last().expect("frames");
    assert_eq!(*last, "[DONE]");
    let chunks: Vec<Value> = chunks.iter().map(|chunk| serde_json::from_str(chunk).expect("JSON")).collect();
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == chunks[0]["id"])
    );
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let words: Vec<_> =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(words.concat(), "One two three.");
    assert!(words.len() > 2, "{words:?}");
    let [.., end, usage] = chunks.as_slice() else { panic!("{chunks:?}") };
    assert_eq!(end["choices"][0]["finish_reason"], "stop");
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["completion_tokens"].as_i64() > Some(0), "{usage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_told_what_the_program_sends_and_nothing_else() {
    let app = TestApp::start().await;
    let (program, prompt) = (program(&app).await, prompt());
    app.sandbox.script(&prompt, quick("Yes.")).await;
    let body = json!({
        "model": "everyday",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Is it?" },
            { "role": "assistant", "content": "What?" },
            { "role": "user", "content": [{ "type": "text", "text": prompt }] },
        ],
        "temperature": 0.5,
        "top_p": 0.25,
        "stop": ["END"],
        "max_tokens": 77,
    });
    for _ in 0..2 {
        assert_eq!(program.complete(&body).await.status(), StatusCode::OK);
    }
    for asked in app.sandbox.journal(&prompt).await {
        assert_eq!(asked["instructions"], "Be brief.");
        assert_eq!((&asked["temperature"], &asked["top_p"]), (&json!(0.5), &json!(0.25)));
        assert_eq!((&asked["stop"], &asked["max_tokens"]), (&json!(["END"]), &json!(77)));
        assert_eq!(asked["last_user_message"], prompt.as_str());
    }
}

/// As a chain of LangChain's does that has a prompt and no question.
#[tokio::test(flavor = "multi_thread")]
async fn instructions_alone_are_what_is_asked() {
    let app = TestApp::start().await;
    let (program, prompt) = (program(&app).await, prompt());
    app.sandbox.script(&prompt, quick("Yes.")).await;
    let messages = json!([{ "role": "system", "content": prompt }, { "role": "system", "content": "" }]);
    let response = program.complete(&json!({ "model": "everyday", "messages": messages })).await;
    assert_eq!(response.status(), StatusCode::OK);
    let asked = &app.sandbox.journal(&prompt).await[0];
    assert_eq!((&asked["instructions"], &asked["last_user_message"]), (&Value::Null, &json!(prompt)));
}

/// The account pays, and its person sees what for; what was asked is nowhere kept.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_charged_to_the_account_and_are_no_conversations() {
    let app = TestApp::with(cheap).await;
    let browser = app.user().await;
    let (program, prompt) = (app.program(&browser).await, prompt());
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 700 });
    app.sandbox.script(&prompt, json!({ "text": "Yes.", "usage": usage, "gap_ms": 0 })).await;
    for _ in 0..2 {
        assert_eq!(program.complete(&completion(&prompt)).await.status(), StatusCode::OK);
    }
    let quota: app::types::Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(quota.credit.used(), Nanos(1400));
    let threads: Vec<Thread> = browser.value("chat/list_threads", &[]).await;
    assert_eq!(threads, []);
    let mut browser = browser;
    let page = browser.get("/usage").await.text().await.expect("a page");
    assert!(page.contains("API key “nightly report”"), "the usage page names the key");
    let kept = format!("select count(*) from messages where content like '%{prompt}%'");
    assert_eq!(app.database().number(&kept).await, 0);
    app.database().assert_no_open_holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_leaves_stops_its_answer_and_pays_for_what_was_said() {
    let app = TestApp::start().await;
    let (program, prompt) = (program(&app).await, prompt());
    app.sandbox.script(&prompt, said_then_silent()).await;
    let mut response = program.complete(&streamed(&prompt)).await;
    response.chunk().await.expect("a chunk");
    drop(response);
    until(async || state(&app).await == "stopped").await;
    assert!(app.database().number("select charged_nanos from usage_records").await > 0);
    app.database().assert_no_open_holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_one_that_leaves_before_the_first_word() {
    let app = TestApp::start().await;
    let (program, prompt) = (program(&app).await, prompt());
    app.sandbox.script(&prompt, silent()).await;
    let asking = tokio::spawn({
        let (program, body) = (program.clone(), completion(&prompt));
        async move { program.complete(&body).await.status() }
    });
    until(async || !app.sandbox.journal(&prompt).await.is_empty()).await;
    asking.abort();
    until(async || state(&app).await == "stopped").await;
    app.database().assert_no_open_holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_before_the_first_word_has_a_status_and_is_free() {
    let app = TestApp::start().await;
    let program = program(&app).await;
    for (status, told) in [(400, (400, json!("refused"))), (503, (503, json!("overloaded")))] {
        let prompt = prompt();
        app.sandbox.script(&prompt, json!({ "status": status })).await;
        for body in [completion(&prompt), streamed(&prompt)] {
            let (status, code, _) = error(program.complete(&body).await).await;
            assert_eq!((status, code), told);
        }
    }
    assert_eq!(app.database().number("select sum(charged_nanos)::bigint from usage_records").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_never_taken_for_a_whole_one() {
    let app = TestApp::start().await;
    let (program, prompt) = (program(&app).await, prompt());
    app.sandbox.script(&prompt, json!({ "text": "One two three.", "cut_after_chunks": 2 })).await;
    let text = program.complete(&streamed(&prompt)).await.text().await.expect("a body");
    let frames = frames(&text);
    let last: Value = serde_json::from_str(frames.last().expect("frames")).expect("JSON");
    assert!(last["error"]["message"].is_string(), "{last}");
    assert!(!text.contains("[DONE]"));
    let (status, ..) = error(program.complete(&completion(&prompt)).await).await;
    assert_eq!(status, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_good_key_opens_the_api() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let program = app.program(&browser).await;
    assert_eq!(program.get("/v1/models").await.status(), StatusCode::OK);
    let told = (401, json!("invalid_api_key"), json!(null));
    let wrong = program.with_key(&format!("{}x", program.key));
    assert_eq!(error(wrong.complete(&completion("Hi")).await).await, told);
    // A browser's cookie is no key.
    let response = browser.request(Method::GET, "/v1/models").send().await.expect("an answer");
    assert_eq!(error(response).await, told);
    let keys: Value = browser.value("api_keys/list_api_keys", &[]).await;
    let id = keys["keys"][0]["id"].as_str().expect("an id");
    assert!(browser.call("api_keys/revoke_api_key", &[("id", id)]).await.status().is_success());
    assert_eq!(error(program.get("/v1/models").await).await, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_tries_keys_is_limited_by_address() {
    let app = TestApp::with(|config| config.limits.anonymous_requests_per_minute = 2).await;
    let program = program(&app).await;
    let wrong = program.with_key("plb_guess");
    for status in [401, 401, 429] {
        assert_eq!(wrong.get("/v1/models").await.status().as_u16(), status);
    }
    assert_eq!(program.get("/v1/models").await.status(), StatusCode::OK, "good keys go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_models_are_those_of_the_plan() {
    let app = TestApp::with(|config| config.llm.catalog.models[1].plans = vec!["pro".to_owned()]).await;
    let program = program(&app).await;
    let list = body(program.get("/v1/models").await).await;
    let keys: Vec<_> =
        list["data"].as_array().expect("models").iter().filter_map(|model| model["id"].as_str()).collect();
    assert!(keys.contains(&"everyday") && !keys.contains(&"thorough"), "{keys:?}");
    assert_eq!(body(program.get("/v1/models/everyday").await).await["object"], "model");
    assert_eq!(error(program.get("/v1/models/thorough").await).await.0, 404);
}

/// The same request as often as this is done.
pub async fn send_again(program: &Program, body: &Value) -> Response {
    let request = program.request(Method::POST, "/v1/chat/completions").header("idempotency-key", "again");
    request.json(body).send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_again_with_its_key_is_one_answer() {
    let app = TestApp::start().await;
    let (program, prompt) = (program(&app).await, prompt());
    app.sandbox.script(&prompt, quick("Once.")).await;
    let first = body(send_again(&program, &completion(&prompt)).await).await;
    let again = body(send_again(&program, &completion(&prompt)).await).await;
    assert_eq!((&first["id"], &first["usage"]), (&again["id"], &again["usage"]));
    assert_eq!(again["choices"][0]["message"]["content"], "Once.");
    let text = send_again(&program, &streamed(&prompt)).await.text().await.expect("a body");
    assert!(
        text.contains("Once.") && !text.contains(first["id"].as_str().expect("an id")),
        "another request"
    );
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 2);
}

/// A server about to end would not wait for an answer that it does not write.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_at_a_stopping_server_is_sent_to_the_one_that_writes_its_answer() {
    let app = TestApp::start().await;
    let (other, stopping) = app.another_server_and_state(|_| {}).await;
    let (program, prompt) = (program(&app).await, prompt());
    app.sandbox.script(&prompt, said_then_silent()).await;
    let first = send_again(&program, &streamed(&prompt)).await;
    let attached = send_again(&program.at(&other), &streamed(&prompt)).await;
    stopping.begin_shutdown();
    let text = attached.text().await.expect("a body");
    let last: Value = serde_json::from_str(frames(&text).last().expect("frames")).expect("JSON");
    assert!(text.contains("said") && last["error"]["message"].is_string(), "{text}");

    let refused = send_again(&program.at(&other), &streamed(&prompt)).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["connection"], "close");
    assert_eq!(send_again(&program, &streamed(&prompt)).await.status(), StatusCode::OK);
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 1, "it is one answer all the time");
    drop(first);
    until(async || state(&app).await == "stopped").await;
}

/// As a client does whose connection broke, or that was told to try again.
#[tokio::test(flavor = "multi_thread")]
async fn one_whose_answer_did_not_become_whole_is_answered_anew() {
    let app = TestApp::start().await;
    let (program, prompt) = (program(&app).await, prompt());
    app.sandbox.script(&prompt, said_then_silent()).await;
    let mut left = send_again(&program, &streamed(&prompt)).await;
    left.chunk().await.expect("the first word");
    drop(left);
    until(async || state(&app).await == "stopped").await;

    app.sandbox.script(&prompt, json!({ "status": 400 })).await;
    assert_eq!(error(send_again(&program, &streamed(&prompt)).await).await.0, 400);
    app.sandbox.script(&prompt, quick("Whole.")).await;
    for _ in 0..2 {
        let text = send_again(&program, &streamed(&prompt)).await.text().await.expect("a body");
        assert!(text.contains("Whole.") && text.contains("[DONE]"), "{text}");
    }
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 3, "and from then on it is one");
}

/// As `purge_jobs` does a day later: receipts stay, and whoever asks again gets another answer.
#[tokio::test(flavor = "multi_thread")]
async fn answers_to_programs_are_forgotten_after_a_day() {
    let shop = Shop::open().await;
    let (app, prompt) = (&shop.app, prompt());
    let program = program(app).await;
    let calls = json!([{ "name": "forget" }]);
    app.sandbox.script(&prompt, json!({ "text": "Forget me.", "tool_calls": calls, "gap_ms": 0 })).await;
    let first = body(send_again(&program, &completion(&prompt)).await).await;
    let answers = "select count(*) from messages where content = 'Forget me.' or tool_calls <> '[]'";
    for (hours, kept) in [(23, 1), (25, 0)] {
        let id = id_of_hours_ago(hours);
        app.database()
            .execute(&format!("update messages set id = '{id}' where generation_id is not null"))
            .await;
        shop.run_job("purge_jobs").await;
        assert_eq!(app.database().number(answers).await, kept, "after {hours} hours");
    }
    assert_eq!(app.database().number("select count(*) from usage_records").await, 1);
    let again = body(send_again(&program, &completion(&prompt)).await).await;
    assert_eq!(again["choices"][0]["message"]["content"], "Forget me.");
    assert_ne!(first["id"], again["id"]);
}

fn id_of_hours_ago(hours: u64) -> Uuid {
    let millis = Utc::now().timestamp_millis().unsigned_abs() - hours * 3_600_000;
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_limited_in_what_is_no_answer_too() {
    let app = TestApp::with(|config| config.limits.account_requests_per_minute = 2).await;
    // Of its own, whatever the person's browser does meanwhile.
    let program = program(&app).await;
    for status in [200, 200, 429] {
        assert_eq!(program.get("/v1/models").await.status().as_u16(), status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_the_plan_refuses_use_up_none_of_the_other_requests() {
    let app = TestApp::with(|config| {
        config.limits.account_requests_per_minute = 2;
        config.plans.free.requests_per_minute = 1;
    })
    .await;
    let program = program(&app).await;
    for status in [200, 429, 429, 429] {
        assert_eq!(program.complete(&completion("Hi")).await.status().as_u16(), status);
    }
    for status in [200, 200, 429] {
        assert_eq!(program.get("/v1/models").await.status().as_u16(), status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_why_a_request_was_refused_and_repeats_no_words_of_it() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let program = app.program(&browser).await;
    let mut process = app.spawn_process(&[("RUST_LOG", "info")]);
    process.ready().await;
    let (browser, program) = (browser.at(&process.url), program.at(&process.url));

    for (field, value) in
        [("logprobs", json!(true)), ("my secret plan", json!("yes")), ("max_tokens", json!(0))]
    {
        let mut ask = completion(&prompt());
        ask[field] = value;
        assert_eq!(program.complete(&ask).await.status(), 400, "{field}");
    }
    assert_eq!(program.with_key("plb_wrong").get("/v1/models").await.status(), 401);
    let mut ask = completion(&prompt());
    ask["model"] = json!("other");
    assert_eq!(program.complete(&ask).await.status(), 404);
    let nothing = [("id", "01900000-0000-7000-8000-000000000000")];
    assert_eq!(browser.error("chat/read_thread", &nothing).await.0, 404);

    let log = process.log();
    let answers = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let answers = answers.filter(|line| line["http.status"].as_u64() >= Some(400));
    let reasons: Vec<_> = answers
        .map(|line| {
            let part = |name: &str| line["span"][name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", line["http.status"], part("error.code"), part("error.param"))
        })
        .collect();
    assert_eq!(
        reasons,
        [
            "400 unsupported_parameter logprobs",
            "400 unsupported_parameter other",
            "400 invalid_request_error max_tokens",
            "401 invalid_api_key -",
            "404 model_not_found model",
            "404 not_found -",
        ]
    );
    assert!(!log.contains("secret plan"), "{log}");
}
