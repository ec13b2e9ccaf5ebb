//! What was spent on what: sums, the statement, receipts and exports.

use std::collections::HashSet;

use app::types::{EntryReason, GenerationId, Nanos, Receipt, ReplyUsage, Statement, Usage, UsageSummary};
use reqwest::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Browser, Reply, TestApp, location, new_request, prompt, silent, until};

fn using(input: u32, output: u32) -> Value {
    json!({
        "text": "Yes.", "gap_ms": 0, "first_token_delay_ms": 0,
        "usage": { "prompt_tokens": input, "completion_tokens": output },
    })
}

async fn ask(app: &TestApp, browser: &Browser, script: Value) -> (Reply, GenerationId) {
    let prompt = prompt();
    app.sandbox.script(&prompt, script).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (id, _) = reply.read_started().await;
    reply.read_to_end().await;
    (reply, id)
}

async fn summarize(browser: &Browser, period: &str) -> UsageSummary {
    browser.value("usage/summarize", &[("period", period)]).await
}

async fn receipt(browser: &Browser, id: GenerationId) -> Receipt {
    browser.value("usage/read_receipt", &[("id", &id.to_string())]).await
}

/// Moves everything that was posted so far into the past, which nothing but a test can do.
async fn age(app: &TestApp, interval: &str) {
    let sql = format!(
        "alter table usage_records disable trigger final_usage_records_are_immutable; alter table ledger_entries disable trigger user;
         update usage_records set created_at = created_at - interval '{interval}';
         update ledger_entries set created_at = created_at - interval '{interval}';
         alter table usage_records enable trigger final_usage_records_are_immutable; alter table ledger_entries enable trigger user;"
    );
    app.database().execute(&sql).await;
}

