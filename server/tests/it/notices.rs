//! What people are told about their account: by mail where that is possible and wanted, else in the app.

use app::types::{MailRoute, MailSettings, Notice, NoticeKind};
use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::caps::{app_with, cap_month, spend};
use crate::support::{Browser, GOOD_CARD, Shop, TestApp, begin};

/// A fresh name, and the address that belongs to it.
fn somebody() -> (String, String) {
    let name = format!("person-{}", Uuid::now_v7().simple());
    let address = format!("{name}@example.test");
    (name, address)
}

/// Somebody who has just signed in, and their verified address.
async fn reader(app: &TestApp) -> (Browser, String) {
    let (name, address) = somebody();
    let mut browser = app.browser();
    browser.sign_in(&name).await;
    (browser, address)
}

/// Waits until everything is told, by whichever way. Does not wait for the time of another try to come.
async fn told(app: &TestApp) {
    let at_once =
        "update jobs set run_at = clock_timestamp() where kind = 'deliver_notice' and state = 'ready'";
    let open = "select count(*) from notices where mailed_at is null and kept_at is null";
    while app.database().number(open).await > 0 {
        app.database().execute(at_once).await;
        app.database().execute("select pg_notify('plumbline_jobs', '')").await;
    }
}

/// What is in the app, by title.
async fn kept(browser: &Browser) -> Vec<String> {
    let notices: Vec<Notice> = browser.value("notices/list_notices", &[]).await;
    notices.into_iter().map(|notice| notice.title).collect()
}

async fn buy_pack(shop: &Shop, browser: &Browser) {
    let page = begin(browser, "billing/buy_pack", &[("pack", "credit_10")]).await;
    shop.stripe.pay(&page, GOOD_CARD).await.expect("a good card");
    shop.settle().await;
}

fn text(mail: &Value) -> &str {
    mail["text"].as_str().expect("a text")
}

fn subjects(mails: &[Value]) -> Vec<&str> {
    mails.iter().map(|mail| mail["subject"].as_str().expect("a subject")).collect()
}

