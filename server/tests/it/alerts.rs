//! Alerts: that a part of the month's cap or credit is spent. Each is told once, and again when it has become true again.

use app::types::{AccountId, Alert, AlertBasis, Nanos};
use chrono::{Datelike, Months, TimeDelta, Utc};
use futures::future::join_all;
use server::books::Cause;
use server::store::ledger::{self, CreditChange};

use crate::caps::{app_with, cap_month, cent_a_token, costing, of_at_most, quota, spend};
use crate::support::{Browser, TestApp, TestDatabase, read_all};

async fn alerts(browser: &Browser) -> Vec<(AlertBasis, u8)> {
    quota(browser).await.alerts.into_iter().map(|Alert { basis, percent }| (basis, percent)).collect()
}

/// The account of the only person.
async fn account(app: &TestApp) -> AccountId {
    let id: String = app.database().rows("select id::text from accounts").await[0].get(0);
    AccountId(id.parse().expect("a UUID"))
}

async fn give_pack(app: &TestApp, cents: i64) {
    let db = app.db();
    let mut conn = db.get().await.expect("a connection");
    let cause = Cause::Other("pack:new".to_owned());
    let given = ledger::give(&mut conn, account(app).await, cause, Nanos::from_cents(cents), None).await;
    assert!(given.expect("given"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_alert_is_told_once_and_again_only_for_a_higher_cap() {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    cap_month(&browser, "1.00", true).await;
    spend(&app, &browser, 49).await;
    assert_eq!(alerts(&browser).await, []);
    assert_eq!(
        spend(&app, &browser, 1).await.quota().alerts.len(),
        1,
        "right after the reply that crossed it"
    );
    spend(&app, &browser, 35).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Cap, 80), (AlertBasis::Cap, 50)]);

    let up_to = [("basis", "cap"), ("percent", "80")];
    assert!(browser.call("caps/dismiss_alerts", &up_to).await.status().is_success());
    spend(&app, &browser, 5).await;
    assert_eq!(alerts(&browser).await, [], "dismissed with all below it");
    spend(&app, &browser, 10).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Cap, 100)]);

    cap_month(&browser, "2.50", true).await;
    assert_eq!(alerts(&browser).await, [], "no longer true of the higher cap");
    spend(&app, &browser, 25).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Cap, 50)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_below_what_is_spent_is_said_to_be_passed_at_once() {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    spend(&app, &browser, 60).await;
    cap_month(&browser, "1.00", true).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Cap, 50)]);
    cap_month(&browser, "0.50", false).await;
    assert_eq!(alerts(&browser).await[0], (AlertBasis::Cap, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_that_end_at_once_raise_each_alert_once() {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    cap_month(&browser, "1.00", true).await;
    let prompt = costing(&app, 10).await;
    let requests: Vec<_> = (0..10).map(|_| of_at_most(&prompt, 10)).collect();
    let mut replies = join_all(requests.iter().map(|request| browser.start_reply(request))).await;
    read_all(&mut replies).await;
    assert_eq!(
        alerts(&browser).await,
        [(AlertBasis::Cap, 100), (AlertBasis::Cap, 80), (AlertBasis::Cap, 50)]
    );
    assert_eq!(app.database().number("select count(*) from spending_alerts").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cap_the_months_credit_counts() {
    let app = app_with(|config| config.plans.free.monthly_credit = Nanos::from_cents(100)).await;
    let browser = app.user().await;
    spend(&app, &browser, 79).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Credit, 50)]);
    spend(&app, &browser, 1).await;
    assert_eq!(alerts(&browser).await[0], (AlertBasis::Credit, 80));
    cap_month(&browser, "5.00", false).await;
    assert_eq!(alerts(&browser).await, [], "with a cap, the cap counts");
}

/// Twenty packs of ten dollars that were spent months ago.
const SPENT_PACKS: &str = "
    insert into ledger_entries (id, account_id, cause, amount_nanos)
        select gen_random_uuid(), accounts.id, kind || number, amount
        from accounts, generate_series(1, 20) as number,
            (values ('pack:', 10000000000), ('adjustment:', -10000000000)) as entry (kind, amount);
    insert into grants (id, account_id, cause, amount_nanos, remaining_nanos, created_at)
        select gen_random_uuid(), id, 'pack:' || number, 10000000000, 0, now() - interval '3 months'
        from accounts, generate_series(1, 20) as number;";

#[tokio::test(flavor = "multi_thread")]
async fn credit_that_was_spent_in_earlier_months_is_no_part_of_this_months() {
    let app = app_with(|config| config.plans.free.monthly_credit = Nanos::from_cents(50)).await;
    let browser = app.user().await;
    app.database().execute(SPENT_PACKS).await;
    give_pack(&app, 100).await;
    let credit = quota(&browser).await.credit;
    assert_eq!((credit.granted, credit.used()), (Nanos::from_cents(150), Nanos::ZERO));
    spend(&app, &browser, 75).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Credit, 50)]);
    let credit = quota(&browser).await.credit;
    assert_eq!((credit.granted, credit.used()), (Nanos::from_cents(150), Nanos::from_cents(75)));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_credit_takes_back_what_is_not_true_of_it_so_that_it_is_told_again() {
    let app = app_with(|config| config.plans.free.monthly_credit = Nanos::from_cents(100)).await;
    let browser = app.user().await;
    spend(&app, &browser, 100).await;
    assert_eq!(alerts(&browser).await[0], (AlertBasis::Credit, 100));
    give_pack(&app, 100).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Credit, 50)], "half of both");
    spend(&app, &browser, 60).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Credit, 80), (AlertBasis::Credit, 50)]);
}

