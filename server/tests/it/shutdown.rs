//! What becomes of replies whose process is told to stop.

use std::time::Duration;

use app::types::{ChatEventKind, Nanos, Quota, ReplyState};
use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{
    Browser, Program, Reply, ServerProcess, TestApp, begin_reply, completion, frames, new_request, prompt,
    read_all, said_then_silent, silent, start_silent, streamed, until,
};

const GRACE: Duration = Duration::from_secs(8);

/// How many readers go on at another server.
const LEAVING: usize = 4;

/// Twenty replies written by a process of its own; the even ones end within the grace, the odd ones do not.
struct Drain {
    app: TestApp,
    process: ServerProcess,
    browser: Browser,
    replies: Vec<Reply>,
}

impl Drain {
    async fn begin(variables: &[(&str, &str)]) -> Self {
        let app = TestApp::with(|config| config.plans.free.monthly_credit = Nanos::from_cents(100_000)).await;
        let grace = GRACE.as_secs().to_string();
        let usual = [
            ("SHUTDOWN_GRACE_SECONDS", grace.as_str()),
            ("FREE_CONCURRENT_REPLIES", "30"),
            ("FREE_MONTHLY_CREDIT_CENTS", "100000"),
            ("RUST_LOG", "off"),
        ];
        let mut process = app.spawn_process(&[&usual, variables].concat());
        process.ready().await;
        let browser = app.user().await.at(&process.url);
        let (short, endless) = (prompt(), prompt());
        for (prompt, length) in [(&short, 25), (&endless, 2000)] {
            let script = json!({ "length_tokens": length, "first_token_delay_ms": 0, "gap_ms": 100 });
            app.sandbox.script(prompt, script).await;
        }
        let start = async |prompt: &String| browser.start_reply(&new_request(prompt)).await;
        let replies = join_all([&short, &endless].into_iter().cycle().take(20).map(start)).await;
        let mut drain = Self { app, process, browser, replies };
        drain.read_a_word_of_each().await;
        drain
    }

    async fn read_a_word_of_each(&mut self) {
        for reply in &mut self.replies {
            while !matches!(reply.read_event().await.expect("it goes on").kind, ChatEventKind::Text { .. }) {}
        }
    }

    /// Some readers leave for another server in mid-answer, the others read to the end where they are.
    async fn read_all(&mut self) {
        let elsewhere = self.browser.at(&self.app.url);
        for reply in &mut self.replies[..LEAVING] {
            *reply = go_on_at(&elsewhere, reply).await;
        }
        read_all(&mut self.replies).await;
    }

    async fn assert_ended_well(mut self) {
        for (n, reply) in self.replies.iter().enumerate() {
            let expected = if n % 2 == 0 { ReplyState::Finished } else { ReplyState::Interrupted };
            let (message, error) = reply.ended();
            assert_eq!((reply.state(), error.is_some()), (expected, n % 2 == 1), "reply {n}");
            let stays = (LEAVING..20).contains(&n) && expected == ReplyState::Interrupted;
            assert!(reply.is_draining || !stays, "who stays with reply {n} is told");
            // Who comes to another server after the end is told it whole.
            assert!(message.content.starts_with(reply.text().trim_end()), "reply {n} keeps what was shown");
            let seqs: Vec<_> = reply.events.iter().map(|event| event.seq).collect();
            assert_eq!(
                seqs,
                (1..=seqs.len() as u32).collect::<Vec<_>>(),
                "reply {n} has no gap and no repeat"
            );
        }
        assert!(self.process.exit_status().success());

        let browser = self.browser.at(&self.app.url);
        let quota: Quota = browser.value("quota/read_quota", &[]).await;
        assert_eq!((quota.credit.held, quota.limits[0].used), (Nanos::ZERO, 0));
        for reply in &self.replies {
            let mut again = browser.follow_reply(reply.generation_id(), 0).await;
            again.read_to_end().await;
            assert_eq!(again.ended(), reply.ended());
        }
    }
}

/// As a browser does whose connection is gone: from the last event it has seen.
async fn go_on_at(browser: &Browser, reply: &Reply) -> Reply {
    let mut rest = browser.follow_reply(reply.generation_id(), reply.events.len() as u32).await;
    rest.events.clone_from(&reply.events);
    rest
}

/// (40) Twenty live replies, four of them read on by another process.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_told_to_stop_lets_replies_finish_and_ends_the_rest_by_the_deadline() {
    let mut drain = Drain::begin(&[]).await;
    drain.process.terminate();
    drain.process.unready().await;
    drain.read_a_word_of_each().await;
    let refused = drain.browser.start_reply(&new_request(&prompt())).await;
    assert_eq!((refused.status(), refused.header("connection")), (StatusCode::SERVICE_UNAVAILABLE, "close"));
    drain.read_all().await;
    drain.assert_ended_well().await;
}

/// (40) The same while no connection to the database is free.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_every_connection_in_use_ends_its_replies_all_the_same() {
    let mut drain = Drain::begin(&[("DATABASE_POOL_SIZE", "1")]).await;
    let database = drain.app.database();
    database.execute("begin; select from accounts for update").await;
    // It waits for its account with the only connection.
    let waiting = tokio::task::spawn({
        let browser = drain.browser.clone();
        async move { browser.start_reply(&new_request(&prompt())).await }
    });
    database.waits_for_lock().await;
    drain.process.terminate();
    drain.process.unready().await;
    drain.read_a_word_of_each().await;
    drain.app.database().execute("rollback").await;
    drain.replies.push(waiting.await.expect("no panic"));
    drain.read_all().await;
    drain.assert_ended_well().await;
}

