//! Limits and credit, under concurrency.

use app::ApiError;
use app::types::{LimitName, Nanos, Plan, Quota};
use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    TestApp, cheap, free_port, new_request, prompt, quick, read_all, silent, start_all, stop_all,
    with_max_tokens,
};

/// (18)
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_requests_at_once_with_credit_for_three_are_three_replies() {
    let app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.monthly_credit = Nanos(3 * 700);
    })
    .await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, silent()).await;
    let requests: Vec<_> = (0..100).map(|_| with_max_tokens(&prompt, 700)).collect();

    let (mut admitted, refused) = start_all(&browser, &requests).await;
    assert_eq!((admitted.len(), refused.len()), (3, 97));
    for reply in refused {
        assert_eq!(reply.status(), StatusCode::PAYMENT_REQUIRED);
        let error = reply.error().await;
        let text = error.to_string();
        assert!(text.contains("is held by replies in progress. Wait for them to end."), "{text}");
        let ApiError::OutOfCredit { credit } = error else { panic!("not out of credit") };
        assert_eq!((credit.available, credit.held), (Nanos(0), Nanos(2100)));
    }
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(
        quota.limit(LimitName::RequestsPerDay).expect("a limit").used,
        3,
        "refused requests use nothing"
    );

    stop_all(&browser, &mut admitted).await;
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(
        (quota.credit.available, quota.credit.held),
        (Nanos(2100), Nanos(0)),
        "nothing was said, nothing is paid"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_requests_at_once_against_fifty_a_minute_are_fifty_replies() {
    let app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.requests_per_minute = 50;
    })
    .await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, quick("Yes.")).await;
    let requests: Vec<_> = (0..200).map(|_| new_request(&prompt)).collect();

    let (mut admitted, refused) = start_all(&browser, &requests).await;
    assert_eq!((admitted.len(), refused.len()), (50, 150));
    read_all(&mut admitted).await;
    for reply in refused {
        assert_eq!(reply.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 50, "the model was asked for those alone");
}

