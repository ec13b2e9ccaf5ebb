//! What people think of replies.

use app::types::{Conversation, MessageId, Rating, Role};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Browser, Reply, TestApp, new_request, prompt};

fn answer(reply: &Reply) -> String {
    reply.ended().0.id.to_string()
}

async fn rate(browser: &Browser, id: &str, rating: &str) -> u16 {
    browser.call("chat/rate_reply", &[("id", id), ("rating", rating)]).await.status().as_u16()
}

async fn take_back(browser: &Browser, id: &str) -> u16 {
    browser.call("chat/take_rating_back", &[("id", id)]).await.status().as_u16()
}

async fn ratings(browser: &Browser, reply: &Reply) -> Vec<(Role, Option<Rating>)> {
    let id = reply.thread_id().to_string();
    let conversation: Conversation = browser.value("chat/read_thread", &[("id", &id)]).await;
    conversation.messages.into_iter().map(|message| (message.role, message.rating)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rating_is_kept_changed_and_taken_back() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let reply = browser.ask(&prompt()).await;
    let id = answer(&reply);
    for (rating, kept) in [("good", Rating::Good), ("good", Rating::Good), ("bad", Rating::Bad)] {
        assert_eq!(rate(&browser, &id, rating).await, 200);
        assert_eq!(ratings(&browser, &reply).await, [(Role::User, None), (Role::Assistant, Some(kept))]);
        assert_eq!(app.database().number("select count(*) from ratings").await, 1);
    }
    for _ in 0..2 {
        assert_eq!(take_back(&browser, &id).await, 200);
        assert_eq!(ratings(&browser, &reply).await, [(Role::User, None), (Role::Assistant, None)]);
    }
    let told = "select count(*) from jobs where kind = 'tell_rating'";
    assert_eq!(app.database().number(told).await, 0, "there is nobody to tell");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_replies_of_ones_own_can_be_rated() {
    let app = TestApp::start().await;
    let (browser, stranger) = (app.user().await, app.user().await);
    let reply = browser.ask(&prompt()).await;
    let (id, question) = (answer(&reply), reply.ended().0.parent_id.map(|MessageId(id)| id.to_string()));
    assert_eq!(rate(&stranger, &id, "bad").await, 404);
    assert_eq!(take_back(&stranger, &id).await, 404);
    assert_eq!(rate(&browser, &question.expect("a question"), "good").await, 404);
    assert_eq!(rate(&browser, &Uuid::now_v7().to_string(), "good").await, 404);
    assert_eq!(rate(&app.browser(), &id, "good").await, 401);
    assert_eq!(app.database().number("select count(*) from ratings").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rating_goes_with_its_reply() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let reply = browser.ask(&prompt()).await;
    assert_eq!(rate(&browser, &answer(&reply), "good").await, 200);
    app.database().execute("delete from messages where role = 'assistant'").await;
    assert_eq!(app.database().number("select count(*) from ratings").await, 0);
}

/// What Langfuse knows of a rating, once it knows this value.
async fn told(app: &TestApp, key: &str, value: Option<u8>) -> Vec<Value> {
    loop {
        let scores = app.sandbox.get("control/langfuse/scores", &[("key", key)]).await;
        let scores: Vec<Value> = serde_json::from_str(&scores).expect("scores");
        if scores.first().map(|score| score["value"].clone()) == value.map(|value| json!(value)) {
            return scores;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn langfuse_is_told_beside_the_trace_of_the_reply() {
    let app = TestApp::start().await;
    let key = Uuid::now_v7().simple().to_string();
    let host = format!("{}/langfuse", app.sandbox.url);
    let endpoint = format!("{}/otlp", app.sandbox.url);
    let mut process = app.spawn_process(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("LANGFUSE_HOST", &host),
        ("LANGFUSE_PUBLIC_KEY", &key),
        ("LANGFUSE_SECRET_KEY", "sandbox-secret"),
    ]);
    process.ready().await;
    let browser = app.user().await.at(&process.url);
    let trace_id = Uuid::now_v7().simple().to_string();
    let traceparent = format!("00-{trace_id}-00f067aa0ba902b7-01");
    let mut reply = browser.start_reply_within(&new_request(&prompt()), &traceparent).await;
    reply.read_to_end().await;
    let id = answer(&reply);

    for (rating, value) in [("good", 1), ("bad", 0)] {
        assert_eq!(rate(&browser, &id, rating).await, 200);
        let scores = told(&app, &key, Some(value)).await;
        let expected = json!([{
            "id": id, "traceId": trace_id, "name": "rating", "dataType": "BOOLEAN", "value": value,
        }]);
        assert_eq!(json!(scores), expected);
    }
    assert_eq!(take_back(&browser, &id).await, 200);
    told(&app, &key, None).await;
}
