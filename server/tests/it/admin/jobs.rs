//! Work done later, as operators see and mend it.

use app::types::{AuditKind, AuditPage, JobId, JobState, JobsPage, Notice};
use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;

async fn dead_job(app: &TestApp, unique_key: &str) -> JobId {
    let id = JobId(Uuid::now_v7());
    let insert = format!(
        "insert into jobs (id, kind, payload, state, unique_key, attempt, max_attempts, last_error, finished_at)
         values ('{id}', 'sync_customer', '{{\"customer_id\": \"cus_1\"}}', 'dead', '{unique_key}', 5, 5,
             'Stripe is away', now())"
    );
    app.database().execute(&insert).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_after_a_failure_is_tried_at_once_or_discarded() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let (first, second) = (dead_job(&app, "one").await, dead_job(&app, "two").await);
    let waits = "update jobs set state = 'ready', attempt = 3, run_at = now() + interval '1 hour', finished_at = null";
    app.database().execute(waits).await;

    let list =
        async |state: &str| operator.value::<JobsPage>("admin/jobs/list", &[("query[state]", state)]).await;
    let failed = list("failed").await;
    assert_eq!(failed.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [second, first]);
    assert_eq!((failed.queues[0].ready, failed.queues[0].failed), (0, 2));
    assert!(list("ready").await.jobs.is_empty());

    for (what, id) in [("retry", first), ("discard", second)] {
        let path = format!("admin/jobs/{what}");
        assert_eq!(operator.call(&path, &[("id", &id.to_string())]).await.status(), 200, "{what}");
    }
    let left = app.database().rows("select id::text, attempt, run_at <= clock_timestamp() from jobs").await;
    let left: Vec<(String, i32, bool)> =
        left.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert_eq!(left, [(first.to_string(), 3, true)], "due now, and no more tries than before");
    let log: AuditPage = operator.value("admin/audit/list", &[]).await;
    let told: Vec<_> = log.events.iter().take(2).filter_map(|event| event.kind).collect();
    assert_eq!(told, [AuditKind::JobDiscarded, AuditKind::JobRetried]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_whose_delivery_is_discarded_is_told_by_the_app() {
    let app = TestApp::start().await;
    let (somebody, operator) = (app.user().await, app.operator().await);
    let facts = json!({
        "type": "pack_bought", "purchase_id": "pi_1", "credit": 10_000_000_000_u64, "amount_cents": 1000,
        "bought_at": "2026-11-01T10:00:00Z",
    });
    let (notice, job) = (Uuid::now_v7(), Uuid::now_v7());
    let failing = format!(
        "insert into notices (id, account_id, kind, cause, facts)
             select '{notice}', account_id, 'receipt', 'one', '{facts}' from users order by created_at limit 1;
         insert into jobs (id, kind, payload, attempt, max_attempts, run_at, last_error)
             values ('{job}', 'deliver_notice', '{{\"notice_id\": \"{notice}\"}}', 3, 30, now() + interval '1 hour',
                 'the mail server is away')"
    );
    app.database().execute(&failing).await;
    assert_eq!(somebody.value::<Vec<Notice>>("notices/list_notices", &[]).await, []);
    let discarded = operator.call("admin/jobs/discard", &[("id", &job.to_string())]).await;
    assert_eq!(discarded.status(), 200);
    let told: Vec<Notice> = somebody.value("notices/list_notices", &[]).await;
    assert_eq!(told.iter().map(|notice| notice.id.0).collect::<Vec<_>>(), [notice]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_job_is_tried_again_or_discarded_and_the_log_says_by_whom() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let operator_id = app.newest_user().await;
    let (first, second) = (dead_job(&app, "one").await, dead_job(&app, "two").await);

    let page: JobsPage = operator.value("admin/jobs/list", &[]).await;
    let ids: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
    assert_eq!(ids, [second, first], "the dead ones, newest first");
    assert_eq!(page.jobs[0].last_error.as_deref(), Some("Stripe is away"));
    let queue = page.queues.iter().find(|queue| queue.kind == "sync_customer").expect("a queue");
    assert_eq!((queue.ready, queue.running, queue.dead), (0, 0, 2));
    assert!(
        page.schedules.iter().any(|work| work.name == "audit_money" && work.when.starts_with("every day"))
    );

    let act = async |what: &str, id: JobId| {
        let path = format!("admin/jobs/{what}");
        operator.call(&path, &[("id", &id.to_string())]).await.status().as_u16()
    };
    assert_eq!((act("retry", first).await, act("discard", second).await), (200, 200));
    assert_eq!((act("retry", first).await, act("discard", second).await), (400, 400), "only what is dead");
    let ready: JobsPage = operator.value("admin/jobs/list", &[("query[state]", "ready")]).await;
    let revived = ready.jobs.iter().find(|job| job.id == first).expect("it waits");
    assert_eq!((revived.state, revived.attempt), (JobState::Ready, 0));
    assert!(operator.value::<JobsPage>("admin/jobs/list", &[]).await.jobs.is_empty());

    let log: AuditPage = operator.value("admin/audit/list", &[("query[operator]", &operator_id)]).await;
    let told: Vec<_> = log.events.iter().map(|event| (event.kind, event.detail.clone())).collect();
    let detail = |id| format!("sync_customer, job {id}");
    let (discarded, retried) = (Some(AuditKind::JobDiscarded), Some(AuditKind::JobRetried));
    assert_eq!(told, [(discarded, detail(second)), (retried, detail(first))]);
}