const SUBSCRIBE: &str = "insert into subscriptions
        (account_id, id, status, interval, amount_cents, period_start, period_end)
    select id, 'sub_1', 'active', 'month', 2000, now() - interval '20 days', now() + interval '60 days'
    from accounts";

/// The subscription gives its credit again in so many days, and what it gives now takes the place of the old.
async fn renew(app: &TestApp, invoice: &str, replaced: &[&str], days: i64) {
    let resets = format!("update subscriptions set credit_resets_at = now() + interval '{days} days'");
    app.database().execute(&resets).await;
    let credit = CreditChange::Give {
        cause: invoice.to_owned(),
        amount: Nanos::from_cents(100),
        expires_at: Some(Utc::now() + TimeDelta::days(200)),
        advance: None,
        replaces: replaced.iter().map(ToString::to_string).collect(),
    };
    let db = app.db();
    let mut conn = db.get().await.expect("a connection");
    ledger::apply(&mut conn, account(app).await, &[credit]).await.expect("given");
}

#[tokio::test(flavor = "multi_thread")]
async fn credit_that_is_renewed_within_a_month_has_alerts_and_mails_of_its_own() {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    app.database().execute(SUBSCRIBE).await;
    let notices = "select count(*) from notices where cause like 'budget_alert:%:credit:80:%'";
    renew(&app, "invoice:1", &[], 10).await;
    spend(&app, &browser, 80).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Credit, 80), (AlertBasis::Credit, 50)]);
    renew(&app, "invoice:2", &["invoice:1"], 27).await;
    assert_eq!(alerts(&browser).await, []);
    spend(&app, &browser, 80).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Credit, 80), (AlertBasis::Credit, 50)]);
    assert_eq!(app.database().number(notices).await, 2);
}

/// Days from now to the 28th of next month, and from then to the 15th after it: a period of credit that begins on the 15th
/// has more to go than the month.
fn days_across_a_months_end() -> (i64, i64) {
    let today = Utc::now().date_naive();
    let next = today.with_day(1).expect("a day") + Months::new(1);
    let (late, renewal) = (next.with_day(28), (next + Months::new(1)).with_day(15));
    let (late, renewal) = (late.expect("a day"), renewal.expect("a day"));
    ((late - today).num_days(), (renewal - late).num_days())
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_about_a_subscriptions_credit_last_until_it_is_renewed_also_when_a_month_begins_meanwhile() {
    let database = TestDatabase::with_clock().await;
    let (days, days_left) = days_across_a_months_end();
    database.advance_days(days).await;
    let app = TestApp::with_database(database, &[], cent_a_token).await;
    let browser = app.user().await;
    app.database().execute(SUBSCRIBE).await;
    renew(&app, "invoice:1", &[], days_left).await;
    spend(&app, &browser, 50).await;
    let up_to = [("basis", "credit"), ("percent", "50")];
    assert!(browser.call("caps/dismiss_alerts", &up_to).await.status().is_success());
    spend(&app, &browser, 30).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Credit, 80)]);

    app.database().advance_days(7).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Credit, 80)], "in the next month");
    give_pack(&app, 20).await;
    assert_eq!(alerts(&browser).await, [], "less than 80 % of what there is now");
    spend(&app, &browser, 20).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Credit, 80)], "50 % stays dismissed");
    let up_to = [("basis", "credit"), ("percent", "80")];
    assert!(browser.call("caps/dismiss_alerts", &up_to).await.status().is_success());
    assert_eq!(alerts(&browser).await, []);

    app.database().advance_days(days_left - 7).await;
    renew(&app, "invoice:2", &["invoice:1"], 27).await;
    spend(&app, &browser, 60).await;
    assert_eq!(alerts(&browser).await, [(AlertBasis::Credit, 50)], "of the new period");
}
