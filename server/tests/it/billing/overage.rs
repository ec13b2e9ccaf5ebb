//! Pay as you go: admitted, charged, told to Stripe's meter, billed, and compared.

use app::ApiError;
use app::types::{Billing, EntryReason, Nanos, Quota, Receipt, Standing, Statement, StripeReport};
use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use server::config::Config;

use crate::support::{
    Browser, Reply, Shop, TestDatabase, available, begin, billing, new_request, prompt, read_all, silent,
    until,
};

/// A token costs a cent, the prompt nothing, and Pro has a dollar of credit.
pub(super) fn cent_a_token(config: &mut Config) {
    config.llm.catalog.models[0].prices.input = Nanos(0);
    config.llm.catalog.models[0].prices.output = Nanos(1_000_000 * 10_000_000);
    let plan = &mut config.plans.paid[0].plan;
    plan.monthly_credit = Nanos::from_cents(100);
    (plan.concurrent_replies, plan.requests_per_minute, plan.tokens_per_minute) = (1000, 1000, 100_000_000);
}

/// Somebody on Pro who has switched it on, with their customer at Stripe.
async fn paying_as_they_go(cap: &str) -> (Shop, Browser, String) {
    let shop = Shop::open_with(cent_a_token).await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    switch_on(&browser, cap).await;
    (shop, browser, customer)
}

async fn switch_on(browser: &Browser, cap: &str) {
    assert_eq!(begin(browser, "billing/set_overage_cap", &[("amount", cap)]).await, "/billing");
    assert!(billing(browser).await.overage.expect("it is offered").cap.is_some(), "it is on");
}

fn of_at_most(prompt: &str, cents: u32) -> Value {
    let mut request = new_request(prompt);
    request["max_output_tokens"] = json!(cents);
    request
}

/// A reply that costs so many cents.
pub(super) async fn spend(shop: &Shop, browser: &Browser, cents: u32) -> Reply {
    let prompt = prompt();
    let usage = json!({ "prompt_tokens": 0, "completion_tokens": cents });
    let script = json!({ "text": "Yes.", "usage": usage, "gap_ms": 0, "first_token_delay_ms": 0 });
    shop.app.sandbox.script(&prompt, script).await;
    let mut reply = browser.start_reply(&of_at_most(&prompt, cents)).await;
    assert_eq!(reply.status(), StatusCode::OK, "{cents} cents");
    reply.read_to_end().await;
    reply
}

/// What a request is refused with.
async fn refusal(browser: &Browser, cents: u32) -> ApiError {
    let reply = browser.start_reply(&of_at_most(&prompt(), cents)).await;
    assert_eq!(reply.status(), StatusCode::PAYMENT_REQUIRED);
    reply.error().await
}

async fn used(browser: &Browser) -> Nanos {
    let billing: Billing = billing(browser).await;
    billing.overage.expect("it is offered").used
}

