//! What goes on while something else does not.

use std::time::Duration;

use app::types::{LimitName, Quota, ReplyState};
use futures::future::join_all;
use http::StatusCode;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::{
    Fault, Proxy, TestApp, begin_reply, cheap, new_request, paced, prompt, quick, read_all, said_then_silent,
    start_all, until, without_redis,
};

#[tokio::test(flavor = "multi_thread")]
async fn readiness_tells_what_is_up() {
    let app = TestApp::start().await;
    assert_eq!(
        app.readiness().await,
        (StatusCode::OK, json!({ "status": "ok", "database": "up", "redis": "up", "limiter": "shared" }))
    );
    app.state.begin_shutdown();
    assert_eq!(app.readiness().await.0, StatusCode::SERVICE_UNAVAILABLE);
    let live = app.browser().get("/health/live").await;
    assert_eq!(live.status(), StatusCode::OK, "it is not to be killed, only left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_replies_go_on_with_half_the_rate_and_exact_money() {
    let app = TestApp::with(|config| {
        without_redis(config);
        config.plans.free.requests_per_minute = 4;
    })
    .await;
    assert_eq!(
        app.readiness().await,
        (
            StatusCode::OK,
            json!({ "status": "degraded", "database": "up", "redis": "down", "limiter": "local" })
        )
    );
    let browser = app.user().await;
    for _ in 0..2 {
        assert_eq!(browser.ask(&prompt()).await.state(), ReplyState::Finished);
    }
    let third = browser.start_reply(&new_request(&prompt())).await;
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(quota.limit(LimitName::RequestsPerMinute).expect("a limit").limit, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_lost_in_mid_reply_costs_its_readers_nothing() {
    const TEXT: &str = "a b c d e f g h i j";
    let redis = Proxy::start().await;
    let app = TestApp::with(|config| {
        config.redis.url = redis.before(config.redis.url.expose_secret()).into();
    })
    .await;
    let other = app.another_server().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, paced(TEXT, 60)).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    let mut following = browser.follow_reply(id, 0).await;
    let mut elsewhere = browser.at(&other).follow_reply(id, 0).await;
    following.read_event().await;
    elsewhere.read_event().await;
    redis.cut();
    reply.read_to_end().await;
    following.read_to_end().await;
    assert_eq!((reply.state(), reply.text().as_str()), (ReplyState::Finished, TEXT));
    assert_eq!(following.events, reply.events);

    // What was shown elsewhere is no other text, and the rest is there after a reload.
    elsewhere.read_to_end().await;
    assert!(reply.events.starts_with(&elsewhere.events));
    let mut again = browser.at(&other).follow_reply(id, elsewhere.events.len() as u32).await;
    again.read_to_end().await;
    assert_eq!(again.ended(), reply.ended());
}

/// Nothing is lost on the way, nothing is refused: there is just no answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_falls_silent_in_mid_reply_ends_it_in_time_and_it_is_settled_afterwards() {
    let postgres = Proxy::start().await;
    let app = TestApp::start().await;
    let server = app
        .another_server_with(|config| {
            config.database.url = postgres.before(config.database.url.expose_secret()).into();
            config.llm.clocks.idle = config.llm.clocks.total;
        })
        .await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, said_then_silent()).await;
    let (mut reply, _) = begin_reply(&browser.at(&server), &prompt).await;
    postgres.break_at(1, Fault::Stall);
    postgres.broken().await;
    until(async || app.sandbox.journal(&prompt).await[0]["state"] == "client_gone").await;
    assert_eq!(app.database().number("select count(*) from holds where state = 'pending'").await, 1);
    postgres.heal();
    reply.read_to_end().await;
    assert_eq!((reply.state(), reply.text().as_str()), (ReplyState::Interrupted, "said "));
    assert_eq!(app.database().number("select count(*) from holds where state = 'pending'").await, 0);
    let charges = "select count(*) from ledger_entries where cause like 'generation:%'";
    assert_eq!(app.database().number(charges).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_people_are_told_to_come_back() {
    let app = TestApp::with(|config| {
        config.database.url = "postgres://127.0.0.1:9/none".to_owned().into();
        config.database.pool_wait = Duration::from_millis(200);
    })
    .await;
    assert_eq!(app.readiness().await.0, StatusCode::SERVICE_UNAVAILABLE);
    let mut browser = app.browser();
    browser.cookies.insert("__Host-session".to_owned(), "anything".to_owned());
    let page = browser.get("/chat").await;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.headers()["retry-after"], "2");
    assert!(page.text().await.expect("a page").contains("Nothing is lost"));
    assert_eq!(
        browser.error("quota/read_quota", &[]).await,
        (503, json!({ "type": "unavailable", "retry_after_seconds": 2 }))
    );
    assert_eq!(app.browser().get("/").await.status(), StatusCode::OK, "the landing page needs no database");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_every_connection_in_use_people_are_told_to_come_back() {
    let app = TestApp::with(|config| {
        config.database.pool_size = 1;
        config.database.pool_wait = Duration::from_millis(300);
    })
    .await;
    let (blocked, other) = (app.user().await, app.user().await);
    let account = "select account_id from users order by created_at limit 1";
    app.database().execute(&format!("begin; select from accounts where id = ({account}) for update")).await;

    // It waits for the row with the only connection.
    let request = new_request(&prompt());
    let waiting = tokio::task::spawn({
        let blocked = blocked.clone();
        async move { blocked.start_reply(&request).await }
    });
    app.database().waits_for_lock().await;
    let (status, error) = other.error("quota/read_quota", &[]).await;
    assert_eq!((status, error["type"].as_str()), (503, Some("unavailable")));

    app.database().execute("rollback").await;
    let mut reply = waiting.await.expect("no panic");
    reply.read_to_end().await;
    assert_eq!(reply.state(), ReplyState::Finished);
    assert_eq!(other.error("chat/read_thread", &[]).await.0, 400, "connections are free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_requests_of_one_account_leave_connections_to_others() {
    const REQUESTS: usize = 64;
    let app = TestApp::with(|config| {
        cheap(config);
        config.database.pool_size = 2;
        config.database.pool_wait = Duration::from_millis(300);
    })
    .await;
    let (busy, other) = (app.user().await, app.user().await);
    let prompt = prompt();
    app.sandbox.script(&prompt, quick("Hello.")).await;
    let account = "select account_id from users order by created_at limit 1";
    app.database().execute(&format!("begin; select from accounts where id = ({account}) for update")).await;
    let requests: Vec<_> = (0..REQUESTS).map(|_| new_request(&prompt)).collect();
    let waiting = tokio::task::spawn(async move { start_all(&busy, &requests).await });
    app.database().waits_for_lock().await;

    // Were they all waiting for the row, they would have every connection after one or two of these.
    for _ in 0..REQUESTS {
        let _: Quota = other.value("quota/read_quota", &[]).await;
    }

    app.database().execute("rollback").await;
    let (mut replies, refused) = waiting.await.expect("no panic");
    read_all(&mut replies).await;
    assert_eq!((replies.len(), refused.len()), (REQUESTS, 0), "each is answered in its turn");
    assert!(replies.iter().all(|reply| reply.state() == ReplyState::Finished));
}

/// (40)
#[tokio::test(flavor = "multi_thread")]
async fn with_one_connection_and_fifty_long_replies_other_pages_still_answer() {
    let app = TestApp::with(|config| {
        config.database.pool_size = 1;
        config.plans.free.concurrent_replies = 50;
        config.plans.free.monthly_credit = app::types::Nanos::from_cents(100_000);
    })
    .await;
    let mut browser = app.user().await;
    let prompt = prompt();
    // Ten seconds each.
    app.sandbox
        .script(&prompt, json!({ "length_tokens": 20, "first_token_delay_ms": 500, "gap_ms": 500 }))
        .await;
    let requests: Vec<_> = (0..50).map(|_| new_request(&prompt)).collect();
    let mut replies = join_all(requests.iter().map(|request| browser.start_reply(request))).await;
    assert!(replies.iter().all(|reply| reply.status() == StatusCode::OK));

    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(quota.limit(LimitName::ConcurrentReplies).expect("a limit").used, 50, "all are in flight");
    for path in ["/chat", "/usage", "/account", "/"] {
        assert_eq!(browser.get(path).await.status(), StatusCode::OK, "{path}");
    }
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(
        quota.limit(LimitName::ConcurrentReplies).expect("a limit").used,
        50,
        "all are still in flight"
    );
    read_all(&mut replies).await;
    assert!(replies.iter().all(|reply| reply.state() == ReplyState::Finished));
}

/// (19)
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_whose_process_was_killed_frees_its_money_and_is_marked() {
    let app = TestApp::start().await;
    let mut process = app.spawn_process(&[]);
    process.ready().await;
    let browser = app.user().await.at(&process.url);
    let prompt = prompt();
    app.sandbox
        .script(&prompt, json!({ "text": "a b c", "stall_after_chunks": 1, "first_token_delay_ms": 0 }))
        .await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (_, thread_id) = reply.read_started().await;
    reply.read_event().await;
    process.kill();

    let browser = browser.at(&app.url);
    let held: Quota = browser.value("quota/read_quota", &[]).await;
    assert!(held.credit.held > app::types::Nanos::ZERO);
    app.database().execute("update holds set expires_at = now()").await;
    let free: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(
        (free.credit.held, free.credit.available),
        (app::types::Nanos::ZERO, held.credit.granted),
        "even before a sweep"
    );
    app.state.sweep().await;
    let conversation: app::types::Conversation =
        browser.value("chat/read_thread", &[("id", &thread_id.to_string())]).await;
    assert_eq!(conversation.messages[1].state, Some(ReplyState::Interrupted));
    assert_eq!(conversation.live_reply, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_saves_and_settles_replies_in_progress() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, said_then_silent()).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    reply.read_started().await;
    reply.read_event().await;
    app.state.begin_shutdown();
    let refused = browser.start_reply(&new_request(&prompt)).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    app.state.finish_replies(Duration::ZERO).await;
    reply.read_to_end().await;
    assert_eq!((reply.state(), reply.ended().0.content.trim_end()), (ReplyState::Interrupted, "said"));
}
