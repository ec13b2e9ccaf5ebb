//! The audit log.

use app::types::{AuditKind, AuditPage};

use crate::support::{TestApp, until};

fn kinds(page: &AuditPage) -> Vec<AuditKind> {
    page.events.iter().filter_map(|event| event.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_found_by_event_and_by_person_and_read_page_by_page() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let id = app.newest_user().await;
    somebody.call("account/sign_out", &[]).await;
    let operator = app.operator().await;
    let rows: Vec<_> = (0..120)
        .map(|number| {
            format!("('00000000-0000-7000-8000-{number:012}', 'session_revoked', '{id}', '', '{number}')")
        })
        .collect();
    let insert = "insert into audit_events (id, kind, user_id, request_id, detail) values";
    app.database().execute(&format!("{insert} {}", rows.join(","))).await;

    let of_person: AuditPage = operator.value("admin/audit/list", &[("query[person]", &id)]).await;
    assert_eq!(kinds(&of_person)[..2], [AuditKind::SignedOut, AuditKind::SignedIn], "newest first");
    let event = &of_person.events[0];
    assert_eq!(event.address.as_deref(), Some("127.0.0.1"));
    assert!(!event.request_id.is_empty());
    assert!(
        event.person.as_ref().is_some_and(|person| person.id.to_string() == id && !person.name.is_empty())
    );

    let fields = [("query[kind]", "session_revoked".to_owned())];
    let mut fields: Vec<(&str, String)> = fields.into();
    let mut seen = Vec::new();
    loop {
        let borrowed: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page: AuditPage = operator.value("admin/audit/list", &borrowed).await;
        seen.extend(page.events.into_iter().map(|event| event.detail));
        let Some(next) = page.next else { break };
        fields.truncate(1);
        fields.push(("query[after]", next.to_string()));
    }
    let expected: Vec<_> = (0..120).rev().map(|number| number.to_string()).collect();
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_did_is_found_by_the_id_that_errors_show() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let answer = somebody.call("account/sign_out", &[]).await;
    let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    let mut operator = app.operator().await;
    let page: AuditPage = operator.value("admin/audit/list", &[("query[request_id]", &id)]).await;
    assert_eq!(kinds(&page), [AuditKind::SignedOut]);
    let html = operator.get(&format!("/admin/audit?request={id}")).await.text().await.expect("a page");
    assert_eq!(html.matches("data-testid=\"audit-row\"").count(), 1);
    let file = operator.get(&format!("/admin/audit.csv?request={id}")).await.text().await.expect("a file");
    assert_eq!(file.lines().count(), 2, "{file}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_failed_is_found_by_the_number_that_somebody_was_told() {
    let app = TestApp::start().await;
    let (somebody, operator) = (app.user().await, app.operator().await);
    app.database().execute("alter table threads rename to threads_that_were_here").await;
    let answer = somebody.call("chat/list_threads", &[]).await;
    assert_eq!(answer.status(), 500);
    let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    app.database().execute("alter table threads_that_were_here rename to threads").await;
    let read = async || {
        let page: AuditPage = operator.value("admin/audit/list", &[("query[request_id]", &id)]).await;
        page.failed_request
    };
    // It is written beside the answer.
    until(async || read().await.is_some()).await;
    let failed = read().await.expect("it failed");
    assert_eq!((failed.method.as_str(), failed.route.as_str()), ("POST", "/api/chat/list_threads"));
    assert_eq!(failed.status, 500);
    let request =
        somebody.request(reqwest::Method::POST, "/api/chat/list_threads").header("x-request-id", &id);
    let fine = request.send().await.expect("an answer");
    assert_ne!(fine.headers()["x-request-id"], id, "whatever a client calls its request");
    let id = fine.headers()["x-request-id"].to_str().expect("text");
    let page: AuditPage = operator.value("admin/audit/list", &[("query[request_id]", id)]).await;
    assert_eq!((page.failed_request, page.events.len()), (None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_log_can_be_downloaded_and_holds_no_formula() {
    let app = TestApp::start().await;
    app.user().await;
    let id = app.newest_user().await;
    let event = format!(
        "insert into audit_events (id, kind, user_id, request_id, reason, before, after)
         select gen_random_uuid(), 'session_revoked', '{id}', 'request-' || number, '=1+1', '{{\"a\": 1}}', '{{\"a\": 2}}'
         from generate_series(1, 1500) as number"
    );
    app.database().execute(&event).await;
    let mut operator = app.operator().await;
    let answer = operator.get(&format!("/admin/audit.csv?person={id}")).await;
    assert!(
        answer.headers()["content-disposition"].to_str().expect("text").contains("plumbline-audit-log.csv")
    );
    let file = answer.text().await.expect("a file");
    assert_eq!(file.lines().count(), 1 + 1500 + 1, "a head, the events, the sign-in");
    assert!(file.contains(",a: 1 → 2,'=1+1,"), "{file}");
    assert_eq!(operator.get("/admin/audit.csv?kind=unheard-of").await.status(), 400);
}

/// (39)
#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_the_log_can_be_changed_or_removed() {
    let app = TestApp::start().await;
    app.user().await;
    for attempt in
        ["update audit_events set reason = 'another'", "delete from audit_events", "truncate audit_events"]
    {
        assert!(app.database().is_refused(attempt).await, "{attempt}");
    }
}
