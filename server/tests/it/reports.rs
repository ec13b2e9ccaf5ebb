//! What browsers report of themselves.

use http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Browser, TestApp};

fn report() -> Value {
    json!({
        "kind": "panic",
        "message": "panicked at app/src/app.rs:1:2:\nno ada@mail.example with sk-test-1234 at /chat?secret=word",
        "path": "/chat/019319d2?secret=word",
        "request_id": "0193aaaa-0000-7000-8000-000000000001",
        "release": "0.1.0",
    })
}

async fn send(browser: &Browser, body: &Value) -> StatusCode {
    // As a beacon does: a text, not declared as JSON.
    let request = browser.request(Method::POST, "/reports/browser").body(body.to_string());
    request.send().await.expect("an answer").status()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_a_browser_is_reported_once_without_what_does_not_belong_there() {
    let app = TestApp::start().await;
    let key = Uuid::now_v7().simple().to_string();
    let dsn = app.sandbox.url.replace("://", &format!("://{key}@")) + "/sentry/1";
    let mut process = app.spawn_process(&[("SENTRY_DSN", &dsn)]);
    process.ready().await;
    let browser = app.user().await.at(&process.url);
    assert_eq!(send(&browser, &report()).await, StatusCode::NO_CONTENT);
    process.terminate();
    assert!(process.exit_status().success());

    let events = app.sandbox.reported_faults(&key, 1).await;
    assert_eq!(events.len(), 1, "{events:?}");
    let (event, log) = (&events[0], process.log());
    assert_eq!(event["logger"], "browser");
    assert_eq!(event["tags"]["browser.path"], "/chat/019319d2");
    assert_eq!(event["tags"]["browser.release"], "0.1.0");
    assert_eq!(event["tags"]["browser.kind"], "Panic");
    assert_eq!(event["tags"]["browser.request_id"], "0193aaaa-0000-7000-8000-000000000001");
    assert!(event["tags"]["request.id"].is_string() && event["user"]["id"].is_string());
    for text in [event.to_string(), log] {
        assert!(text.contains("panicked at app/src/app.rs:1:2:"), "{text}");
        for secret in ["mail.example", "sk-test", "secret=word"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_few_short_and_of_our_own_pages() {
    let app = TestApp::with(|config| config.limits.browser_reports_per_minute = 3).await;
    let browser = app.browser();
    assert_eq!(send(&browser, &json!({ "kind": "panic" })).await, StatusCode::BAD_REQUEST);
    let long = json!({ "kind": "panic", "message": "x".repeat(9000), "path": "/", "release": "" });
    assert_eq!(send(&browser, &long).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(&browser, &report()).await, StatusCode::NO_CONTENT);
    assert_eq!(send(&browser, &report()).await, StatusCode::TOO_MANY_REQUESTS);

    let address = app.url.join("reports/browser").expect("a path");
    let elsewhere = reqwest::Client::new().post(address).header("sec-fetch-site", "cross-site");
    let status = elsewhere.body(report().to_string()).send().await.expect("an answer").status();
    assert_eq!(status, StatusCode::FORBIDDEN);
}