/// (25)
#[tokio::test(flavor = "multi_thread")]
async fn servers_with_clocks_four_minutes_apart_keep_one_limit() {
    let mut app = TestApp::with(cheap).await;
    app.expect_open_holds();
    let servers = ["-120s", "+120s"].map(|offset| {
        app.spawn_process_with_clock(
            offset,
            &[("FREE_REQUESTS_PER_MINUTE", "10"), ("FREE_CONCURRENT_REPLIES", "100")],
        )
    });
    let browser = app.user().await;
    let mut browsers = Vec::new();
    for mut server in servers {
        server.ready().await;
        browsers.push((browser.at(&server.url), server));
    }
    let prompt = prompt();
    app.sandbox.script(&prompt, silent()).await;
    let requests: Vec<_> = (0..40).map(|_| new_request(&prompt)).collect();
    let replies =
        join_all(requests.iter().enumerate().map(|(n, request)| browsers[n % 2].0.start_reply(request)))
            .await;
    let admitted = replies.iter().filter(|reply| reply.status() == StatusCode::OK).count();
    assert_eq!(admitted, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_which_limit_what_is_left_and_when() {
    let app = TestApp::with(|config| config.plans.free.requests_per_minute = 1).await;
    let browser = app.user().await;
    let first = browser.ask(&prompt()).await;
    assert_eq!(
        first.header("ratelimit-policy"),
        "\"concurrent\";q=5;qu=\"concurrent-requests\", \"minute\";q=1;w=60, \"day\";q=100;w=86400, \"tokens\";q=100000000;qu=\"tokens\";w=60"
    );
    assert!(first.header("ratelimit").contains("\"minute\";r=0;t="), "{}", first.header("ratelimit"));

    let second = browser.start_reply(&new_request(&prompt())).await;
    assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
    let retry_after: u32 = second.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&retry_after));
    assert_eq!(second.header("ratelimit-policy"), "\"minute\";q=1;w=60");
    let error = second.error().await;
    let text = error.to_string();
    assert!(text.starts_with("You have used all 1 requests of the last minute."), "{text}");
    let ApiError::LimitReached { limit, retry_after_seconds } = error else { panic!("another error") };
    assert_eq!(
        (limit.name, limit.remaining, retry_after_seconds),
        (LimitName::RequestsPerMinute, 0, retry_after)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_in_progress_are_limited_and_free_their_place_when_they_end() {
    let app = TestApp::with(|config| config.plans.free.concurrent_replies = 2).await;
    let browser = app.user().await;
    let silence = prompt();
    app.sandbox.script(&silence, silent()).await;
    let (mut running, _) = start_all(&browser, &[new_request(&silence), new_request(&silence)]).await;
    let third = browser.start_reply(&new_request(&prompt())).await;
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(third.header("ratelimit-policy"), "\"concurrent\";q=2;qu=\"concurrent-requests\"");
    assert_eq!(
        third.error().await.to_string(),
        "2 replies are still being written, the most at a time. Wait for one to end."
    );

    stop_all(&browser, &mut running).await;
    let after = browser.ask(&prompt()).await;
    assert_eq!(after.quota().limit(LimitName::ConcurrentReplies).expect("a limit").used, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_after_a_reply_shows_what_it_used_and_what_it_cost() {
    let app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.monthly_credit = Nanos::from_cents(50);
    })
    .await;
    let browser = app.user().await;
    let before: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(
        (before.credit.available, before.credit.granted),
        (Nanos::from_cents(50), Nanos::from_cents(50))
    );

    let prompt = prompt();
    app.sandbox
        .script(
            &prompt,
            json!({ "text": "Yes.", "usage": { "prompt_tokens": 9, "completion_tokens": 700 }, "gap_ms": 0 }),
        )
        .await;
    let reply = browser.ask(&prompt).await;
    let quota = reply.quota();
    assert_eq!(quota.credit.available, Nanos(500_000_000 - 700));
    assert_eq!(quota.limit(LimitName::RequestsPerDay).expect("a limit").used, 1);
    assert_eq!(reply.ended().0.charged, Some(Nanos(700)));

    let usage: Vec<Value> = browser.value("usage/list_replies", &[("period", "30-days")]).await;
    assert_eq!(
        (&usage[0]["charged"], &usage[0]["input_tokens"], &usage[0]["is_estimated"]),
        (&json!(700), &json!(9), &json!(false))
    );
}

/// (22)
#[tokio::test(flavor = "multi_thread")]
async fn a_usage_of_zero_is_free_and_a_missing_one_is_estimated() {
    let app = TestApp::with(cheap).await;
    let browser = app.user().await;
    let (zero, missing) = (prompt(), prompt());
    app.sandbox.script(&zero, json!({ "text": "123456", "usage": "zero", "gap_ms": 0 })).await;
    app.sandbox.script(&missing, json!({ "text": "123456", "usage": "missing", "gap_ms": 0 })).await;
    assert_eq!(browser.ask(&zero).await.ended().0.charged, Some(Nanos(0)));
    assert_eq!(browser.ask(&missing).await.ended().0.charged, Some(Nanos(2)));
    let usage: Vec<Value> = browser.value("usage/list_replies", &[("period", "30-days")]).await;
    assert_eq!(
        (usage.len(), &usage[0]["is_estimated"]),
        (1, &json!(true)),
        "what used nothing is not listed"
    );
}

/// (23)
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_cost_more_than_was_set_aside_is_posted_warns_and_refuses_the_next() {
    const TOKEN: i64 = 100_000;
    let app = TestApp::with(|config| {
        cheap(config);
        config.llm.catalog.models[0].prices.output = Nanos(TOKEN * 1_000_000);
    })
    .await;
    // The first reply writes this catalog into the database; the process takes it from there.
    app.user().await.ask(&prompt()).await;
    let metrics = format!("127.0.0.1:{}", free_port());
    let variables = [("FREE_MONTHLY_CREDIT_CENTS", "1"), ("METRICS_ADDR", &*metrics)];
    let mut server = app.spawn_process(&variables);
    server.ready().await;
    let browser = app.user().await.at(&server.url);
    let prompt = prompt();
    let usage = json!({ "prompt_tokens": 0, "completion_tokens": 130 });
    app.sandbox.script(&prompt, json!({ "text": "Yes.", "usage": usage, "gap_ms": 0 })).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (id, _) = reply.read_started().await;
    reply.read_to_end().await;
    assert_eq!(reply.ended().0.charged, Some(Nanos(130 * TOKEN)));
    assert_eq!(reply.quota().credit.available, Nanos(-30 * TOKEN));
    let figures = reqwest::get(format!("http://{metrics}/metrics")).await.expect("an answer");
    assert!(figures.text().await.expect("text").contains("\nplumbline_reply_overruns_total 1\n"));
    let log = server.log();
    let warning = format!("Reply `{id}` cost $0.013, more than the $0.01 set aside for it");
    let lines: Vec<_> = log.lines().filter(|line| line.contains(&warning)).collect();
    assert!(lines.len() == 1 && lines[0].contains("WARN"), "{log}");

    let refused = browser.start_reply(&new_request(&prompt)).await;
    assert_eq!(refused.status(), StatusCode::PAYMENT_REQUIRED);
    let text = refused.error().await.to_string();
    assert!(
        text.starts_with("$0.00 of this month's credit is left, which is too little for a reply."),
        "{text}"
    );
    assert!(text.contains("New credit comes on 1 "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_month_brings_new_credit_once_and_takes_the_rest_of_the_old() {
    let app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.monthly_credit = Nanos(100);
    })
    .await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, json!({ "text": "Free.", "usage": "zero", "gap_ms": 0, "times": 100 })).await;
    browser.ask(&prompt).await;
    let age = "set session_replication_role = replica; \
               update grants set expires_at = now() - interval '1 day', cause = replace(cause, 'free:', 'old:'); \
               update ledger_entries set cause = replace(cause, 'free:', 'old:'); \
               set session_replication_role = origin;";
    app.database().execute(age).await;

    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(quota.credit.available, Nanos(100), "it is shown before it is first used");
    let requests: Vec<_> = (0..5).map(|_| with_max_tokens(&prompt, 10)).collect();
    let (mut replies, refused) = start_all(&browser, &requests).await;
    assert!(refused.is_empty());
    read_all(&mut replies).await;
    let entries = app.database().rows("select amount_nanos from ledger_entries order by number").await;
    assert_eq!(entries.iter().map(|row| row.get(0)).collect::<Vec<i64>>(), [100, -100, 100]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_cut_to_what_is_affordable() {
    let app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.monthly_credit = Nanos(100);
    })
    .await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox
        .script(&prompt, json!({ "length_tokens": 5000, "gap_ms": 0, "first_token_delay_ms": 0 }))
        .await;
    let reply = browser.ask(&prompt).await;
    assert_eq!(reply.state(), app::types::ReplyState::Limited);
    assert_eq!(app.sandbox.journal(&prompt).await[0]["max_tokens"], 100);
    assert_eq!(reply.quota().credit.available, Nanos(0));
}

/// Another reply like the one there is, with a hold and a receipt of these accounts (`own` or `other`); then whatever else,
/// and nothing of it stays.
fn another_reply(hold_of: &str, receipt_of: &str, then: &str) -> String {
    format!(
        "begin;
         create temporary table another on commit drop as
             select gen_random_uuid() as id, account_id as own,
                 (select id from accounts where id <> account_id) as other
             from generations;
         insert into generations (id, account_id, client_request_id, thread_id, model, price_version,
                 parent_message_id, estimated_input_tokens)
             select another.id, own, gen_random_uuid(), thread_id, model, price_version,
                 parent_message_id, 1
             from generations, another;
         insert into holds (generation_id, account_id, amount_nanos, expires_at)
             select id, {hold_of}, 1, now() from another;
         insert into usage_records
                 (generation_id, account_id, model, input_tokens, output_tokens, is_estimated, charged_nanos)
             select id, {receipt_of}, '', 0, 0, false, 0 from another;
         {then};
         set constraints all immediate;
         rollback"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_wrong_money_even_by_hand() {
    let app = TestApp::start().await;
    app.user().await;
    app.user().await.ask(&prompt()).await;
    assert!(!app.database().is_refused(&another_reply("own", "own", "select")).await, "as it should be");
    for attempt in [
        &*another_reply("other", "own", "select"),
        &another_reply("own", "other", "select"),
        &another_reply("own", "own", "update holds set amount_nanos = 5 where state = 'pending'"),
        "update ledger_entries set amount_nanos = 0",
        "delete from ledger_entries",
        "truncate ledger_entries cascade",
        "update accounts set posted_nanos = posted_nanos + 1",
        "update holds set state = 'pending', resolved_at = null",
        "delete from holds",
        "update usage_records set charged_nanos = 0",
        "delete from usage_records",
        "update grants set remaining_nanos = amount_nanos + 1",
        "update grants set remaining_nanos = -1",
        "update grants set amount_nanos = amount_nanos + 1",
        "update grants set cause = 'pack:another'",
        "delete from grants",
        "insert into ledger_entries (id, account_id, cause, amount_nanos)
             select gen_random_uuid(), account_id, cause, amount_nanos from ledger_entries",
    ] {
        assert!(app.database().is_refused(attempt).await, "{attempt}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_show_the_values_in_force() {
    let app = TestApp::with(|config| config.plans.free.requests_per_day = 77).await;
    let plans: Vec<Plan> = app.browser().value("quota/list_plans", &[]).await;
    assert_eq!((plans[0].key.as_str(), plans[0].requests_per_day), ("free", 77));
}
