//! What Stripe told us, as operators see and mend it.

use app::types::{AuditKind, AuditPage, EventsPage, StripeEventDetail, StripeReport};

use crate::billing::webhooks::{deliver, sign};
use crate::support::{Shop, TestDatabase};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_job_is_gone_is_found_replayed_and_dealt_with() {
    let shop = Shop::without_worker(TestDatabase::create().await).await;
    let customer = shop.account().await;
    shop.subscribe_customer(&customer).await;
    let event = shop.stripe.list("events?type=invoice.paid").await[0].clone();
    let (id, body) = (event["id"].as_str().expect("an id"), event.to_string());
    assert_eq!(deliver(&shop.app.url, &body, &sign(&body, 0)).await, 200);
    shop.app.database().execute("delete from jobs").await;

    let operator = shop.app.operator().await;
    let operator_id = shop.app.newest_user().await;
    let report: StripeReport = operator.value("admin/stripe/read_report", &[]).await;
    assert_eq!((report.inbox.waiting, report.inbox.failed), (1, 0));
    let waiting: EventsPage =
        operator.value("admin/stripe/list_events", &[("query[state]", "waiting")]).await;
    assert_eq!(waiting.events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), [id]);
    let detail: StripeEventDetail = operator.value("admin/stripe/read_event", &[("id", id)]).await;
    assert!(detail.payload.contains(&customer));

    assert_eq!(operator.call("admin/stripe/replay_event", &[("id", id)]).await.status(), 200);
    assert_eq!(operator.call("admin/stripe/replay_event", &[("id", "evt_none")]).await.status(), 404);
    assert_eq!(operator.call("admin/stripe/reconcile", &[]).await.status(), 200);
    shop.app.state.spawn_worker();
    shop.finish("reconcile_billing").await;
    shop.settle().await;
    let row =
        &shop.app.database().rows("select plan from accounts where stripe_customer_id is not null").await[0];
    assert_eq!(row.get::<_, String>(0), "pro");
    let report: StripeReport = operator.value("admin/stripe/read_report", &[]).await;
    assert_eq!(report.inbox.waiting, 0);

    let log: AuditPage = operator.value("admin/audit/list", &[("query[operator]", &operator_id)]).await;
    let told: Vec<_> = log.events.iter().map(|event| (event.kind, event.detail.as_str())).collect();
    let (asked, replayed) = (Some(AuditKind::ReconciliationRequested), Some(AuditKind::StripeEventReplayed));
    assert_eq!(told, [(asked, ""), (replayed, id)]);
}