const PACK_RECEIPT: &str = "Receipt: $10.00 for $10.00 of credit";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_forgotten_after_a_year_and_not_told_again_and_what_nobody_has_seen_stays() {
    let shop = Shop::open().await;
    let (browser, address) = reader(&shop.app).await;
    buy_pack(&shop, &browser).await;
    told(&shop.app).await;
    let unseen = "insert into notices (id, account_id, kind, cause, facts, kept_at)
        select gen_random_uuid(), id, 'receipt', 'unseen', '{}', now() from accounts";
    shop.app.database().execute(unseen).await;
    shop.app.database().execute("update notices set created_at = now() - interval '366 days'").await;
    shop.run_job("purge_jobs").await;
    let left = shop.app.database().rows("select cause from notices").await;
    assert_eq!(left.iter().map(|row| row.get(0)).collect::<Vec<String>>(), ["unseen"]);

    shop.reconcile().await;
    shop.settle().await;
    told(&shop.app).await;
    assert_eq!(subjects(&shop.app.sandbox.mails(&address).await), [PACK_RECEIPT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_mailed_once_however_often_its_webhook_comes() {
    let shop = Shop::open().await;
    shop.stripe.control("webhooks/faults", json!({ "duplicates": 3, "shuffle": true })).await;
    let (browser, address) = reader(&shop.app).await;
    shop.subscribe(&browser, "pro", "month").await;
    shop.settle().await;
    told(&shop.app).await;
    let events = shop.stripe.list("events?limit=100").await;
    for event in events.iter().filter(|event| event["type"] == "invoice.paid") {
        shop.stripe.control("webhooks/redeliver", json!({ "event": event["id"] })).await;
    }
    shop.settle().await;
    shop.reconcile().await;
    told(&shop.app).await;

    let mails = shop.app.sandbox.mails(&address).await;
    assert_eq!(subjects(&mails), ["Receipt: $20.00 for Pro"], "the first subscription is no change of plan");
    let invoice = &shop.stripe.list("invoices").await[0];
    let page = invoice["hosted_invoice_url"].as_str().expect("a page");
    assert!(text(&mails[0]).contains(page), "{}", text(&mails[0]));
    assert!(mails[0]["html"].as_str().expect("HTML").contains("$20.00 for Pro"));
    assert!(mails[0]["headers"].get("List-Unsubscribe").is_none(), "receipts cannot be turned off");
    assert_eq!(kept(&browser).await, Vec::<String>::new(), "what was mailed is not told again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_payment_is_told_with_its_days_and_the_page_where_it_is_paid() {
    let shop = Shop::open().await;
    shop.stripe.control("settings", json!({ "after_retries": "mark_unpaid" })).await;
    let (browser, address) = reader(&shop.app).await;
    shop.subscribe(&browser, "pro", "month").await;
    shop.settle().await;
    let customer = shop.newest_customer_id().await;
    shop.stripe.set_card_mode(&customer, Some("decline")).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    told(&shop.app).await;

    let mails = shop.app.sandbox.mails(&address).await;
    let mail = mails.last().expect("a mail");
    assert_eq!(mail["subject"], "Your payment of $20.00 failed");
    let invoice = &shop.stripe.list("invoices?status=open").await[0];
    let day = |seconds: &Value| {
        let at = DateTime::from_timestamp(seconds.as_i64().expect("a time"), 0).expect("a time");
        at.format("%-d %B %Y, %H:%M UTC").to_string()
    };
    let again = format!("Your card is tried again on {}.", day(&invoice["next_payment_attempt"]));
    assert!(text(mail).contains(&again), "{again} in {}", text(mail));
    let due = invoice["status_transitions"]["finalized_at"].as_i64().expect("a time");
    let until = format!("Until {} you have a smaller budget", day(&json!(due + 7 * 86_400)));
    assert!(text(mail).contains(&until), "{until} in {}", text(mail));
    assert!(text(mail).contains(invoice["hosted_invoice_url"].as_str().expect("a page")));

    shop.stripe.advance_days(40).await;
    shop.settle().await;
    told(&shop.app).await;
    let mails = shop.app.sandbox.mails(&address).await;
    let mail = text(mails.last().expect("a mail"));
    assert!(mail.contains("Replies are paused until it is paid."), "{mail}");
    // Where the latest invoice is made final: it is a draft until somebody wants to pay it.
    assert!(mail.contains(shop.app.url.join("billing").expect("a path").as_str()), "{mail}");
    assert_eq!(kept(&browser).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_plan_are_told() {
    let shop = Shop::open().await;
    let (browser, address) = reader(&shop.app).await;
    shop.subscribe(&browser, "pro", "month").await;
    shop.settle().await;
    for (function, fields) in [
        ("billing/change_plan", vec![("plan", "max"), ("interval", "month")]),
        ("billing/cancel_subscription", vec![]),
        ("billing/resume_subscription", vec![]),
    ] {
        begin(&browser, function, &fields).await;
        shop.settle().await;
    }
    told(&shop.app).await;
    let mails = shop.app.sandbox.mails(&address).await;
    let mut changes = subjects(&mails);
    changes.retain(|subject| !subject.starts_with("Receipt"));
    changes.sort_unstable();
    let expected =
        ["You have Max now", "Your subscription to Max goes on", "Your subscription to Max is cancelled"];
    assert_eq!(changes, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_verified_address_the_app_tells_it_until_it_is_dismissed() {
    let shop = Shop::open().await;
    let (name, address) = somebody();
    let mut browser = shop.app.browser();
    let callback = browser.authorize("oidc", &format!("new-unverified:{name}"), None).await;
    browser.get(&callback).await;
    buy_pack(&shop, &browser).await;
    told(&shop.app).await;

    assert_eq!(kept(&browser).await, [PACK_RECEIPT]);
    assert!(shop.app.sandbox.mails(&address).await.is_empty());
    let settings: MailSettings = browser.value("notices/read_mail_settings", &[]).await;
    assert_eq!(settings.route, MailRoute::NoAddress);

    let notices: Vec<Notice> = browser.value("notices/list_notices", &[]).await;
    let id = notices[0].id.to_string();
    let other = shop.app.user().await;
    assert!(other.call("notices/dismiss_notice", &[("id", &id)]).await.status().is_success());
    assert_eq!(kept(&browser).await, [PACK_RECEIPT], "nobody else can dismiss it");
    assert!(browser.call("notices/dismiss_notice", &[("id", &id)]).await.status().is_success());
    assert_eq!(kept(&browser).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_refused_for_now_comes_later_and_once() {
    let shop = Shop::open().await;
    let (browser, address) = reader(&shop.app).await;
    shop.app.sandbox.set_mail_fault(&address, Some("refuse_temporarily"), Some(2)).await;
    buy_pack(&shop, &browser).await;
    told(&shop.app).await;
    assert_eq!(subjects(&shop.app.sandbox.mails(&address).await), [PACK_RECEIPT]);
    assert_eq!(kept(&browser).await, Vec::<String>::new());
    let attempts = "select max(attempt)::bigint from jobs where kind = 'deliver_notice'";
    assert_eq!(shop.number(attempts).await, 3);
}

/// When nobody learns that a mail was taken, it is sent again: its copy has the same Message-ID.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_mail_can_be_recognised() {
    let shop = Shop::open().await;
    let (browser, address) = reader(&shop.app).await;
    shop.app.sandbox.set_mail_fault(&address, Some("lose_answer"), Some(1)).await;
    buy_pack(&shop, &browser).await;
    told(&shop.app).await;
    let mails = shop.app.sandbox.mails(&address).await;
    let ids: Vec<_> = mails.iter().map(|mail| mail["headers"]["Message-ID"].to_string()).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids[0].contains("notice-") && ids[0] == ids[1], "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_stays_away_leaves_it_to_the_app() {
    let shop = Shop::open().await;
    let (browser, address) = reader(&shop.app).await;
    shop.app.sandbox.set_mail_fault(&address, Some("refuse_temporarily"), None).await;
    buy_pack(&shop, &browser).await;
    shop.app
        .database()
        .execute("update jobs set max_attempts = attempt + 1 where kind = 'deliver_notice'")
        .await;
    told(&shop.app).await;
    assert_eq!(kept(&browser).await, [PACK_RECEIPT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_refused_for_good_is_told_by_the_app_and_no_log_has_the_address() {
    let app = TestApp::start().await;
    let mut process = app.spawn_process(&[]);
    process.ready().await;
    let (browser, address) = reader(&app).await;
    let (name, _) = address.split_once('@').expect("an address");
    let notice = |cause: &str| {
        let facts = json!({
            "type": "pack_bought", "purchase_id": "cs_1", "credit": 10_000_000_000_i64, "amount_cents": 1000,
            "bought_at": "2026-11-24T18:00:00Z",
        });
        format!(
            "with told as (insert into notices (id, account_id, kind, cause, facts)
                select gen_random_uuid(), id, 'receipt', '{cause}', '{facts}' from accounts returning id)
             insert into jobs (id, kind, payload, max_attempts)
             select gen_random_uuid(), 'deliver_notice', jsonb_build_object('notice_id', id), 3 from told"
        )
    };
    app.sandbox.set_mail_fault(&address, Some("refuse_permanently"), None).await;
    app.database().execute(&notice("receipt:cs_1")).await;
    told(&app).await;
    assert_eq!(kept(&browser).await, [PACK_RECEIPT]);
    app.sandbox.set_mail_fault(&address, Some("refuse_temporarily"), Some(1)).await;
    app.database().execute(&notice("receipt:cs_2")).await;
    told(&app).await;
    assert_eq!(app.sandbox.mails(&address).await.len(), 1);

    process.terminate();
    process.exit_status();
    let log = process.log();
    assert!(log.contains("A mail was refused") && log.contains("(550)") && log.contains("(451)"), "{log}");
    assert!(!log.contains(name), "{log}");
    let with_address = format!("select count(*) from jobs where last_error like '%{name}%'");
    assert_eq!(app.database().number(&with_address).await, 0);
}

/// Posts as a mail program does, without cookies and without an origin. <https://www.rfc-editor.org/rfc/rfc8058>
async fn unsubscribe(url: &str) -> u16 {
    let form = [("List-Unsubscribe", "One-Click")];
    reqwest::Client::new().post(url).form(&form).send().await.expect("an answer").status().as_u16()
}

fn unsubscribe_url(mail: &Value) -> String {
    let header = mail["headers"]["List-Unsubscribe"].as_str().expect("a header");
    header.trim_matches(['<', '>']).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_click_in_a_mail_ends_mails_of_its_kind_and_a_forged_link_does_nothing() {
    let app = app_with(|_| {}).await;
    app.state.spawn_worker();
    let (browser, address) = reader(&app).await;
    cap_month(&browser, "1.00", true).await;
    spend(&app, &browser, 60).await;
    told(&app).await;
    let mails = app.sandbox.mails(&address).await;
    assert_eq!(subjects(&mails), ["50 % of your monthly cap is spent"]);
    assert_eq!(mails[0]["headers"]["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");

    let url = unsubscribe_url(&mails[0]);
    let (forged, essential) =
        (url.replace("token=", "token=A"), url.replace("kind=budget_alert", "kind=receipt"));
    assert_eq!(unsubscribe(&forged).await, 404);
    assert_eq!(unsubscribe(&essential).await, 400, "receipts are always sent");
    assert_eq!(unsubscribe(&url.replace("budget_alert", "weather")).await, 400);
    assert_eq!(app.database().number("select count(*) from mail_opt_outs").await, 0);
    assert_eq!(unsubscribe(&url).await, 200);
    assert_eq!(unsubscribe(&url).await, 200, "twice is as good as once");

    spend(&app, &browser, 25).await;
    told(&app).await;
    assert_eq!(app.sandbox.mails(&address).await.len(), 1, "80 % is not mailed");
    let settings: MailSettings = browser.value("notices/read_mail_settings", &[]).await;
    let off: Vec<_> =
        settings.switches.iter().filter(|switch| !switch.is_on).map(|switch| switch.kind).collect();
    assert_eq!(off, [NoticeKind::BudgetAlert]);

    let fields = [("kind", "budget_alert"), ("is_on", "true")];
    assert!(browser.call("notices/switch_mail", &fields).await.status().is_success());
    let (status, _) = browser.error("notices/switch_mail", &[("kind", "receipt"), ("is_on", "false")]).await;
    assert_eq!(status, 400);
    spend(&app, &browser, 15).await;
    told(&app).await;
    let mails = app.sandbox.mails(&address).await;
    assert_eq!(subjects(&mails)[1..], ["100 % of your monthly cap is spent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_behind_a_mails_link_switches_without_a_session() {
    let app = app_with(|_| {}).await;
    app.state.spawn_worker();
    let (browser, address) = reader(&app).await;
    cap_month(&browser, "1.00", true).await;
    spend(&app, &browser, 95).await;
    told(&app).await;
    let mails = app.sandbox.mails(&address).await;
    assert_eq!(subjects(&mails), ["80 % of your monthly cap is spent"], "of several only the highest");

    let page =
        text(&mails[0]).lines().find(|line| line.contains("/mail/preferences?token=")).expect("a link");
    let mut stranger = app.browser();
    let shown = stranger.get(page).await;
    assert_eq!(shown.headers()["cache-control"], "no-store");
    let html = shown.text().await.expect("text");
    assert_eq!(
        (html.matches("<b>On</b>").count(), html.matches("method=\"post\"").count()),
        (2, 2),
        "{html}"
    );

    let form = [("kind", "budget_alert"), ("is_on", "false")];
    let answer = stranger.request(reqwest::Method::POST, page).form(&form).send().await.expect("an answer");
    assert!(answer.status().is_redirection(), "{}", answer.status());
    let html = stranger.get(page).await.text().await.expect("text");
    assert_eq!(html.matches("<b>Off</b>").count(), 1, "{html}");
    let opened = stranger.get(&unsubscribe_url(&mails[0])).await;
    assert!(opened.status().is_redirection(), "opened, not posted to, the link leads to the page");

    let forged = format!("{page}A");
    assert_eq!(stranger.get(&forged).await.status(), 404);
    let answer =
        stranger.request(reqwest::Method::POST, &forged).form(&form).send().await.expect("an answer");
    assert_eq!(answer.status(), 404);
}
