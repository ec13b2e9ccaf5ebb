//! Replies that several servers share, and what is left when one of them dies.

use app::types::{ChatEventKind, Conversation, Nanos, Quota, ReplyState, Role};
use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Browser, Reply, TestApp, begin_reply, new_request, paced, prompt, said_then_silent, without_redis,
};

async fn conversation(browser: &Browser, reply: &Reply) -> Conversation {
    let ChatEventKind::Started { thread, .. } = &reply.events[0].kind else { panic!("not started") };
    browser.value("chat/read_thread", &[("id", &thread.id.to_string())]).await
}

/// (16)
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_can_be_followed_from_another_server_without_gap_or_repeat() {
    let app = TestApp::start().await;
    let other = app.another_server().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, paced("a b c d e f g h i j", 40)).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;

    let elsewhere = browser.at(&other);
    let (mut whole, mut rest) = (elsewhere.follow_reply(id, 0).await, elsewhere.follow_reply(id, 2).await);
    crate::support::read_all(std::slice::from_mut(&mut reply)).await;
    whole.read_to_end().await;
    rest.read_to_end().await;
    assert_eq!(whole.events, reply.events);
    assert_eq!(rest.events, reply.events[2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_sent_to_another_server_attaches_to_the_running_reply() {
    let app = TestApp::start().await;
    let other = app.another_server().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, paced("a b c d e f g h", 30)).await;
    let request = new_request(&prompt);
    let mut first = browser.start_reply(&request).await;
    first.read_event().await;
    let mut second = browser.at(&other).start_reply(&request).await;
    first.read_to_end().await;
    second.read_to_end().await;
    assert_eq!(second.events, first.events);
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 1);
}

/// (16)
#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_reply_cannot_be_followed_from_any_server() {
    let app = TestApp::start().await;
    let other = app.another_server().await;
    let (owner, stranger) = (app.user().await, app.user().await);
    let prompt = prompt();
    app.sandbox.script(&prompt, paced("a b c d e f g h", 30)).await;
    let (mut reply, id) = begin_reply(&owner, &prompt).await;
    // A follower of the owner's, so that the other server has the reply at hand.
    let mut following = owner.at(&other).follow_reply(id, 0).await;
    following.read_event().await;
    for url in [&app.url, &other] {
        assert_eq!(stranger.at(url).follow_reply(id, 0).await.status(), StatusCode::NOT_FOUND);
    }
    reply.read_to_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_works_from_another_server_without_redis() {
    let app = TestApp::start().await;
    let other = app.another_server_with(without_redis).await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, said_then_silent()).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    browser.at(&other).value::<()>("chat/stop_reply", &[("id", &id.to_string())]).await;
    reply.read_to_end().await;
    assert_eq!((reply.state(), reply.ended().0.content.trim_end()), (ReplyState::Stopped, "said"));
}

