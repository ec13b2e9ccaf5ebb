//! What is reported to Sentry and logged, and what never is.

use diesel_async::SimpleAsyncConnection;
use serde_json::Value;
use uuid::Uuid;

use crate::support::{TestApp, prompt, until};

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
    // What is told late is told by then.
    process.terminate();
    assert!(process.exit_status().success());

    let mut reported = app.sandbox.reported_faults(&key, 2).await;
    assert_eq!(reported.len(), 2, "one for each fault, none for the refusal: {reported:?}");
    let session = &browser.cookies["__Host-session"];
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
        for secret in [secret.as_str(), name, session] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_given_up_is_reported_once() {
    let app = TestApp::start().await;
    let key = Uuid::now_v7().simple().to_string();
    let dsn = app.sandbox.url.replace("://", &format!("://{key}@")) + "/sentry/1";
    run_sql(&app, "insert into jobs (id, kind, payload, max_attempts) values (gen_random_uuid(), 'of_tomorrow', '{}', 1)")
        .await;
    let mut worker = app.spawn_worker(&[("SENTRY_DSN", &dsn)]);
    until(async || app.database().number("select count(*) from jobs where state = 'dead'").await > 0).await;
    worker.terminate();
    assert!(worker.exit_status().success());

    let reported = app.sandbox.reported_faults(&key, 1).await;
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert_eq!(reported[0]["tags"]["job.kind"], "of_tomorrow");
    assert_eq!(reported[0]["release"], concat!("plumbline@", env!("CARGO_PKG_VERSION")));
}

/// A line of the log, of the request with this path.
fn line_of(log: &str, path: &str) -> Option<Value> {
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.find(|line| line["span"]["http.path"] == path)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_a_line_with_its_id_route_person_status_and_duration() {
    let app = TestApp::start().await;
    let mut process = app.spawn_process(&[("RUST_LOG", "info")]);
    process.ready().await;
    let browser = app.user().await.at(&process.url);
    let person = app.newest_user().await;
    let answer = browser.call("chat/list_threads", &[]).await;
    let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    // (39)
    assert_eq!(browser.clone().get("/admin/people").await.status(), 404);
    process.terminate();
    assert!(process.exit_status().success());

    let log = process.log();
    let line = line_of(&log, "/api/chat/list_threads").expect("a line");
    assert_eq!(line["span"]["request.id"], id);
    assert_eq!(line["span"]["http.route"], "/api/chat/list_threads");
    assert_eq!(line["span"]["user.id"], person);
    assert_eq!(line["http.status"], 200);
    assert!(line["latency_ms"].is_u64(), "{line}");
    let refused = log.lines().find(|line| line.contains("Refused somebody who is no operator"));
    assert!(refused.is_some_and(|line| line.contains(&person)), "{log}");
}
