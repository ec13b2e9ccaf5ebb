//! What becomes of an event whose worker dies, or that could not be dealt with for long.

use serde_json::json;

use super::webhooks::{deliver, event, sign};
use crate::support::{Fault, Proxy, ServerProcess, Shop, TestDatabase, until};

/// Who has paid for Pro, and the event that says so, which is kept with its job.
async fn paid_event(shop: &Shop) -> String {
    let customer = shop.account().await;
    shop.subscribe_customer(&customer).await;
    let events = shop.stripe.list("events?type=invoice.paid").await;
    let newest = &events[0];
    assert_eq!(newest["data"]["object"]["customer"], *customer);
    let body = newest.to_string();
    assert_eq!(deliver(&shop.app.url, &body, &sign(&body, 0)).await, 200);
    customer
}

/// A shop whose scheduled work is done, so that it does not come in between: the reconciler keeps events, too.
async fn idle_shop() -> Shop {
    let shop = Shop::without_worker(TestDatabase::create().await).await;
    let mut worker = shop.app.spawn_worker(&[]);
    until_jobs(&shop, "state = 'done' and kind = 'reconcile_billing'", 1).await;
    until_jobs(&shop, "state <> 'done'", 0).await;
    worker.kill();
    shop
}

/// Waits until so many jobs are as the condition says.
async fn until_jobs(shop: &Shop, condition: &str, count: i64) {
    let jobs = format!("select count(*) from jobs where {condition}");
    until(async || shop.number(&jobs).await == count).await;
}

/// The paid month was given once, and the event is done with.
async fn assert_dealt_with(shop: &Shop, customer: &str, label: &str) {
    let kept = format!(
        "select a.plan, s.status, (select count(*) from stripe_events e where e.customer_id = '{customer}'
                and e.type = 'invoice.paid' and processed_at is not null and error is null),
            (select coalesce(jsonb_agg(amount_nanos), '[]')::text from ledger_entries l where l.account_id = a.id)
         from accounts a join subscriptions s on s.account_id = a.id where stripe_customer_id = '{customer}'"
    );
    let rows = shop.app.database().rows(&kept).await;
    let row = rows.first().unwrap_or_else(|| panic!("{label}: nothing was written"));
    let (plan, status): (String, String) = (row.get(0), row.get(1));
    let (events, credit): (i64, String) = (row.get(2), row.get(3));
    assert_eq!((plan.as_str(), status.as_str(), events), ("pro", "active", 1), "{label}");
    assert_eq!(credit, "[15000000000]", "{label}");
}

/// A worker whose connections to the database are led through the proxy.
fn worker_behind(shop: &Shop, proxy: &Proxy) -> ServerProcess {
    let url = proxy.before(&shop.app.database().app_url());
    shop.app.spawn_worker(&[("DATABASE_URL", &url)])
}

/// (28, 35) The worker is killed while it waits for the answer to its `n`-th message, for every `n` from its start to the
/// end of the job: between any two statements.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_at_any_statement_leaves_an_event_that_the_next_one_deals_with_once() {
    let shop = idle_shop().await;
    let mut killed_in_the_middle = 0;
    for n in 1.. {
        let customer = paid_event(&shop).await;
        let done = format!("state = 'done' and payload->>'customer_id' = '{customer}'");
        let proxy = Proxy::start().await;
        proxy.break_at(n, Fault::Stall);
        let mut worker = worker_behind(&shop, &proxy);
        let is_done = tokio::select! {
            () = proxy.broken() => false,
            () = until_jobs(&shop, &done, 1) => true,
        };
        worker.kill();
        proxy.cut();
        if is_done {
            assert_dealt_with(&shop, &customer, "undisturbed").await;
            break;
        }
        shop.app.database().quiet().await;
        let leased = "update jobs set leased_until = clock_timestamp() where state = 'running'";
        killed_in_the_middle +=
            shop.number(&format!("with ended as ({leased} returning 1) select count(*) from ended")).await;
        let mut next = shop.app.spawn_worker(&[]);
        until_jobs(&shop, &done, 1).await;
        next.kill();
        assert_dealt_with(&shop, &customer, &format!("killed at {n}")).await;
    }
    assert!(killed_in_the_middle > 10, "only {killed_in_the_middle} times it had the job");
}

/// (36) What failed for good is done as if nothing had happened, once its cause is gone.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_job_is_dead_replays_cleanly() {
    let shop = idle_shop().await;
    let customer = paid_event(&shop).await;
    shop.stripe.control("outage", json!({ "mode": "unavailable" })).await;
    shop.app.database().execute("update jobs set max_attempts = 1 where kind = 'sync_customer'").await;
    shop.app.state.spawn_worker();
    until_jobs(&shop, "state = 'dead' and kind = 'sync_customer'", 1).await;
    let unprocessed = "select count(*) from stripe_events where processed_at is null and error is not null";
    assert_eq!(shop.number(unprocessed).await, 1, "it says why");
    shop.stripe.end_outage().await;

    let id: String =
        shop.app.database().rows("select id::text from jobs where state = 'dead'").await[0].get(0);
    let retry = || shop.app.command().args(["jobs", "retry", &id]).output().expect("it runs");
    let output = retry();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    shop.settle().await;
    assert_dealt_with(&shop, &customer, "replayed").await;
    assert!(!retry().status.success(), "it is not dead any more");
}

/// Stripe was away, so the account is read again in an hour; but then the person pays, or the hourly comparison comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_waits_after_failures_is_done_at_once_when_there_is_something_new() {
    let shop = idle_shop().await;
    let customer = paid_event(&shop).await;
    let asleep = "update jobs set attempt = 9, run_at = now() + interval '50 minutes' where state = 'ready'";
    let woken = "select count(*) from jobs where kind = 'sync_customer' and run_at <= now()";
    shop.app.database().execute(asleep).await;
    assert_eq!(shop.number(woken).await, 0);
    let events = shop.stripe.list("events?type=customer.subscription.created").await;
    let body = events[0].to_string();
    assert_eq!(deliver(&shop.app.url, &body, &sign(&body, 0)).await, 200);
    assert_eq!(shop.number(woken).await, 1, "by the event");

    shop.app.database().execute(asleep).await;
    shop.app.state.spawn_worker();
    shop.reconcile().await;
    shop.finish("sync_customer").await;
    assert_dealt_with(&shop, &customer, "by the comparison").await;
}

/// A dispute names a charge and no customer.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_charge_waits_with_one_job_however_often_everything_is_compared() {
    let shop = Shop::without_webhooks().await;
    let dispute = json!({ "object": "dispute", "id": "du_1", "charge": "ch_unknown" });
    let body = event("evt_1", "charge.dispute.created", &dispute);
    assert_eq!(deliver(&shop.app.url, &body, &sign(&body, 0)).await, 200);
    shop.app.database().execute("update stripe_events set received_at = now() - interval '2 hours'").await;
    for _ in 0..3 {
        shop.reconcile().await;
    }
    until_jobs(&shop, "state = 'running'", 0).await;
    let waiting = "select count(*) from jobs where kind = 'sync_customer' and state = 'ready'";
    assert_eq!(shop.number(waiting).await, 1);
}
