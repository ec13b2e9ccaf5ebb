//! Spending caps and the daily ceiling, under concurrency.

use app::ApiError;
use app::types::{
    Alert, AlertBasis, Cap, CapScope, CapTerms, Conversation, Nanos, Quota, ReplyState, ThreadId,
    ThreadSpending,
};
use futures::future::join_all;
use http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};
use server::config::Config;
use uuid::Uuid;

use crate::admin::seeded::rows_read;
use crate::support::{Browser, Reply, TestApp, new_request, prompt, read_all, silent, stop_all, until};

/// A token costs a cent, the prompt nothing.
pub fn cent_a_token(config: &mut Config) {
    config.llm.catalog.models[0].prices.input = Nanos(0);
    config.llm.catalog.models[0].prices.output = Nanos(1_000_000 * 10_000_000);
    config.plans.free.monthly_credit = Nanos::from_cents(10_000);
    config.plans.free.concurrent_replies = 1000;
    config.plans.free.requests_per_minute = 1000;
}

pub async fn app_with(change: impl FnOnce(&mut Config)) -> TestApp {
    TestApp::with(|config| {
        cent_a_token(config);
        change(config);
    })
    .await
}

/// A prompt whose answer costs so many cents.
pub async fn costing(app: &TestApp, cents: u32) -> String {
    let prompt = prompt();
    let usage = json!({ "prompt_tokens": 0, "completion_tokens": cents });
    let script = json!({ "text": "Yes.", "usage": usage, "gap_ms": 0, "first_token_delay_ms": 0 });
    app.sandbox.script(&prompt, script).await;
    prompt
}

/// A prompt that is not answered before it is stopped.
async fn silent_prompt(app: &TestApp) -> String {
    let prompt = prompt();
    app.sandbox.script(&prompt, silent()).await;
    prompt
}

pub fn of_at_most(prompt: &str, cents: u32) -> Value {
    let mut request = new_request(prompt);
    request["max_output_tokens"] = json!(cents);
    request
}

fn in_thread(id: ThreadId, prompt: &str, cents: u32) -> Value {
    let target = json!({ "kind": "thread", "thread_id": id, "prompt": prompt });
    json!({ "client_request_id": Uuid::now_v7(), "target": target, "max_output_tokens": cents })
}

pub async fn spend(app: &TestApp, browser: &Browser, cents: u32) -> Reply {
    let prompt = costing(app, cents).await;
    let mut reply = browser.start_reply(&of_at_most(&prompt, cents)).await;
    assert_eq!(reply.status(), StatusCode::OK, "{cents} cents");
    reply.read_to_end().await;
    reply
}

pub async fn cap_month(browser: &Browser, amount: &str, is_hard: bool) {
    let fields = [("amount", amount), ("is_hard", &is_hard.to_string())];
    assert!(browser.call("caps/set_cap", &fields).await.status().is_success());
}

async fn cap_thread(browser: &Browser, id: ThreadId, amount: &str, is_hard: bool) {
    let fields = [("thread_id", &*id.to_string()), ("amount", amount), ("is_hard", &is_hard.to_string())];
    assert!(browser.call("caps/set_cap", &fields).await.status().is_success());
}

pub async fn quota(browser: &Browser) -> Quota {
    browser.value("quota/read_quota", &[]).await
}