/// The notification is lost; the column is read with the next renewal of the hold.
#[tokio::test(flavor = "multi_thread")]
async fn stop_works_when_nobody_hears_of_it() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, said_then_silent()).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    app.database()
        .execute(&format!("update generations set stop_requested_at = now() where id = '{id}'"))
        .await;
    reply.read_to_end().await;
    assert_eq!((reply.state(), reply.ended().0.content.trim_end()), (ReplyState::Stopped, "said"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_of_another_process_is_followed_and_stopped_from_here() {
    let app = TestApp::start().await;
    let mut process = app.spawn_process(&[("RUST_LOG", "off")]);
    process.ready().await;
    let browser = app.user().await;
    let prompt = prompt();
    let mut script = paced("a b c d e f g h", 30);
    script["stall_after_chunks"] = json!(6);
    app.sandbox.script(&prompt, script).await;
    let (mut reply, id) = begin_reply(&browser.at(&process.url), &prompt).await;
    let (mut whole, mut rest) = (browser.follow_reply(id, 0).await, browser.follow_reply(id, 2).await);
    while whole.text().trim_end() != "a b c d e f" {
        whole.read_event().await.expect("it goes on");
    }
    browser.value::<()>("chat/stop_reply", &[("id", &id.to_string())]).await;
    for reply in [&mut reply, &mut whole, &mut rest] {
        reply.read_to_end().await;
    }
    assert_eq!(reply.state(), ReplyState::Stopped);
    assert_eq!(whole.events, reply.events);
    assert_eq!(rest.events, reply.events[2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_reply_goes_on_and_others_wait_for_what_is_saved() {
    let app = TestApp::with(without_redis).await;
    let other = app.another_server().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, paced("a b c d e f g h i j k l", 100)).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    let elsewhere = browser.at(&other);
    let mut following = elsewhere.follow_reply(id, 0).await;
    reply.read_to_end().await;
    assert_eq!(reply.text(), "a b c d e f g h i j k l");

    // The stream ends without an end; the browser then asks again and gets what was saved.
    following.read_to_end().await;
    let mut again = elsewhere.follow_reply(id, 0).await;
    again.read_to_end().await;
    assert_eq!(again.ended().0, reply.ended().0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_was_thinking_is_kept_and_paid_for() {
    let app = TestApp::start().await;
    let mut process = app.spawn_process(&[("RUST_LOG", "off")]);
    process.ready().await;
    let browser = app.user().await.at(&process.url);
    let prompt = prompt();
    let script =
        json!({ "reasoning": "Let me see.", "chunk_chars": 100, "text": "unsaid", "stall_after_chunks": 1 });
    app.sandbox.script(&prompt, script).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    process.kill();
    reply.read_until_cut().await;

    app.database().execute("update holds set expires_at = now()").await;
    app.state.sweep().await;
    let mut again = browser.at(&app.url).follow_reply(id, 0).await;
    again.read_to_end().await;
    let (message, _) = again.ended();
    assert_eq!((message.content.as_str(), message.reasoning.as_str()), ("", "Let me see."));
    assert!(message.charged.is_some_and(|charged| charged > Nanos::ZERO), "{:?}", message.charged);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_replies_of_a_killed_server_keep_every_word_that_was_shown() {
    let app = TestApp::with(|config| config.plans.free.monthly_credit = Nanos::from_cents(100_000)).await;
    let mut process = app.spawn_process(&[
        ("FREE_CONCURRENT_REPLIES", "20"),
        ("FREE_MONTHLY_CREDIT_CENTS", "100000"),
        ("RUST_LOG", "off"),
    ]);
    process.ready().await;
    let browser = app.user().await.at(&process.url);
    let prompt = prompt();
    app.sandbox
        .script(&prompt, json!({ "length_tokens": 1000, "first_token_delay_ms": 0, "gap_ms": 10 }))
        .await;
    let mut replies = join_all((0..20).map(|_| begin_reply(&browser, &prompt))).await;
    for (reply, _) in &mut replies {
        for _ in 0..20 {
            reply.read_event().await;
        }
    }
    process.kill();
    for (reply, _) in &mut replies {
        reply.read_until_cut().await;
    }

    let browser = browser.at(&app.url);
    app.database().execute("update holds set expires_at = now()").await;
    app.state.sweep().await;
    for (reply, id) in &replies {
        let mut again = browser.follow_reply(*id, reply.events.len() as u32).await;
        again.read_to_end().await;
        let (message, error) = again.ended();
        assert_eq!(message.state, Some(ReplyState::Interrupted));
        assert!(error.is_some());
        assert!(message.content.starts_with(&reply.text()), "a word that was shown is lost");
        assert!(message.charged > Some(Nanos::ZERO), "what was used is paid");
    }
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!((quota.credit.held, quota.limits[0].used), (Nanos::ZERO, 0));
}

/// (19, 20)
#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_after_a_sweep_posts_only_the_difference() {
    for tokens in [0, 1, 900] {
        let app = TestApp::with(|config| {
            config.llm.catalog.models[0].prices.input = Nanos(1_000_000);
            config.llm.catalog.models[0].prices.output = Nanos(1_000_000);
        })
        .await;
        let browser = app.user().await;
        let prompt = prompt();
        let mut script = paced("a b c d", 150);
        script["usage"] = json!({ "prompt_tokens": 0, "completion_tokens": tokens });
        app.sandbox.script(&prompt, script).await;
        let (mut reply, _) = begin_reply(&browser, &prompt).await;
        let checkpoint = "update generations set checkpoint_attempt_at = now(),
                checkpoint_route_key = (select min(key) from model_routes);
            update holds set expires_at = now()";
        app.database().execute(checkpoint).await;
        app.state.sweep().await;
        let swept = app.database().number("select charged_nanos from usage_records").await;
        assert!(swept > 0);

        reply.read_to_end().await;
        assert_eq!((reply.state(), reply.text().as_str()), (ReplyState::Finished, "a b c d"));
        let posted = "select -sum(amount_nanos)::bigint from ledger_entries where cause like 'generation:%'";
        assert_eq!(app.database().number(posted).await, tokens);
        assert_eq!(app.database().number("select charged_nanos from usage_records").await, tokens);
        assert_eq!(reply.quota().credit.available, Nanos(500_000_000 - tokens));
        let finished = "select count(*) from generation_attempts where outcome = 'finished'";
        assert_eq!(app.database().number(finished).await, 1, "it takes the place of what the sweep knew");
        assert_eq!(conversation(&browser, &reply).await.messages[1].content, "a b c d");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_to_a_failed_reply_later_is_told_the_same_reason() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    for status in [400, 529] {
        let prompt = prompt();
        app.sandbox.script(&prompt, json!({ "status": status })).await;
        let reply = browser.ask(&prompt).await;
        let mut again = browser.follow_reply(reply.generation_id(), 0).await;
        again.read_to_end().await;
        assert_eq!(again.ended(), reply.ended(), "after {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_answer_can_be_continued() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox
        .script(&prompt, json!({ "text": "one two three", "cut_after_chunks": 1, "first_token_delay_ms": 0 }))
        .await;
    let reply = browser.ask(&prompt).await;
    let answer = reply.ended().0.clone();
    assert_eq!(answer.state, Some(ReplyState::Interrupted));

    let thread = conversation(&browser, &reply).await.thread;
    let request = |kind: &str, message_id: Value| {
        json!({
            "client_request_id": Uuid::now_v7(),
            "target": { "kind": kind, "thread_id": thread.id, "message_id": message_id },
        })
    };
    let mut rest = browser.start_reply(&request("continue", json!(answer.id))).await;
    rest.read_to_end().await;
    assert_eq!(rest.state(), ReplyState::Finished);
    let messages = conversation(&browser, &reply).await.messages;
    assert_eq!(
        messages.iter().map(|message| message.role).collect::<Vec<_>>(),
        [Role::User, Role::Assistant, Role::Assistant]
    );
    assert_eq!(messages[2].parent_id, Some(answer.id));
    let asked = app.sandbox.journal("Continue it exactly where it stopped").await;
    assert!(asked.iter().any(|entry| entry["message_count"] == 3));

    // A whole answer has no rest, and a person's message none either.
    for message_id in [json!(messages[2].id), json!(messages[0].id)] {
        assert_eq!(
            browser.start_reply(&request("continue", message_id)).await.status(),
            StatusCode::NOT_FOUND
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_has_reached_its_limit_can_be_continued() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox
        .script(&prompt, json!({ "length_tokens": 500, "first_token_delay_ms": 0, "gap_ms": 0 }))
        .await;
    let mut request = new_request(&prompt);
    request["max_output_tokens"] = json!(50);
    let mut reply = browser.start_reply(&request).await;
    reply.read_to_end().await;
    let answer = reply.ended().0.clone();
    assert_eq!(answer.state, Some(ReplyState::Limited));

    let request = json!({
        "client_request_id": Uuid::now_v7(),
        "target": { "kind": "continue", "thread_id": reply.thread_id(), "message_id": answer.id },
    });
    let mut rest = browser.start_reply(&request).await;
    rest.read_to_end().await;
    assert_eq!(rest.state(), ReplyState::Finished);
    assert_eq!(rest.ended().0.parent_id, Some(answer.id));
}

/// (15) Text for more than the buffers of all sockets between hold.
#[tokio::test(flavor = "multi_thread")]
async fn readers_who_do_not_read_hold_up_nobody() {
    let app = TestApp::with(|config| {
        let model = &mut config.llm.catalog.models[0];
        (model.max_output_tokens, model.context_tokens) = (800_000, 2_000_000);
        model.prices.output = Nanos(1000);
    })
    .await;
    let (busy, other) = (app.user().await, app.user().await);
    let prompt = prompt();
    let script = json!({
        "length_tokens": 700_000, "chunk_chars": 4000, "first_token_delay_ms": 0, "gap_ms": 0,
    });
    app.sandbox.script(&prompt, script).await;
    let mut request = new_request(&prompt);
    request["max_output_tokens"] = json!(800_000);
    let mut reply = busy.start_reply(&request).await;
    let (id, _) = reply.read_started().await;
    let mut lazy = join_all((0..8).map(|_| busy.follow_reply(id, 0))).await;
    assert_eq!(other.ask(&crate::support::prompt()).await.state(), ReplyState::Finished);
    reply.read_to_end().await;
    assert_eq!(reply.state(), ReplyState::Finished);
    assert!(reply.text().len() > 2_500_000);
    // And a lazy one finds everything when it reads at last.
    lazy[0].read_to_end().await;
    assert!(lazy[0].events == reply.events);
}