/// (40)
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_says_nothing_until_the_process_ends_costs_nothing() {
    let app = TestApp::start().await;
    let mut process = app.spawn_process(&[("SHUTDOWN_GRACE_SECONDS", "1"), ("RUST_LOG", "off")]);
    process.ready().await;
    let browser = app.user().await.at(&process.url);
    let mut reply = start_silent(&app, &browser).await;
    process.terminate();
    reply.read_to_end().await;
    assert!(process.exit_status().success());
    assert_eq!(reply.state(), ReplyState::Interrupted);
    let charged = "select coalesce(sum(charged_nanos), 0)::bigint from usage_records";
    assert_eq!(app.database().number(charged).await, 0);
}

/// (40) It would not wait for a reply that it does not write, so its readers would be cut off at its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_told_to_stop_sends_readers_of_others_replies_elsewhere() {
    let app = TestApp::start().await;
    let mut process = app.spawn_process(&[("RUST_LOG", "off")]);
    process.ready().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, said_then_silent()).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    let mut following = browser.at(&process.url).follow_reply(id, 0).await;
    following.read_event().await;
    following.read_event().await;
    process.terminate();
    following.read_to_end().await;
    assert_eq!(following.events, reply.events);

    let mut rest = go_on_at(&browser, &following).await;
    browser.value::<()>("chat/stop_reply", &[("id", &id.to_string())]).await;
    rest.read_to_end().await;
    reply.read_to_end().await;
    assert_eq!(rest.events, reply.events);
    assert!(process.exit_status().success());
}

/// An answer to a program, asked for until the model has the question.
async fn ask(app: &TestApp, program: &Program, body: Value, prompt: &str) -> JoinHandle<reqwest::Response> {
    let program = program.clone();
    let asking = tokio::task::spawn(async move { program.complete(&body).await });
    until(async || !app.sandbox.journal(prompt).await.is_empty()).await;
    asking
}

/// (40) Programs are told by the last frame, or by a status, whether an answer is whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_told_to_stop_ends_answers_to_programs_whole_or_with_an_error() {
    let app = TestApp::start().await;
    let grace = GRACE.as_secs().to_string();
    let mut process = app.spawn_process(&[("SHUTDOWN_GRACE_SECONDS", &grace), ("RUST_LOG", "off")]);
    process.ready().await;
    let program = app.program(&app.user().await).await.at(&process.url);
    let short = json!({ "length_tokens": 25, "first_token_delay_ms": 0, "gap_ms": 100 });
    let mut answers = Vec::new();
    for (script, body) in [
        (&short, streamed as fn(&str) -> Value),
        (&short, completion),
        (&said_then_silent(), streamed),
        (&silent(), completion),
    ] {
        let prompt = prompt();
        app.sandbox.script(&prompt, script.clone()).await;
        answers.push(ask(&app, &program, body(&prompt), &prompt).await);
    }
    process.terminate();
    process.unready().await;
    let refused = program.complete(&completion(&prompt())).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["connection"], "close");
    assert_eq!(refused.headers()["retry-after"], "2");

    let answers = join_all(answers.into_iter().map(async |answer| {
        let answer = answer.await.expect("no panic");
        (answer.status().as_u16(), answer.text().await.expect("a whole body"))
    }));
    let answers = answers.await;
    let [(_, finished), (_, whole), (_, cut), (_, unsaid)] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!(answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [200, 200, 200, 502]);
    assert_eq!(frames(finished).last(), Some(&"[DONE]"));
    assert!(whole.contains(r#""finish_reason":"stop""#), "{whole}");
    assert!(
        cut.contains("said") && frames(cut).last().is_some_and(|last| last.contains(r#""error""#)),
        "{cut}"
    );
    assert!(!cut.contains("[DONE]") && unsaid.contains(r#""error""#), "{cut} {unsaid}");
    assert!(process.exit_status().success());

    let ended = "select g.state || case when u.charged_nanos > 0 then ' charged' else ' free' end
        from generations g join usage_records u on u.generation_id = g.id order by g.id";
    let ended: Vec<String> = app.database().rows(ended).await.iter().map(|row| row.get(0)).collect();
    assert_eq!(ended, ["finished charged", "finished charged", "interrupted charged", "interrupted free"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_about_to_end_takes_no_new_readers_of_others_replies() {
    let app = TestApp::start().await;
    let (other, state) = app.another_server_and_state(|_| {}).await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, json!({ "text": "a b c d", "gap_ms": 100 })).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    state.begin_shutdown();
    let refused = browser.at(&other).follow_reply(id, 0).await;
    assert_eq!(
        (refused.status(), refused.header("connection"), refused.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "close", "2")
    );
    reply.read_to_end().await;
    let mut saved = browser.at(&other).follow_reply(id, 0).await;
    saved.read_to_end().await;
    assert_eq!(saved.ended(), reply.ended());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_about_to_end_still_hears_at_once_that_a_reply_is_to_stop() {
    let app = TestApp::start().await;
    let other = app.another_server().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, said_then_silent()).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    app.state.begin_shutdown();
    // The hold cannot be renewed, so the column where it stands as well is not read.
    app.database().execute("begin; select from accounts for update").await;
    browser.at(&other).value::<()>("chat/stop_reply", &[("id", &id.to_string())]).await;
    until(async || app.sandbox.journal(&prompt).await[0]["state"] == "client_gone").await;
    app.database().execute("rollback").await;
    reply.read_to_end().await;
    assert_eq!(reply.state(), ReplyState::Stopped);
}