async fn cap_of(refused: Reply) -> Cap {
    assert_eq!(refused.status(), StatusCode::PAYMENT_REQUIRED);
    match refused.error().await {
        ApiError::CapReached { cap } => *cap,
        other => panic!("not a cap but {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_requests_at_once_against_a_cap_with_room_for_three_are_three_replies() {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    cap_month(&browser, "3.00", true).await;
    let prompt = silent_prompt(&app).await;
    let requests: Vec<_> = (0..20).map(|_| of_at_most(&prompt, 100)).collect();
    let replies = join_all(requests.iter().map(|request| browser.start_reply(request))).await;
    let (mut admitted, refused): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|reply| reply.status() == StatusCode::OK);
    assert_eq!((admitted.len(), refused.len()), (3, 17));
    for reply in refused {
        let cap = cap_of(reply).await;
        assert_eq!(
            (cap.limit, cap.used, cap.held),
            (Nanos::from_cents(300), Nanos::ZERO, Nanos::from_cents(300))
        );
        assert_eq!((cap.remaining, cap.scope.clone()), (Nanos::ZERO, CapScope::Monthly { is_own: true }));
        assert!(cap.resets_at.is_some());
        let text = ApiError::CapReached { cap: Box::new(cap) }.to_string();
        assert!(text.contains("$3.00 is held by replies in progress. Wait for them to end"), "{text}");
    }
    stop_all(&browser, &mut admitted).await;
    let cap = quota(&browser).await.caps[0].clone();
    assert_eq!((cap.used, cap.held, cap.remaining), (Nanos::ZERO, Nanos::ZERO, Nanos::from_cents(300)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_shortened_to_what_the_cap_leaves_and_the_next_is_refused_until_it_is_raised() {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    cap_month(&browser, "$1", true).await;
    let long = prompt();
    let script = json!({ "length_tokens": 5000, "gap_ms": 0, "first_token_delay_ms": 0 });
    app.sandbox.script(&long, script).await;
    let reply = browser.ask(&long).await;
    assert_eq!(reply.state(), ReplyState::Limited);
    assert_eq!(app.sandbox.journal(&long).await[0]["max_tokens"], 100);

    let next = prompt();
    let cap = cap_of(browser.start_reply(&new_request(&next)).await).await;
    assert_eq!((cap.used, cap.remaining), (Nanos::from_cents(100), Nanos::ZERO));
    let text = ApiError::CapReached { cap: Box::new(cap) }.to_string();
    assert!(text.starts_with("You set a cap of $1.00 for this month; $0.00 of it is left"), "{text}");
    assert_eq!(app.sandbox.journal(&next).await.len(), 0);

    cap_month(&browser, "2", true).await;
    spend(&app, &browser, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_length_never_locks_a_person_out_of_the_rest() {
    let app = app_with(|config| config.plans.free.monthly_credit = Nanos::from_cents(100)).await;
    let browser = app.user().await;
    for _ in 0..5 {
        let prompt = costing(&app, 7).await;
        let reply = browser.ask(&prompt).await;
        assert_eq!(reply.ended().0.charged, Some(Nanos::from_cents(7)));
    }
    assert_eq!(quota(&browser).await.credit.available, Nanos::from_cents(65));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_that_only_warns_says_so_and_stops_nothing() {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    cap_month(&browser, "0.10", false).await;
    let reply = spend(&app, &browser, 15).await;
    assert_eq!(reply.quota().alerts[0], Alert { basis: AlertBasis::Cap, percent: 100 });
    assert_eq!((reply.quota().caps[0].is_hard, reply.quota().caps[0].remaining), (false, Nanos::ZERO));
    spend(&app, &browser, 15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversations_cap_counts_that_conversation_alone() {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    let first = costing(&app, 10).await;
    let mut reply = browser.start_reply(&of_at_most(&first, 10)).await;
    let (_, thread) = reply.read_started().await;
    reply.read_to_end().await;
    spend(&app, &browser, 50).await;
    cap_thread(&browser, thread, "0.12", true).await;

    let spending: ThreadSpending =
        browser.value("caps/read_thread_spending", &[("id", &thread.to_string())]).await;
    let terms = CapTerms { limit: Nanos::from_cents(12), is_hard: true };
    assert_eq!((spending.used, spending.cap), (Nanos::from_cents(10), Some(terms)));
    let cap = cap_of(browser.start_reply(&in_thread(thread, &prompt(), 3)).await).await;
    assert_eq!((cap.thread_id(), cap.remaining), (Some(thread), Nanos::from_cents(2)));
    assert_eq!((cap.resets_at, quota(&browser).await.thread_cap(thread).cloned()), (None, Some(cap.clone())));
    let text = ApiError::CapReached { cap: Box::new(cap) }.to_string();
    assert!(text.starts_with("You set a cap of $0.12 for this conversation; $0.02 of it is left"), "{text}");
    spend(&app, &browser, 50).await;

    let fields = [("thread_id", &*thread.to_string())];
    assert!(browser.call("caps/remove_cap", &fields).await.status().is_success());
    let again = costing(&app, 3).await;
    let mut reply = browser.start_reply(&in_thread(thread, &again, 3)).await;
    assert_eq!(reply.status(), StatusCode::OK);
    reply.read_to_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tightest_limit_is_the_one_that_is_named() {
    let app = app_with(|config| config.plans.free.monthly_credit = Nanos::from_cents(20)).await;
    let browser = app.user().await;
    cap_month(&browser, "0.30", true).await;
    let refused = browser.start_reply(&of_at_most(&prompt(), 25)).await;
    // Shortened to the credit, which is less than the cap leaves.
    assert_eq!(refused.status(), StatusCode::PAYMENT_REQUIRED);
    assert!(matches!(refused.error().await, ApiError::OutOfCredit { .. }));
    cap_month(&browser, "0.10", true).await;
    let cap = cap_of(browser.start_reply(&of_at_most(&prompt(), 25)).await).await;
    assert_eq!(cap.remaining, Nanos::from_cents(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plans_cap_holds_until_the_person_sets_their_own_even_none() {
    let terms = CapTerms { limit: Nanos::from_cents(10), is_hard: true };
    let app = app_with(|config| config.plans.free.monthly_cap = Some(terms)).await;
    let browser = app.user().await;
    let cap = cap_of(browser.start_reply(&of_at_most(&prompt(), 11)).await).await;
    assert_eq!((cap.scope.clone(), cap.terms()), (CapScope::Monthly { is_own: false }, terms));
    let text = ApiError::CapReached { cap: Box::new(cap) }.to_string();
    assert!(text.starts_with("Your plan has a cap of $0.10 a month"), "{text}");

    cap_month(&browser, "0.20", true).await;
    spend(&app, &browser, 11).await;
    assert!(browser.call("caps/remove_cap", &[]).await.status().is_success());
    assert_eq!(quota(&browser).await.caps, []);
    spend(&app, &browser, 50).await;
    assert!(browser.call("caps/use_plan_cap", &[]).await.status().is_success());
    cap_of(browser.start_reply(&of_at_most(&prompt(), 1)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plans_cap_of_conversations_holds_until_a_person_decides_otherwise_for_one() {
    let terms = CapTerms { limit: Nanos::from_cents(10), is_hard: true };
    let app = app_with(|config| config.plans.free.thread_cap = Some(terms)).await;
    let browser = app.user().await;
    let first = costing(&app, 10).await;
    let mut reply = browser.start_reply(&of_at_most(&first, 10)).await;
    let (_, thread) = reply.read_started().await;
    reply.read_to_end().await;
    let next = costing(&app, 1).await;
    let ask = async || browser.start_reply(&in_thread(thread, &next, 1)).await;
    let cap = cap_of(ask().await).await;
    assert_eq!((cap.thread_id(), cap.remaining, cap.terms()), (Some(thread), Nanos::ZERO, terms));
    let text = ApiError::CapReached { cap: Box::new(cap) }.to_string();
    assert!(text.starts_with("Your plan has a cap of $0.10 for each conversation"), "{text}");
    let id = thread.to_string();
    let fields = [("thread_id", &*id)];
    let spending: ThreadSpending = browser.value("caps/read_thread_spending", &[("id", &*id)]).await;
    assert_eq!((spending.cap, spending.is_own, spending.plan_cap), (Some(terms), false, Some(terms)));
    spend(&app, &browser, 10).await;

    cap_thread(&browser, thread, "0.11", true).await;
    read_all(&mut [ask().await]).await;
    cap_of(ask().await).await;
    assert!(browser.call("caps/remove_cap", &fields).await.status().is_success());
    read_all(&mut [ask().await]).await;
    assert_eq!(quota(&browser).await.caps, [], "none of its own");
    assert!(browser.call("caps/use_plan_cap", &fields).await.status().is_success());
    cap_of(ask().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ceiling_of_the_day_stops_everybody_and_says_when_to_come_back() {
    let app = app_with(|config| config.spending.daily_ceiling = Some(Nanos::from_cents(300))).await;
    let (first, second) = (app.user().await, app.user().await);
    for browser in [&first, &second, &first] {
        spend(&app, browser, 100).await;
    }
    let refused = second.start_reply(&of_at_most(&prompt(), 1)).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let retry_after: u32 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=86_400).contains(&retry_after), "{retry_after}");
    assert!(matches!(refused.error().await, ApiError::Paused { .. }));
    assert_eq!(quota(&second).await.limits[2].used, 1, "a refusal uses nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ceiling_counts_what_is_held_and_each_server_what_it_admitted_itself() {
    let app = app_with(|config| config.spending.daily_ceiling = Some(Nanos::from_cents(300))).await;
    let browser = app.user().await;
    let prompt = silent_prompt(&app).await;
    let mut admitted = Vec::new();
    for _ in 0..3 {
        let reply = browser.start_reply(&of_at_most(&prompt, 100)).await;
        assert_eq!(reply.status(), StatusCode::OK);
        admitted.push(reply);
    }
    let refused = browser.start_reply(&of_at_most(&prompt, 1)).await;
    assert_eq!((refused.status(), refused.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "30"));
    // A server that starts now finds what the others hold.
    let other = browser.at(&app.another_server().await);
    assert_eq!(other.start_reply(&of_at_most(&prompt, 1)).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    stop_all(&browser, &mut admitted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_accounts_at_once_pass_the_ceiling_by_no_more_than_what_is_claimed_at_that_moment() {
    let app = app_with(|config| {
        config.spending.daily_ceiling = Some(Nanos::from_cents(300));
        // As many claims can be under way at once.
        config.database.pool_size = 2;
    })
    .await;
    let prompt = silent_prompt(&app).await;
    let browsers = join_all((0..12).map(|_| app.user())).await;
    let replies = join_all(browsers.iter().map(async |browser| {
        let reply = browser.start_reply(&of_at_most(&prompt, 100)).await;
        (browser, reply)
    }))
    .await;
    let mut admitted: Vec<_> =
        replies.into_iter().filter(|(_, reply)| reply.status() == StatusCode::OK).collect();
    assert!((3..=4).contains(&admitted.len()), "{} of 12 were admitted", admitted.len());
    for (browser, reply) in &mut admitted {
        stop_all(browser, std::slice::from_mut(reply)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_while_what_the_day_has_cost_is_read_anew() {
    let app = app_with(|config| config.spending.daily_ceiling = Some(Nanos::from_cents(5_000))).await;
    let (browser, prompt) = (app.user().await, silent_prompt(&app).await);
    spend(&app, &browser, 1).await;
    // Whoever reads that sum waits for this; a claim does not need it.
    let database = app.database();
    database.execute("begin; lock table usage_records in access exclusive mode").await;
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() \
                   and wait_event_type = 'Lock'";
    let mut admitted = Vec::new();
    until(async || {
        let is_read = database.number(waiting).await > 0;
        database.execute("select pg_stat_clear_snapshot()").await;
        let reply = browser.start_reply(&of_at_most(&prompt, 1)).await;
        assert_eq!(reply.status(), StatusCode::OK);
        admitted.push(reply);
        is_read
    })
    .await;
    database.execute("rollback").await;
    stop_all(&browser, &mut admitted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_of_the_month_costs_no_more_to_check_the_more_the_month_was_used() {
    const REPLIES: i64 = 40;
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    cap_month(&browser, "90.00", true).await;
    for _ in 0..REPLIES {
        spend(&app, &browser, 1).await;
    }
    let before = rows_read(&app).await["usage_records"];
    spend(&app, &browser, 1).await;
    let read = rows_read(&app).await["usage_records"] - before;
    assert!(read < REPLIES, "one more reply read {read} receipts");
    assert_eq!(quota(&browser).await.caps[0].used, Nanos::from_cents(REPLIES + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_of_somebody_else_is_not_found() {
    let app = app_with(|_| {}).await;
    let (owner, stranger) = (app.user().await, app.user().await);
    let mut reply = owner.start_reply(&of_at_most(&costing(&app, 1).await, 1)).await;
    let (_, thread) = reply.read_started().await;
    reply.read_to_end().await;
    cap_thread(&owner, thread, "1", true).await;
    let id = thread.to_string();
    for (function, fields) in [
        ("caps/set_cap", vec![("thread_id", &*id), ("amount", "9"), ("is_hard", "true")]),
        ("caps/remove_cap", vec![("thread_id", &*id)]),
        ("caps/use_plan_cap", vec![("thread_id", &*id)]),
        ("caps/read_thread_spending", vec![("id", &*id)]),
    ] {
        assert_eq!(stranger.error(function, &fields).await.0, 404, "{function}");
    }
    assert_eq!(quota(&stranger).await.caps, []);
    assert_eq!(quota(&owner).await.caps[0].limit, Nanos::from_cents(100));
    let _: Conversation = owner.value("chat/read_thread", &[("id", &id)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_amount_is_refused_in_words() {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    for (amount, words) in [("five", "such as 5 or 2.50"), ("0", "more than $0.00"), ("-1", "such as 5")] {
        let fields = [("amount", amount), ("is_hard", "true")];
        let (status, error) = browser.error("caps/set_cap", &fields).await;
        let message = error["message"].as_str().expect("a message");
        assert_eq!((status, message.contains(words)), (400, true), "{message}");
    }
    assert_eq!(quota(&browser).await.caps, []);
}

/// As the forms without a thread are sent, with JavaScript or without.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_a_thread_is_about_the_month_and_one_with_a_wrong_one_about_nothing() {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    let fields = [("amount", "5"), ("is_hard", "true")];
    let form = browser.request(Method::POST, "/api/caps/set_cap").header("accept", "text/html");
    let form = form.header("referer", app.url.join("usage").expect("an address").as_str()).form(&fields);
    assert!(form.send().await.expect("an answer").status().is_redirection());
    assert_eq!(quota(&browser).await.caps[0].scope, CapScope::Monthly { is_own: true });
    let fields = [("thread_id", "not-an-id"), ("amount", "9"), ("is_hard", "true")];
    assert_eq!(browser.error("caps/set_cap", &fields).await.0, 400);
    assert_eq!(quota(&browser).await.caps[0].limit, Nanos::from_cents(500));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_older_version_is_told_to_load_itself_anew() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let (status, error) =
        browser.error("caps/set_monthly_cap", &[("amount", "5"), ("is_hard", "true")]).await;
    let message = error["message"].as_str().expect("a message");
    assert_eq!((status, &error["type"]), (404, &json!("invalid")));
    assert!(message.ends_with("Reload it and try again."), "{message}");
}
