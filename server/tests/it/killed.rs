//! Processes that are killed in the middle of a reply, for real: nothing of theirs runs any more, and nothing is undone.

use http::StatusCode;

use crate::broken_off::{CHARGE, outcome, read_to_end, short_request, start};
use crate::support::{Fault, Proxy, TestApp};

/// Further than any reply goes, counted in messages to PostgreSQL.
const MOST_MESSAGES: usize = 24;

/// `variable` leads the process to the service.
async fn kill_at_each_step(app: &TestApp, variable: &str, messages: impl Iterator<Item = usize>) {
    let url = app.env.iter().find(|(name, _)| name == variable).expect("set").1.clone();
    let person = app.user().await;
    let mut next = app.spawn_process(&[]);
    next.ready().await;
    for n in messages {
        let proxy = Proxy::start().await;
        let mut process = app.spawn_process(&[(variable, &proxy.before(&url))]);
        process.ready().await;
        let (browser, request) = (person.at(&process.url), short_request(app).await);
        proxy.break_at(n, Fault::Stall);
        tokio::select! {
            () = proxy.broken() => {}
            _ = read_to_end(&browser, &request) => {}
        }
        process.kill();
        proxy.cut();

        let (replies, charged) = outcome(app, &request).await;
        assert!(replies <= 1 && charged <= CHARGE, "{variable} {n}: {replies} replies, {charged} charged");
        app.database().assert_consistent().await;
        // As a browser does when its server has gone: another process serves the same request, for no second charge.
        let status = read_to_end(&person.at(&next.url), &request).await;
        assert_eq!(status, StatusCode::OK, "{variable} {n}");
        let expected = if replies == 1 { charged } else { CHARGE };
        assert_eq!(outcome(app, &request).await, (1, expected), "{variable} {n}");
    }
}

/// (21) While it waits for the answer to its `n`-th statement, for a sample of `n`: those of its own background are counted
/// with the reply's, so the step is another one each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_at_a_statement_of_a_reply_leaves_right_books_to_the_next_one() {
    let app = start().await;
    read_to_end(&app.user().await, &short_request(&app).await).await;
    kill_at_each_step(&app, "DATABASE_URL", (1..=MOST_MESSAGES).step_by(3)).await;
}

/// (21) The same at a command for Redis.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_at_a_command_for_redis_leaves_right_books_to_the_next_one() {
    let app = start().await;
    read_to_end(&app.user().await, &short_request(&app).await).await;
    kill_at_each_step(&app, "REDIS_URL", (1..=MOST_MESSAGES).step_by(4)).await;
}
