//! What is reported to Sentry, and what never is.

use diesel_async::SimpleAsyncConnection;
use uuid::Uuid;

use crate::support::{TestApp, prompt};

/// Makes the database refuse what the list of conversations needs, or puts it right again.
async fn run_sql(app: &TestApp, sql: &str) {
    let db = app.db();
    db.get().await.expect("a connection").batch_execute(sql).await.expect(sql);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_reported_once_with_its_request_and_person_and_a_refusal_never() {
    let app = TestApp::start().await;
    let key = Uuid::now_v7().simple().to_string();
    let dsn = app.sandbox.url.replace("://", &format!("://{key}@")) + "/sentry/1";
    let mut process = app.spawn_process(&[("SENTRY_DSN", &dsn), ("SENTRY_ENVIRONMENT", "test")]);
    process.ready().await;
    let browser = app.user().await.at(&process.url);
    let (secret, name) = (prompt(), "person-");
    browser.ask(&secret).await;

    let (status, _) = browser.error("chat/read_thread", &[("id", &Uuid::now_v7().to_string())]).await;
    assert_eq!(status, 404);
    run_sql(&app, "alter table threads rename to threads_that_were_here").await;
    let mut told = Vec::new();
    for _ in 0..2 {
        let (status, error) = browser.error("chat/list_threads", &[]).await;
        assert_eq!(status, 500, "{error}");
        told.push(error);
    }
    run_sql(&app, "alter table threads_that_were_here rename to threads").await;

    let mut reported = app.sandbox.reported_faults(&key, 2).await;
    assert_eq!(reported.len(), 2, "one for each fault, none for the refusal: {reported:?}");
    for (event, error) in reported.iter_mut().zip(&told) {
        let request_id = event["tags"]["request.id"].as_str().expect("a request id");
        assert!(error.to_string().contains(request_id), "people are told the id that is reported");
        assert_eq!(event["tags"]["http.route"], "/api/chat/list_threads");
        assert!(event["user"]["id"].as_str().is_some_and(|id| Uuid::parse_str(id).is_ok()));
        assert_eq!(event["environment"], "test");
        event.as_object_mut().expect("an event").remove("threads").expect("a stack trace");
        let text = event.to_string();
        assert!(text.contains(r#"relation \"threads\" does not exist"#), "the cause is there: {text}");
        // The address begins with the name.
        assert!(!text.contains(&secret) && !text.contains(name), "{text}");
    }
}
