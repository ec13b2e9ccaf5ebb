//! What Stripe told us, as operators see and mend it.

use app::types::{AuditKind, AuditPage, EventsPage, StripeEventDetail, StripeReport};

use serde_json::json;

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
    let list = async |state: &str| {
        operator.value::<EventsPage>("admin/stripe/list_events", &[("query[state]", state)]).await
    };
    let waiting = list("waiting").await;
    assert_eq!(waiting.events[0].attempts, 0);
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
    let dealt_with = list("all").await.events.into_iter().find(|event| event.id == id);
    assert_eq!(dealt_with.map(|event| event.attempts), Some(1));

    let log: AuditPage = operator.value("admin/audit/list", &[("query[operator]", &operator_id)]).await;
    let told: Vec<_> = log.events.iter().map(|event| (event.kind, event.detail.as_str())).collect();
    let (asked, replayed) = (Some(AuditKind::ReconciliationRequested), Some(AuditKind::StripeEventReplayed));
    assert_eq!(told, [(asked, ""), (replayed, id)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_back_and_whom_a_comparison_is_about_lead_to_people() {
    let shop = Shop::with_clock().await;
    let (_, customer) = shop.subscriber("pro", "month").await;
    let person = shop.app.newest_user().await;
    let operator = shop.app.operator().await;
    let charge = shop.stripe.list("charges").await[0]["id"].clone();
    let dispute = shop.stripe.control("disputes", json!({ "charge": charge, "reason": "fraudulent" })).await;
    shop.settle().await;
    let report: StripeReport = operator.value("admin/stripe/read_report", &[]).await;
    let [back] = &report.money_back[..] else { panic!("{report:?}") };
    assert_eq!((back.id.as_str(), back.is_dispute), (dispute["id"].as_str().expect("an id"), true));
    assert_eq!((back.amount_cents, back.status.as_str()), (2_000, "needs_response"));
    assert_eq!(back.reason.as_deref(), Some("fraudulent"));
    assert_eq!(back.person.as_ref().map(|label| label.id.to_string()).as_ref(), Some(&person));
    let close = format!("disputes/{}/close", back.id);
    shop.stripe.control(&close, json!({ "won": false })).await;
    shop.settle().await;

    shop.stripe.control("webhooks/faults", json!({ "drop_percent": 100 })).await;
    let subscription = shop.stripe.list("subscriptions").await[0]["id"].as_str().expect("an id").to_owned();
    shop.stripe.post(&format!("subscriptions/{subscription}"), &[("cancel_at_period_end", "true")]).await;
    // Until then it might still come.
    shop.advance_days(1).await;
    shop.reconcile().await;
    shop.settle().await;
    shop.app.database().execute("update subscriptions set amount_cents = 1").await;
    shop.reconcile().await;
    shop.settle().await;
    let report: StripeReport = operator.value("admin/stripe/read_report", &[]).await;
    assert_eq!(report.money_back[0].status, "lost");
    for what in ["customer.subscription.updated had not arrived", "not as Stripe has it"] {
        let finding = format!("{customer}: {what}");
        let of_customer = report.comparisons.iter().find(|each| each.findings.contains(&finding));
        let named = &of_customer.unwrap_or_else(|| panic!("{finding}: {report:?}")).customers;
        let named: Vec<_> = named.iter().map(|each| (&each.id, each.person.id.to_string())).collect();
        assert_eq!(named, [(&customer, person.clone())]);
    }
}
