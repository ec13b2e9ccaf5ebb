//! A replay of what was used against other limits.

use crate::support::{TestApp, prompt};

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_says_who_would_have_been_stopped_and_by_what() {
    let app = TestApp::start().await;
    let (often, once) = (app.user().await, app.user().await);
    for _ in 0..3 {
        often.ask(&prompt()).await;
    }
    once.ask(&prompt()).await;
    let account: String = app
        .database()
        .rows("select account_id::text from generations group by 1 order by count(*) desc limit 1")
        .await[0]
        .get(0);

    let simulate = app
        .command()
        .args(["simulate", "--plan", "free", "--requests-per-day", "1", "--since", "2020-01-01"])
        .output()
        .expect("it runs");
    let text = String::from_utf8(simulate.stdout).expect("text");
    assert!(simulate.status.success(), "{text}");
    let limits =
        "5 concurrent replies, 50 requests per minute, 1 requests per day, 100000000 tokens per minute";
    assert!(text.contains(limits), "{text}");
    assert!(text.contains("knows only requests that were admitted"), "{text}");
    assert!(text.contains("Stopped at least once: 1 of 2 accounts, 1 people"), "{text}");
    assert!(text.contains("Refused: 2 of 4 requests, 50.0 %"), "{text}");
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).expect(start);
    assert!(line("  by requests per day").contains("2"), "{text}");
    assert!(line(&account).ends_with("66.7 %"), "{text}");
    let charged = app.database().number("select sum(charged_nanos)::bigint from usage_records").await;
    assert!(line("as it was").contains(&app::types::Nanos(charged).to_string()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_plan_and_a_period_of_nothing_are_clear_errors() {
    let app = TestApp::start().await;
    let error = |arguments: &[&str]| {
        let output = app.command().arg("simulate").args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("text")
    };
    let unknown = error(&["--plan", "gold", "--since", "2026-01-01"]);
    assert_eq!(unknown, "plumbline: there is no plan gold; there is: free, pro, max\n");
    let nothing = error(&["--since", "2026-01-02", "--until", "2026-01-02"]);
    assert_eq!(nothing, "plumbline: --since must come before --until\n");
}
