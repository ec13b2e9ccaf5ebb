//! Conversations as files.

use app::types::Thread;
use http::StatusCode;
use uuid::Uuid;

use crate::support::{Browser, TestApp, quick};

/// Somebody's only conversation, with what was asked in it.
async fn conversation(app: &TestApp, browser: &Browser, answer: &str) -> (Thread, String) {
    let prompt = format!("Why *{}*?\n\n# And this?", Uuid::now_v7());
    app.sandbox.script(&prompt, quick(answer)).await;
    browser.ask(&prompt).await;
    let mut threads: Vec<Thread> = browser.value("chat/list_threads", &[]).await;
    (threads.remove(0), prompt)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_comes_back_as_it_was_written() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    let answer = "Because:\n\n| a | b |\n| - | - |\n| ü | <b>&amp;</b> |";
    let (thread, prompt) = conversation(&app, &browser, answer).await;
    let file = browser.get(&format!("/chat/{}/export.md", thread.id)).await;
    assert_eq!(file.status(), StatusCode::OK);
    assert_eq!(file.headers()["content-type"], "text/markdown; charset=utf-8");
    let disposition = file.headers()["content-disposition"].to_str().expect("text").to_owned();
    assert!(disposition.starts_with("attachment; filename=\"plumbline-why-"), "{disposition}");
    assert_eq!(file.headers()["cache-control"], "private, no-store");
    let text = file.text().await.expect("text");
    let [head, asked, answered] =
        text.split("\n## ").collect::<Vec<_>>().try_into().expect("a title and two turns");
    assert_eq!(head, format!("# {}\n", thread.title));
    let (whose, asked) = asked.split_once("\n\n").expect("a heading");
    assert!(whose.starts_with("You, 20") && whose.ends_with(" UTC"), "{whose}");
    assert_eq!(asked, format!("{prompt}\n"));
    let (whose, answered) = answered.split_once("\n\n").expect("a heading");
    assert!(whose.starts_with("Assistant (Everyday), 20") && whose.ends_with(" UTC"), "{whose}");
    assert_eq!(answered, format!("{answer}\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_shown_path_is_in_the_file() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    let (thread, prompt) = conversation(&app, &browser, "The first idea.").await;
    app.sandbox.script(&prompt, quick("The second idea.")).await;
    let question = app.database().rows("select id::text from messages where role = 'user'").await;
    let target = serde_json::json!({
        "kind": "retry", "thread_id": thread.id, "message_id": question[0].get::<_, String>(0),
    });
    let request = serde_json::json!({ "client_request_id": Uuid::now_v7(), "target": target });
    browser.start_reply(&request).await.read_to_end().await;
    let file = browser.get(&format!("/chat/{}/export.md", thread.id)).await;
    let text = file.text().await.expect("text");
    assert!(text.contains("The second idea.") && !text.contains("The first idea."), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_it_does_not_belong_to_gets_no_file() {
    let app = TestApp::start().await;
    let owner = app.user().await;
    let (thread, prompt) = conversation(&app, &owner, "Between us.").await;
    let (mut stranger, mut visitor) = (app.user().await, app.browser());
    for id in [thread.id.to_string(), Uuid::now_v7().to_string(), "no-id".to_owned()] {
        let answer = stranger.get(&format!("/chat/{id}/export.md")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{id}");
        assert!(answer.headers().get("content-disposition").is_none());
        assert!(!answer.text().await.expect("a page").contains(&prompt));
    }
    let answer = visitor.get(&format!("/chat/{}/export.md", thread.id)).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}