/// Gives small credits that never end, each with its entry.
async fn add_entries(app: &TestApp, count: u32, amount: i64) {
    let sql = format!(
        "with given as (
             insert into grants (id, account_id, cause, amount_nanos, remaining_nanos)
             select gen_random_uuid(), (select id from accounts limit 1), 'grant:' || gen_random_uuid(), {amount}, {amount}
             from generate_series(1, {count})
             returning account_id, cause, amount_nanos)
         insert into ledger_entries (id, account_id, cause, amount_nanos)
         select gen_random_uuid(), account_id, cause, amount_nanos from given"
    );
    app.database().execute(&sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_models_and_conversations_each_add_up_to_what_the_ledger_says() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    ask(&app, &browser, using(1_000, 100)).await;
    age(&app, "31 days").await;
    ask(&app, &browser, using(2_000, 10)).await;
    age(&app, "3 days").await;
    let (_, last) = ask(&app, &browser, using(3_000, 7)).await;
    ask(&app, &browser, json!({ "status": 500 })).await;

    let summary = summarize(&browser, "30-days").await;
    let total = summary.total;
    assert_eq!((total.replies, total.input_tokens, total.output_tokens), (2, 5_000, 17));
    assert_eq!(summary.days.len(), 30);
    assert_eq!(summary.days.iter().map(|day| day.usage).sum::<Usage>(), total);
    assert_eq!(summary.models.iter().map(|model| model.usage).sum::<Usage>(), total);
    assert_eq!(summary.threads.iter().map(|thread| thread.usage).sum::<Usage>(), total);
    assert!(summary.other_threads.is_empty());
    assert_eq!((summary.before.replies, summary.before.input_tokens), (1, 1_000));
    let posted = app
        .database()
        .number(
            "select -sum(amount_nanos)::bigint from ledger_entries
             where cause like 'generation:%' and created_at > now() - interval '30 days'",
        )
        .await;
    assert_eq!(total.charged, Nanos(posted));

    let replies: Vec<ReplyUsage> = browser.value("usage/list_replies", &[("period", "30-days")]).await;
    assert_eq!(replies.iter().map(|reply| reply.charged).sum::<Nanos>(), total.charged);
    assert_eq!((replies.len(), replies[0].generation_id), (2, last), "a failed reply is not listed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_its_days_in_utc_to_the_second() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    for _ in 0..2 {
        ask(&app, &browser, using(10, 10)).await;
    }
    app.database()
        .execute(
            "alter table usage_records disable trigger final_usage_records_are_immutable;
             update usage_records set created_at = '2026-10-31 23:59:59.999+00'
                 where generation_id = (select min(generation_id::text)::uuid from usage_records);
             update usage_records set created_at = '2026-11-01 00:00:00+00'
                 where generation_id = (select max(generation_id::text)::uuid from usage_records);
             alter table usage_records enable trigger final_usage_records_are_immutable;",
        )
        .await;
    let october = summarize(&browser, "2026-10").await;
    let november = summarize(&browser, "2026-11").await;
    assert_eq!((october.total.replies, october.days[30].usage.replies), (1, 1));
    assert_eq!((november.total.replies, november.days[0].usage.replies), (1, 1));
    assert_eq!(november.before, october.total);
    assert_eq!(summarize(&browser, "2026-09").await.total.replies, 0);
    assert_eq!(browser.error("usage/summarize", &[("period", "soon")]).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_conversations_than_are_listed_are_summed_up() {
    let app = TestApp::with(|config| config.plans.free.requests_per_day = 1000).await;
    let browser = app.user().await;
    for tokens in 1..=17 {
        ask(&app, &browser, using(tokens * 1000, 1)).await;
    }
    let summary = summarize(&browser, "30-days").await;
    assert_eq!((summary.threads.len(), summary.threads[0].usage.input_tokens), (15, 17_000));
    assert_eq!((summary.other_threads.replies, summary.other_threads.input_tokens), (2, 3_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_can_be_computed_again_to_the_last_nano_dollar() {
    let app = TestApp::with(|config| {
        let prices = &mut config.llm.catalog.models[0].prices;
        prices.input = Nanos(150_000_007);
        prices.output = Nanos(600_000_011);
    })
    .await;
    let browser = app.user().await;
    let (reply, id) = ask(&app, &browser, using(1_234, 567)).await;
    let receipt = receipt(&browser, id).await;
    let charge = receipt.charge.clone().expect("a charge");
    assert_eq!((charge.input_tokens, charge.output_tokens, charge.price_version), (1_234, 567, 1));
    assert_eq!(charge.exact().to_string(), "$0.000525300014875");
    assert_eq!((charge.exact().rounded(), Some(charge.charged)), (charge.charged, reply.ended().0.charged));
    assert_eq!((charge.route.as_deref(), charge.is_estimated), (Some("everyday-first"), false));
    assert!(receipt.held >= charge.charged);

    let [posted] = &receipt.entries[..] else { panic!("one entry") };
    assert_eq!(posted.amount, -charge.charged);
    assert_eq!(posted.balance, Nanos::from_cents(50) - charge.charged);
    let [attempt] = &receipt.attempts[..] else { panic!("one attempt") };
    assert_eq!((attempt.outcome.as_str(), attempt.is_used), ("finished", true));
    assert!(attempt.first_token_ms.is_some_and(|ms| ms <= attempt.duration_ms));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_lists_the_attempts_that_failed_and_a_failed_reply_has_one_too() {
    let app = TestApp::with_env(&[], |_| {}).await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, using(10, 10)).await;
    app.sandbox.script(&prompt, json!({ "status": 429, "times": 1 })).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (id, _) = reply.read_started().await;
    reply.read_to_end().await;
    let with_fallback = receipt(&browser, id).await;
    let told = with_fallback
        .attempts
        .iter()
        .map(|attempt| (attempt.route.as_str(), attempt.outcome.as_str(), attempt.is_used));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [("everyday-first", "overloaded", false), ("everyday-second", "finished", true)]
    );

    let (_, failed) = ask(&app, &browser, json!({ "status": 500 })).await;
    let failed = receipt(&browser, failed).await;
    assert_eq!(failed.charge.map(|charge| charge.charged), Some(Nanos::ZERO));
    assert!(failed.entries.is_empty() && !failed.attempts.is_empty());
    assert!(failed.attempts.iter().all(|attempt| !attempt.is_used));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_attempt_has_counted_is_nobodys_charge_and_the_receipt_says_so() {
    let app = TestApp::with_env(&[], |_| {}).await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, using(10, 10)).await;
    let counted_then_failed = json!({ "usage_first": true, "error_after_chunks": 0, "times": 1 });
    app.sandbox.script(&prompt, counted_then_failed).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (id, _) = reply.read_started().await;
    reply.read_to_end().await;
    let attempts = receipt(&browser, id).await.attempts;
    let told = attempts.iter().map(|attempt| (attempt.route.as_str(), attempt.is_used));
    assert_eq!(told.collect::<Vec<_>>(), [("everyday-first", false), ("everyday-second", true)]);
    let counted = "select count(*) from generation_attempts where input_tokens is not null";
    assert_eq!(app.database().number(counted).await, 2, "what the first one has counted is our cost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_before_the_first_word_is_charged_for_the_attempt_that_was_asked() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, silent()).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (id, _) = reply.read_started().await;
    until(async || !app.sandbox.journal(&prompt).await.is_empty()).await;
    browser.value::<()>("chat/stop_reply", &[("id", &id.to_string())]).await;
    reply.read_to_end().await;
    let receipt = receipt(&browser, id).await;
    let charge = receipt.charge.expect("a charge");
    assert!(charge.charged > Nanos::ZERO && charge.is_estimated);
    assert_eq!(charge.route.as_deref(), Some("everyday-first"));
    let told = receipt.attempts.iter().map(|attempt| (attempt.outcome.as_str(), attempt.is_used));
    assert_eq!(told.collect::<Vec<_>>(), [("stopped", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statement_says_in_words_why_the_balance_changed() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let (_, id) = ask(&app, &browser, using(1_000, 0)).await;
    add_entries(&app, 1, 7).await;
    let Statement { entries, next } = browser.value("usage/read_statement", &[]).await;
    let told: Vec<_> =
        entries.iter().map(|entry| (entry.amount.0, entry.balance.0, entry.reason.generation_id())).collect();
    assert_eq!(
        told,
        [(7, 499_850_007, None), (-150_000, 499_850_000, Some(id)), (500_000_000, 500_000_000, None)]
    );
    assert_eq!(entries[0].reason, EntryReason::Gift);
    assert!(entries[1].reason.to_string().starts_with("Reply in prompt "));
    assert!(entries[2].reason.to_string().starts_with("Monthly credit for "));
    assert_eq!(next, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_statement_have_no_gap_and_no_repeat_while_entries_are_added() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    browser.ask(&prompt()).await;
    add_entries(&app, 120, 3).await;
    let balance_before = app.database().number("select posted_nanos from accounts").await;

    let mut entries = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let fields: Vec<_> = before.iter().map(|id| ("before", id.as_str())).collect();
        let page: Statement = browser.value("usage/read_statement", &fields).await;
        assert!(page.entries.len() <= 50);
        entries.extend(page.entries);
        add_entries(&app, 30, 1_000).await;
        match page.next {
            Some(id) => before = Some(id.to_string()),
            None => break,
        }
    }
    assert_eq!(entries.len(), 122);
    assert_eq!(entries.iter().map(|entry| entry.id).collect::<HashSet<_>>().len(), 122);
    assert_eq!(entries[0].balance, Nanos(balance_before));
    for pair in entries.windows(2) {
        assert_eq!(
            pair[0].balance,
            pair[1].balance + pair[0].amount,
            "each balance follows from the one before"
        );
    }
    let oldest = entries.last().expect("an entry");
    assert_eq!(oldest.balance, oldest.amount);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_somebody_else_is_like_what_does_not_exist() {
    let app = TestApp::start().await;
    let (mut owner, mut stranger) = (app.user().await, app.user().await);
    let (reply, id) = ask(&app, &owner, using(100, 100)).await;
    let message = reply.ended().0.id;
    let own: Statement = owner.value("usage/read_statement", &[]).await;

    for id in [id.to_string(), Uuid::now_v7().to_string()] {
        let (status, error) = stranger.error("usage/read_receipt", &[("id", &id)]).await;
        assert_eq!((status, &error["type"]), (404, &json!("not_found")));
        assert_eq!(stranger.get(&format!("/usage/replies/{id}")).await.status(), 404);
    }
    assert_eq!(stranger.get(&format!("/usage/messages/{message}")).await.status(), 404);
    assert_eq!(summarize(&stranger, "30-days").await.total.replies, 0);
    let before = own.entries[0].id.to_string();
    let page: Statement = stranger.value("usage/read_statement", &[("before", &before)]).await;
    assert!(page.entries.is_empty());
    assert_eq!(csv(stranger.get("/usage/replies.csv").await).await.len(), 1);
    assert_eq!(csv(stranger.get("/usage/statement.csv").await).await.len(), 1);

    let found = owner.get(&format!("/usage/messages/{message}")).await;
    assert_eq!(location(&found), format!("/usage/replies/{id}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_nothing_is_told() {
    let app = TestApp::start().await;
    let mut visitor = app.browser();
    for path in ["/usage/replies.csv", "/usage/statement.csv"] {
        let response = visitor.get(path).await;
        assert_eq!(response.status(), 401, "{path}");
        assert!(response.headers().get("content-disposition").is_none());
    }
    assert_eq!(visitor.error("usage/read_statement", &[]).await.0, 401);
    let id = Uuid::now_v7().to_string();
    assert_eq!(visitor.error("usage/read_receipt", &[("id", &id)]).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_are_csv_that_spreadsheets_read_and_never_run() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    let prompt = format!("=HYPERLINK(\"http://x\", \"a\"), {}", Uuid::now_v7());
    app.sandbox.script(&prompt, using(1_000, 7)).await;
    browser.ask(&prompt).await;
    ask(&app, &browser, json!({ "status": 500 })).await;

    let response = browser.get("/usage/replies.csv?period=30-days").await;
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(
        response.headers()["content-disposition"],
        "attachment; filename=\"plumbline-replies-30-days.csv\""
    );
    let rows = csv(response).await;
    assert_eq!(rows.len(), 3, "the one that failed is there, too");
    let column = |name: &str| rows[0].iter().position(|field| field == name).expect("a column");
    assert_eq!(rows[2][column("conversation")], format!("'{}", title(&browser, 1).await));
    assert!(rows[2][column("conversation")].starts_with("'=HYPERLINK(\"http"));
    assert_eq!(
        [rows[1][column("charged_usd")].as_str(), rows[1][column("state")].as_str()],
        ["0.00", "failed"]
    );
    assert_eq!(rows[2][column("charged_usd")], "0.0001542");
    let at = &rows[2][column("settled_at")];
    assert!(at.parse::<chrono::DateTime<chrono::Utc>>().is_ok() && at.ends_with('Z'), "{at}");

    let statement = csv(browser.get("/usage/statement.csv").await).await;
    let money: Vec<_> = statement.iter().map(|row| (row[2].as_str(), row[3].as_str())).collect();
    assert_eq!(money, [("amount_usd", "balance_usd"), ("-0.0001542", "0.4998458"), ("0.50", "0.50")]);
    assert_eq!(browser.get("/usage/replies.csv?period=soon").await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_longer_than_what_is_read_at_once_is_whole() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    browser.ask(&prompt()).await;
    add_entries(&app, 2_500, 1).await;
    let rows = csv(browser.get("/usage/statement.csv").await).await;
    assert_eq!(rows.len(), 1 + 2 + 2_500);
    assert_eq!(rows.iter().map(|row| row[4].clone()).collect::<HashSet<_>>().len(), rows.len());
}

/// The title of one of the person's conversations, the newest first.
async fn title(browser: &Browser, index: usize) -> String {
    let threads: Vec<Value> = browser.value("chat/list_threads", &[]).await;
    threads[index]["title"].as_str().expect("a title").to_owned()
}

/// Rows of fields, read as RFC 4180 says.
async fn csv(response: Response) -> Vec<Vec<String>> {
    assert_eq!(response.status(), 200);
    let text = response.text().await.expect("text");
    let (mut rows, mut row, mut field, mut is_quoted) = (vec![], vec![], String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if is_quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut field)),
            '\r' if !is_quoted => {
                assert_eq!(chars.next(), Some('\n'));
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            char => field.push(char),
        }
    }
    assert!(field.is_empty() && row.is_empty() && !is_quoted, "the file ends with a whole row");
    let width = rows[0].len();
    assert!(rows.iter().all(|row: &Vec<String>| row.len() == width));
    rows
}
