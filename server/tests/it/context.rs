//! What a model is shown of a conversation, and what is paid for it.

use app::types::{Conversation, Forgotten, Nanos, Prompt, ReplyState};
use http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::providers::assert_clean;
use crate::support::{Browser, Reply, TestApp, new_request, prompt, quick, stop};

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

/// In the encoding that takes the most bytes.
#[tokio::test(flavor = "multi_thread")]
async fn the_longest_message_is_answered_and_one_that_does_not_fit_its_model_is_refused_in_words() {
    let app = TestApp::with(|config| {
        config.plans.free.monthly_credit = Nanos::from_cents(100_000);
        config.llm.catalog.models[0].context_tokens = 500_000;
    })
    .await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, quick("Read.")).await;
    let longest = format!("{prompt}{}", "\u{1f600}".repeat(Prompt::MAX_CHARS - prompt.chars().count()));
    let body = json!({ "request": new_request(&longest) }).to_string().replace('\u{1f600}', "\\ud83d\\ude00");
    assert!(body.len() > 1_100_000, "{}", body.len());
    let request = browser.request(Method::POST, "/api/chat/start_reply");
    let answer =
        request.header("content-type", "application/json").body(body).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.expect("a reply").contains("Read."));
    let (status, error) = refusal(&browser, &new_request(&format!("{longest}!"))).await;
    assert!(status == 400 && error.contains("could not be read"), "{error}");

    let small = TestApp::with(|config| config.llm.catalog.models[0].context_tokens = 20_000).await;
    let (status, error) = refusal(&small.user().await, &new_request(&"word ".repeat(19_000))).await;
    assert_eq!(
        (status, error.as_str()),
        (400, "This message is too long for the model. Shorten it and try again.")
    );
}

async fn refusal(browser: &Browser, request: &Value) -> (u16, String) {
    let refused = browser.start_reply(request).await;
    (refused.status().as_u16(), refused.error().await.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_a_long_conversation_is_told_what_its_model_is_not_shown() {
    let (app, upstream) = forgetful().await;
    let browser = app.user().await;
    let (first, second, third) = (prompt(), prompt(), prompt());
    app.sandbox.script(&first, quick(&"ab ".repeat(60))).await;
    app.sandbox.script(&second, quick("Answered.")).await;
    app.sandbox.script(&third, quick("Answered.")).await;
    let reply = browser.ask(&first).await;
    let thread_id = reply.thread_id().to_string();
    let read = async || browser.value::<Conversation>("chat/read_thread", &[("id", &thread_id)]).await;
    assert_eq!(read().await.forgotten, [], "a question and its answer fit");

    browser.start_reply(&in_thread(&reply, "thread", "prompt", json!(second))).await.read_to_end().await;
    let Conversation { messages, forgotten, .. } = read().await;
    let model = messages[3].model.clone().expect("answered");
    assert_eq!(forgotten, [Forgotten { model, last: messages[1].id }]);
    browser.start_reply(&in_thread(&reply, "thread", "prompt", json!(third))).await.read_to_end().await;
    assert_eq!(turns_shown(&app, &third, &upstream).await, 3, "what comes after it is shown");

    let (version, other) = (messages[0].id.to_string(), prompt());
    app.sandbox.script(&other, quick("Answered.")).await;
    let alone = json!({ "client_request_id": Uuid::now_v7(), "target": { "kind": "edit", "thread_id": thread_id,
        "message_id": version, "prompt": other } });
    browser.start_reply(&alone).await.read_to_end().await;
    assert_eq!(read().await.forgotten, [], "of another path that is short");
    let shown: Conversation = browser.value("chat/show_version", &[("id", &version)]).await;
    assert_eq!(shown.forgotten.len(), 1, "and again of the long one");
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