/// In micro-dollars.
async fn metered(shop: &Shop, customer: &str) -> i64 {
    shop.stripe.read_control("meters").await["plumbline_overage"][customer].as_i64().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_requests_at_once_against_credit_for_one_and_a_cap_with_room_for_two_are_three_replies() {
    let (shop, browser, _) = paying_as_they_go("2.00").await;
    let prompt = prompt();
    shop.app.sandbox.script(&prompt, silent()).await;
    let requests: Vec<_> = (0..20).map(|_| of_at_most(&prompt, 100)).collect();
    let replies = join_all(requests.iter().map(|request| browser.start_reply(request))).await;
    let (mut admitted, refused): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|reply| reply.status() == StatusCode::OK);
    assert_eq!((admitted.len(), refused.len()), (3, 17));
    for reply in refused {
        let ApiError::OutOfCredit { credit } = reply.error().await else { panic!("not out of credit") };
        assert_eq!(credit.spendable(), Nanos::ZERO);
    }
    let held = billing(&browser).await.overage.expect("it is on").held;
    assert_eq!(held, Nanos::from_cents(200));
    for reply in &mut admitted {
        let (id, _) = reply.read_started().await;
        assert!(browser.call("chat/stop_reply", &[("id", &id.to_string())]).await.status().is_success());
    }
    read_all(&mut admitted).await;
    assert_eq!(used(&browser).await, Nanos::ZERO, "nothing was said, so nothing is owed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_credit_does_not_cover_is_overage_and_told_in_words() {
    let (shop, browser, _) = paying_as_they_go("3.00").await;
    let quota = spend(&shop, &browser, 150).await.quota().clone();
    let overage = quota.credit.overage.expect("it is on");
    assert_eq!((quota.credit.available, overage.used), (Nanos::ZERO, Nanos::from_cents(50)));
    spend(&shop, &browser, 200).await;
    assert_eq!(used(&browser).await, Nanos::from_cents(250));

    let statement: Statement = browser.value("usage/read_statement", &[]).await;
    let is_overage = |reason: &EntryReason| matches!(reason, EntryReason::Overage { .. });
    let overage: Vec<_> = statement.entries.iter().filter(|entry| is_overage(&entry.reason)).collect();
    assert_eq!(overage.iter().map(|entry| entry.amount).sum::<Nanos>(), Nanos::from_cents(250));
    assert_eq!(overage[0].balance, Nanos::ZERO, "after it, nothing is owed here");
    assert!(overage[0].reason.to_string().starts_with("Pay as you go for a reply in prompt "));
    let id = overage[0].reason.generation_id().expect("the reply it is for").to_string();
    let receipt: Receipt = browser.value("usage/read_receipt", &[("id", &id)]).await;
    let amounts: Vec<_> = receipt.entries.iter().map(|entry| entry.amount).collect();
    assert_eq!(amounts, [Nanos::from_cents(-200), Nanos::from_cents(200)], "the charge, and who pays it");

    let refused = refusal(&browser, 51).await.to_string();
    assert!(refused.contains("$0.50 of your pay-as-you-go cap of $3.00"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn overage_is_counted_once_however_often_it_is_sent_also_after_stripe_has_forgotten() {
    let (shop, browser, customer) = paying_as_they_go("9.00").await;
    spend(&shop, &browser, 150).await;
    spend(&shop, &browser, 25).await;
    shop.run_job("export_meter").await;
    assert_eq!(metered(&shop, &customer).await, 750_000);
    let waiting = "select count(*) from meter_events where sent_at is null";
    assert_eq!(shop.number(waiting).await, 0);

    // The process has died between sending and noting that.
    shop.app.database().execute("update meter_events set sent_at = null").await;
    shop.run_job("export_meter").await;
    assert_eq!((metered(&shop, &customer).await, shop.number(waiting).await), (750_000, 0));

    // And nobody came back before Stripe forgot the identifiers. What never arrived goes out all the same.
    shop.stripe.advance_days(3).await;
    spend(&shop, &browser, 5).await;
    let died = "update meter_events set sent_at = null, first_tried_at = now() - interval '2 days'";
    shop.app.database().execute(died).await;
    shop.run_job("export_meter").await;
    assert_eq!((metered(&shop, &customer).await, shop.number(waiting).await), (800_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stripe_did_not_take_while_it_was_away_goes_later_and_a_refusal_keeps_nothing_else_back() {
    let (shop, browser, customer) = paying_as_they_go("9.00").await;
    spend(&shop, &browser, 150).await;
    shop.stripe.control("outage", json!({ "mode": "unavailable", "seconds": 3600 })).await;
    shop.run_job_to("export_meter", "dead").await;
    let waiting = "select count(*) from meter_events where sent_at is null and error is not null";
    assert_eq!((metered(&shop, &customer).await, shop.number(waiting).await), (0, 1));
    shop.stripe.end_outage().await;

    // Too old for Stripe, and before the other.
    shop.app.database().execute(&occurred("now() - interval '40 days'")).await;
    spend(&shop, &browser, 10).await;
    shop.run_job("export_meter").await;
    let refused = "select count(*) from meter_events where refused_at is not null and error like '%35%'";
    assert_eq!((metered(&shop, &customer).await, shop.number(refused).await), (100_000, 1));
}

/// Whose sum Stripe will not tell.
#[tokio::test(flavor = "multi_thread")]
async fn old_usage_of_a_customer_that_is_gone_keeps_nobody_elses_from_going() {
    let (shop, browser, customer) = paying_as_they_go("9.00").await;
    spend(&shop, &browser, 150).await;
    shop.stripe.control("webhooks/faults", json!({ "drop_percent": 100 })).await;
    shop.stripe.delete(&format!("customers/{customer}")).await;
    let died = "update meter_events set first_tried_at = now() - interval '2 days'";
    shop.app.database().execute(died).await;
    shop.stripe.control("webhooks/faults", json!({})).await;

    let (other, customer) = shop.subscriber("pro", "month").await;
    switch_on(&other, "9.00").await;
    spend(&shop, &other, 150).await;
    shop.app.database().execute(died).await;
    shop.run_job("export_meter").await;
    let refused = "select count(*) from meter_events where refused_at is not null";
    assert_eq!((metered(&shop, &customer).await, shop.number(refused).await), (500_000, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stripe_refused_is_sent_again_when_somebody_says_so() {
    let (shop, browser, customer) = paying_as_they_go("9.00").await;
    spend(&shop, &browser, 150).await;
    shop.app.database().execute(&occurred("now() - interval '40 days'")).await;
    shop.run_job("export_meter").await;
    shop.app.database().execute(&occurred("now()")).await;
    shop.run_job("export_meter").await;
    assert_eq!(metered(&shop, &customer).await, 0, "not by itself");

    let rows = shop.app.database().rows("select id::text from meter_events").await;
    let id: &str = rows[0].get(0);
    let resend = || shop.app.command().args(["stripe", "resend", id]).output().expect("it runs");
    let told = resend();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    shop.run_job("export_meter").await;
    assert_eq!(metered(&shop, &customer).await, 500_000);
    assert!(!resend().status.success(), "nothing is refused any more");
    let written = "select count(*) from audit_events where kind = 'usage_resent' and account_id is not null";
    assert_eq!(shop.number(written).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_whose_usage_was_refused_and_has_it_sent_again() {
    let (shop, browser, customer) = paying_as_they_go("9.00").await;
    let person = shop.app.newest_user().await;
    spend(&shop, &browser, 150).await;
    shop.app.database().execute(&occurred("now() - interval '40 days'")).await;
    shop.run_job("export_meter").await;
    shop.app.database().execute(&occurred("now()")).await;

    let operator = shop.app.operator().await;
    let report = async || operator.value::<StripeReport>("admin/stripe/read_report", &[]).await;
    let refused = report().await.refused_usage;
    let whose = refused[0].person.as_ref().map(|label| label.id.to_string());
    assert_eq!((refused.len(), whose), (1, Some(person)));
    assert!(refused[0].error.as_ref().is_some_and(|error| error.contains("35")), "{refused:?}");
    let id = refused[0].id.to_string();
    assert_eq!(operator.call("admin/stripe/resend_usage", &[("id", &id)]).await.status(), 200);
    assert_eq!(operator.call("admin/stripe/resend_usage", &[("id", &id)]).await.status(), 400);
    assert!(report().await.refused_usage.is_empty());
    shop.run_job("export_meter").await;
    assert_eq!(metered(&shop, &customer).await, 500_000);
}

/// Moves all overage to another time, which nobody else can.
fn occurred(at: &str) -> String {
    format!(
        "set session_replication_role = replica;
         update meter_events set occurred_at = {at};
         set session_replication_role = default"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn its_invoice_has_what_was_used_and_gives_no_credit_for_it() {
    let (shop, browser, _) = paying_as_they_go("3.00").await;
    spend(&shop, &browser, 150).await;
    shop.run_job("export_meter").await;
    let credit = "select count(*) from grants where cause like 'invoice:%'";
    assert_eq!(shop.number(credit).await, 1);
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    let newest = &billing(&browser).await.invoices[0];
    assert_eq!(
        newest.total_cents,
        2_000 + 50,
        "the next month, and what was used beyond the last one's credit"
    );
    assert_eq!(available(&browser).await, Nanos::from_cents(100));
    assert_eq!(shop.number(credit).await, 2);
    assert_eq!(used(&browser).await, Nanos::ZERO, "a new period begins with the whole cap");
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_off_stops_it_at_once_and_what_was_used_is_still_told() {
    let (shop, browser, _) = paying_as_they_go("3.00").await;
    spend(&shop, &browser, 150).await;
    assert_eq!(begin(&browser, "billing/stop_overage", &[]).await, "/billing");
    let refused = refusal(&browser, 20).await;
    let ApiError::OutOfCredit { credit } = refused else { panic!("not out of credit but {refused:?}") };
    assert_eq!((credit.available, credit.overage), (Nanos::ZERO, None));
    let terms = billing(&browser).await.overage.expect("there is something to pay");
    assert_eq!((terms.cap, terms.used), (None, Nanos::from_cents(50)));

    let yearly = [("plan", "pro"), ("interval", "year")];
    let (status, error) = browser.error("billing/change_plan", &yearly).await;
    assert_eq!(status, 400, "what is not billed yet would be lost: {error}");
    switch_on(&browser, "3.00").await;
    spend(&shop, &browser, 20).await;
    assert_eq!(used(&browser).await, Nanos::from_cents(70));
    let items = &shop.stripe.list("subscriptions").await[0]["items"]["data"];
    assert_eq!(items.as_array().map(Vec::len), Some(2), "one metered item however often it is switched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_payment_stops_it_and_a_later_one_brings_it_back() {
    let (shop, browser, customer) = paying_as_they_go("3.00").await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    assert!(matches!(billing(&browser).await.standing, Standing::PastDue { .. }));
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!((quota.credit.available, quota.credit.overage), (Nanos::from_cents(200), None));
    spend(&shop, &browser, 200).await;
    assert!(matches!(refusal(&browser, 20).await, ApiError::OutOfCredit { .. }));
    let (status, _) = browser.error("billing/set_overage_cap", &[("amount", "5")]).await;
    assert_eq!(status, 400);

    shop.stripe.set_card_mode(&customer, None).await;
    shop.stripe.advance_days(4).await;
    shop.settle().await;
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(quota.credit.overage.map(|overage| overage.cap), Some(Nanos::from_cents(300)));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_for_monthly_subscriptions_within_what_the_plan_allows() {
    let shop = Shop::open_with(cent_a_token).await;
    let (yearly, _) = shop.subscriber("pro", "year").await;
    let (status, _) = yearly.error("billing/set_overage_cap", &[("amount", "5")]).await;
    assert_eq!((status, billing(&yearly).await.overage), (400, None));
    let free = shop.app.user().await;
    let (status, _) = free.error("billing/set_overage_cap", &[("amount", "5")]).await;
    assert_eq!((status, billing(&free).await.overage), (400, None));

    let (browser, _) = shop.subscriber("pro", "month").await;
    for amount in ["0", "200.01", "much"] {
        let (status, _) = browser.error("billing/set_overage_cap", &[("amount", amount)]).await;
        assert_eq!(status, 400, "{amount}");
    }
    switch_on(&browser, "200").await;
    let to_yearly = [("plan", "pro"), ("interval", "year")];
    let (status, _) = browser.error("billing/change_plan", &to_yearly).await;
    assert_eq!(status, 400, "it is on");
    begin(&browser, "billing/stop_overage", &[]).await;
    begin(&browser, "billing/change_plan", &to_yearly).await;
    shop.settle().await;
    let rows = "select count(*) from subscriptions where interval = 'year' and metered_item_id is null";
    assert_eq!(shop.number(rows).await, 2, "nothing was used, so the metered item could go");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_has_the_meter_once_however_it_is_switched_on_and_again_after_it_was_taken_away() {
    let shop = Shop::open_with(cent_a_token).await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    join_all((0..4).map(|_| switch_on(&browser, "9.00"))).await;
    let subscription = shop.stripe.list("subscriptions").await[0].clone();
    let items = subscription["items"]["data"].as_array().expect("items");
    assert_eq!(items.len(), 2);
    let removal = [("items[0][id]", items[1]["id"].as_str().expect("an id")), ("items[0][deleted]", "true")];
    let path = format!("subscriptions/{}", subscription["id"].as_str().expect("an id"));
    shop.stripe.post(&path, &removal).await;
    shop.settle().await;
    switch_on(&browser, "9.00").await;
    assert_eq!(shop.stripe.get(&path).await["items"]["data"].as_array().map(Vec::len), Some(2));
}

/// A reply ends after its account's customer was deleted, say.
#[tokio::test(flavor = "multi_thread")]
async fn usage_that_nobody_can_be_billed_for_keeps_no_other_from_going() {
    let (shop, browser, customer) = paying_as_they_go("9.00").await;
    spend(&shop, &browser, 150).await;
    // As many as are sent at once, without the entries of the ledger that they stand for.
    let unbillable = "
        set session_replication_role = replica;
        insert into accounts (id, plan) values (gen_random_uuid(), 'free');
        insert into meter_events (id, account_id, amount_nanos, units, occurred_at, period_start, limit_nanos)
        select lpad(n::text, 32, '0')::uuid, (select id from accounts where stripe_customer_id is null),
            1000, 1, now(), now(), 1000 from generate_series(1, 100) n";
    shop.app.database().execute(unbillable).await;
    shop.run_job("export_meter").await;
    assert_eq!(metered(&shop, &customer).await, 500_000);
    shop.app.database().execute("delete from meter_events where units = 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_downgrade_keeps_the_meter() {
    let shop = Shop::open_with(cent_a_token).await;
    let (browser, _) = shop.subscriber("max", "month").await;
    switch_on(&browser, "300").await;
    begin(&browser, "billing/change_plan", &[("plan", "pro"), ("interval", "month")]).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    let cap = quota.credit.overage.map(|overage| overage.cap);
    assert_eq!((quota.plan_name.as_str(), cap), ("Pro", Some(Nanos::from_cents(20_000))), "as Pro allows");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nightly_check_finds_what_the_meter_has_more_and_leads_to_the_person() {
    let (shop, _, customer) = paying_as_they_go("3.00").await;
    let person = shop.app.newest_user().await;
    shop.run_job("check_four_ways").await;
    let found = "select count(*) from reconciliations where kind = 'four_way' and findings <> '[]'";
    assert_eq!(shop.number(found).await, 0);
    let yesterday = (chrono::Utc::now() - chrono::TimeDelta::days(1)).timestamp().to_string();
    tell_meter(&shop, &customer, "7", &yesterday).await;
    shop.run_job("check_four_ways").await;
    assert_eq!(shop.number(found).await, 1);
    let report: StripeReport = shop.app.operator().await.value("admin/stripe/read_report", &[]).await;
    let differing = report.comparisons.iter().find(|each| !each.findings.is_empty()).expect("the newest");
    let named: Vec<_> =
        differing.customers.iter().map(|each| (&each.id, each.person.id.to_string())).collect();
    assert_eq!(named, [(&customer, person)]);
}

/// Usage that comes after its period was billed is billed by hand.
#[tokio::test(flavor = "multi_thread")]
async fn usage_is_told_before_all_the_customers_that_wait_to_be_read() {
    let shop = Shop::without_worker(TestDatabase::create().await).await;
    let waiting = "insert into jobs (id, kind, payload, max_attempts, run_at)
        select gen_random_uuid(), 'sync_customer', jsonb_build_object('customer_id', 'cus_' || n), 1, now() - interval '1 hour'
        from generate_series(1, 300) n";
    shop.app.database().execute(waiting).await;
    shop.app.state.spawn_worker();
    let told = "select count(*) from jobs where kind = 'export_meter' and state = 'done'";
    until(async || shop.number(told).await > 0).await;
    shop.finish("sync_customer").await;
    let before = "select count(*) from jobs where kind = 'sync_customer'
        and finished_at < (select min(finished_at) from jobs where kind = 'export_meter')";
    let before = shop.number(before).await;
    assert!(before < 100, "{before} of 300 were read before");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nightly_check_asks_nothing_of_those_who_left_long_ago_and_keeps_what_it_finds_without_stripe() {
    let shop = Shop::with_clock().await;
    let (browser, _) = shop.subscriber("pro", "month").await;
    switch_on(&browser, "9.00").await;
    let meter = json!({ "mode": "unavailable", "seconds": 3600, "path": "/v1/billing/meters" });
    shop.stripe.control("outage", meter).await;
    let holds = "
        set session_replication_role = replica;
        insert into holds (generation_id, account_id, amount_nanos, overage_nanos, expires_at)
        select gen_random_uuid(), id, 7, 0, now() + interval '90 days' from accounts";
    shop.app.database().execute(holds).await;
    shop.run_job_to("check_four_ways", "dead").await;
    let found = "select count(*) from reconciliations where findings::text like '%FAIL holds%'";
    assert!(shop.number(found).await > 0);
    shop.app.database().execute("set session_replication_role = replica; delete from holds").await;

    begin(&browser, "billing/cancel_subscription", &[]).await;
    shop.advance_days(45).await;
    shop.run_job("check_four_ways").await;
}

/// As an earlier version has enqueued it.
#[tokio::test(flavor = "multi_thread")]
async fn the_check_of_the_meter_alone_is_nobodys_work_any_more_and_no_dead_job() {
    Shop::without_webhooks().await.run_job("check_meter").await;
}

async fn tell_meter(shop: &Shop, customer: &str, value: &str, timestamp: &str) {
    let fields = [
        ("event_name", "plumbline_overage"),
        ("payload[stripe_customer_id]", customer),
        ("payload[value]", value),
        ("timestamp", timestamp),
    ];
    let event = shop.stripe.post("billing/meter_events", &fields).await;
    assert_eq!(event["object"], "billing.meter_event");
}

/// The command's exit status, and what it printed.
fn run(shop: &Shop, arguments: &[&str]) -> (bool, String) {
    let output = shop.app.command().args(arguments).output().expect("it runs");
    (output.status.success(), String::from_utf8(output.stdout).expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_four_way_check_agrees_and_finds_a_difference_on_each_side() {
    let (shop, browser, customer) = paying_as_they_go("9.00").await;
    spend(&shop, &browser, 150).await;
    shop.run_job("export_meter").await;
    let mut reply = browser.start_reply(&of_at_most(&prompt(), 100)).await;
    reply.read_to_end().await;
    shop.run_job("export_meter").await;
    let today = chrono::Utc::now().date_naive();
    let today = today.to_string();
    let compare = ["reconcile", "--from", &today, "--to", &today];
    let (agrees, report) = run(&shop, &compare);
    assert!(agrees, "{report}");
    assert!(report.lines().any(|line| line.starts_with("ok   meter, micro-dollars")), "{report}");

    // What the provider has answered: as scripted, and as the journal has it.
    let scripted = shop.number("select sum(output_tokens)::bigint from generation_attempts").await;
    let input = shop.number("select sum(input_tokens)::bigint from generation_attempts").await;
    let file = std::env::temp_dir().join(format!("usage-{}.csv", uuid::Uuid::now_v7()));
    let path = file.to_str().expect("text");
    let import = |output_tokens: i64| {
        let header =
            "provider,model,day,requests,input_tokens,cached_input_tokens,output_tokens,cost_dollars";
        let row = format!("openai,sandbox-small,{today},2,{input},0,{output_tokens},");
        std::fs::write(&file, format!("{header}\n{row}\n")).expect("written");
        assert!(run(&shop, &["usage", "import", path]).0);
    };
    import(scripted);
    let (agrees, report) = run(&shop, &compare);
    assert!(agrees, "{report}");
    import(scripted * 2);
    let (agrees, report) = run(&shop, &compare);
    assert!(!agrees && report.contains("FAIL output tokens of openai sandbox-small"), "{report}");
    import(scripted);

    let now = chrono::Utc::now().timestamp().to_string();
    tell_meter(&shop, &customer, "7", &now).await;
    let (agrees, report) = run(&shop, &compare);
    assert!(!agrees && report.contains("FAIL meter, micro-dollars"), "{report}");
    let kept =
        "select count(*) from reconciliations where kind = 'four_way' and findings::text like '%FAIL%'";
    assert_eq!(shop.number(kept).await, 2);
    std::fs::remove_file(file).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_sandbox_says_it_was_asked_is_what_was_recorded() {
    let (shop, browser, _) = paying_as_they_go("99.00").await;
    let prompt = prompt();
    browser.ask(&prompt).await;
    let journal = shop.app.sandbox.journal(&prompt).await;
    let sum = |name: &str| journal.iter().filter_map(|entry| entry[name].as_i64()).sum::<i64>();
    let today = chrono::Utc::now().date_naive().to_string();
    let rows = json!([{
        "provider": "openai", "model": journal[0]["model"], "day": today, "requests": journal.len(),
        "input_tokens": sum("prompt_tokens"), "output_tokens": sum("completion_tokens"),
    }]);
    let file = std::env::temp_dir().join(format!("usage-{}.json", uuid::Uuid::now_v7()));
    std::fs::write(&file, rows.to_string()).expect("written");
    assert!(run(&shop, &["usage", "import", file.to_str().expect("text")]).0);
    std::fs::remove_file(file).expect("removed");
    shop.run_job("export_meter").await;
    let (agrees, report) = run(&shop, &["reconcile", "--from", &today, "--to", &today]);
    assert!(agrees, "{report}");
    assert!(report.contains("ok   output tokens of openai"), "{report}");
}
