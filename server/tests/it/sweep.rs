//! Replies whose server has died, ended by another.

use app::types::{GenerationId, Message, ReplyState};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::{
    Browser, Fault, Proxy, TestApp, begin_reply, prompt, said_then_silent, start_silent, stop, until,
    without_redis,
};

const WITH_CHECKPOINT: &str =
    "select count(*) from generations where checkpoint_text <> '' or checkpoint_reasoning <> ''";

/// Replies that have said "said" when their server dies.
async fn left_behind(app: &TestApp, browser: &Browser, count: usize) -> Vec<GenerationId> {
    let mut server = app.doomed_server(|_| {}).await;
    let browser = browser.at(&server.url);
    let prompt = prompt();
    app.sandbox.script(&prompt, said_then_silent()).await;
    let mut replies = Vec::new();
    for _ in 0..count {
        replies.push(begin_reply(&browser, &prompt).await);
    }
    server.abort();
    for (reply, _) in &mut replies {
        reply.read_until_cut().await;
    }
    app.database().execute("update holds set expires_at = now()").await;
    replies.into_iter().map(|(_, id)| id).collect()
}

async fn saved(browser: &Browser, id: GenerationId) -> Message {
    let mut reply = browser.follow_reply(id, 0).await;
    reply.read_to_end().await;
    reply.ended().0.clone()
}

async fn swept(app: &TestApp) -> i64 {
    app.database().number("select count(*) from usage_records").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_cannot_be_swept_keeps_nobody_else_waiting() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let replies = left_behind(&app, &browser, 3).await;
    let first = replies[0];
    let database = app.database();
    database
        .execute(&format!(
            "update holds set expires_at = now() - interval '1 minute' where generation_id = '{first}';
             create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
             create trigger refuse before insert on messages for each row
                 when (new.generation_id = '{first}') execute function refuse()"
        ))
        .await;
    app.state.sweep().await;
    assert_eq!(swept(&app).await, 2);
    for id in &replies[1..] {
        assert_eq!(saved(&browser, *id).await.state, Some(ReplyState::Interrupted));
    }

    database.execute("drop trigger refuse on messages").await;
    app.state.sweep().await;
    assert_eq!(saved(&browser, first).await.content.trim_end(), "said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_does_not_answer_for_a_moment_costs_no_word_that_was_shown() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let reply = left_behind(&app, &browser, 1).await[0];
    let redis = Proxy::start().await;
    let sweeper = app.another_state(|config| {
        config.redis.url = redis.before(config.redis.url.expose_secret()).into();
    });
    redis.break_at(1, Fault::Stall);
    sweeper.sweep().await;
    assert_eq!(swept(&app).await, 0, "it waits for the log");
    app.state.sweep().await;
    assert_eq!(saved(&browser, reply).await.content.trim_end(), "said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_stays_away_leaves_what_the_last_checkpoint_has() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let reply = left_behind(&app, &browser, 1).await[0];
    app.database()
        .execute(
            "update generations set checkpoint_text = 'sa';
             update holds set expires_at = now() - interval '3 minutes'",
        )
        .await;
    let sweeper = app.another_state(without_redis);
    sweeper.sweep().await;
    assert_eq!(saved(&browser, reply).await.content, "sa");
    assert_eq!(app.database().number(WITH_CHECKPOINT).await, 0, "it is in the message now");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_a_reply_while_it_is_written_goes_when_it_is_saved() {
    let app = TestApp::start().await;
    let (browser, database) = (app.user().await, app.database());
    let reply = start_silent(&app, &browser).await;
    let keep = "update generations set checkpoint_text = 'said', checkpoint_reasoning = 'thought'";
    database.execute(keep).await;
    stop(&browser, reply).await;
    assert_eq!(database.number(WITH_CHECKPOINT).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_without_its_log_keeps_its_thoughts_its_route_and_what_it_has_cost_us() {
    let app = TestApp::start().await;
    let mut server = app.doomed_server(|_| {}).await;
    let browser = app.user().await;
    let prompt = prompt();
    let script =
        json!({ "reasoning": "Let me see.", "chunk_chars": 100, "text": "unsaid", "stall_after_chunks": 1 });
    app.sandbox.script(&prompt, script).await;
    let (mut reply, id) = begin_reply(&browser.at(&server.url), &prompt).await;
    let database = app.database();
    until(async || {
        database.number("select count(*) from generations where checkpoint_reasoning <> ''").await > 0
    })
    .await;
    server.abort();
    reply.read_until_cut().await;
    database.execute("update holds set expires_at = now() - interval '3 minutes'").await;
    let sweeper = app.another_state(without_redis);
    sweeper.sweep().await;

    let message = saved(&browser, id).await;
    assert_eq!((message.content.as_str(), message.reasoning.as_str()), ("", "Let me see."));
    let attempts = "select a.outcome, a.route_key, u.route_key, a.cost_nanos > 0, a.cost_nanos = u.cost_nanos
        from generation_attempts a join usage_records u using (generation_id)";
    let rows = database.rows(attempts).await;
    assert_eq!(rows.len(), 1);
    let (outcome, asked, answered): (String, String, String) =
        (rows[0].get(0), rows[0].get(1), rows[0].get(2));
    assert_eq!((outcome.as_str(), asked.as_str(), &asked), ("cut off", "everyday-first", &answered));
    assert!(rows[0].get::<_, bool>(3) && rows[0].get::<_, bool>(4), "what it cost us is on the receipt");
}
