//! What becomes of replies whose process is told to stop.

use std::time::Duration;

use app::types::{ChatEventKind, Nanos, Quota, ReplyState};
use futures::future::join_all;
use http::StatusCode;
use serde_json::json;

use crate::support::{Browser, Reply, ServerProcess, TestApp, new_request, prompt, read_all};

const GRACE: Duration = Duration::from_secs(8);

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

    /// Asks again and again; the process must say itself that it stops.
    async fn wait_until_unready(&self) {
        let url = self.process.url.join("health/ready").expect("a path");
        let is_ready =
            async || reqwest::get(url.clone()).await.expect("it still answers").status().is_success();
        while is_ready().await {}
    }

    /// Four readers leave for another server in mid-answer, the others read to the end where they are.
    async fn read_all(&mut self) {
        let elsewhere = self.browser.at(&self.app.url);
        for reply in &mut self.replies[..4] {
            *reply = go_on_at(&elsewhere, reply).await;
        }
        read_all(&mut self.replies).await;
    }

    async fn assert_ended_well(mut self) {
        for (n, reply) in self.replies.iter().enumerate() {
            let expected = if n % 2 == 0 { ReplyState::Finished } else { ReplyState::Interrupted };
            let (message, error) = reply.ended();
            assert_eq!((reply.state(), error.is_some()), (expected, n % 2 == 1), "reply {n}");
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
    drain.wait_until_unready().await;
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
    drain.wait_until_unready().await;
    drain.read_a_word_of_each().await;
    drain.app.database().execute("rollback").await;
    drain.replies.push(waiting.await.expect("no panic"));
    drain.read_all().await;
    drain.assert_ended_well().await;
}
