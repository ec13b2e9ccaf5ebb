//! What stands between a request and its reply: how much it sets aside, its turn among those of its account, and how often
//! it counts.

use app::types::{AccountId, LimitName, Nanos, Quota, ReplyRequest, ReplyState};
use app::{ApiError, api::ReplyStream};
use futures::FutureExt;
use futures::future::select_all;
use http::StatusCode;
use serde_json::json;
use server::config::{Config, Env, PlansConfig};
use server::{AppError, AppResult, GenerationService};
use tokio::task::JoinHandle;

use crate::broken_off::LONG;
use crate::programs::send_again;
use crate::support::{
    Browser, Program, TestApp, cheap, completion, new_request, prompt, quick, said_then_silent, silent,
    start_all, stop_all, streamed, until,
};

/// The limits of everybody who changes none, and a model that may write so much.
fn as_it_comes(config: &mut Config, max_output_tokens: u32) {
    config.plans = PlansConfig::from_env(&Env::default()).expect("the plans that come along");
    let model = &mut config.llm.catalog.models[0];
    (model.context_tokens, model.max_output_tokens) = (200_000, max_output_tokens);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_without_a_length_hold_little_of_the_credit_also_with_the_dearest_model() {
    let app = TestApp::with(|config| {
        as_it_comes(config, 32_000);
        config.llm.catalog.models[0].prices.output = Nanos(15_000_000_000);
    })
    .await;
    let (browser, silence, long) = (app.user().await, prompt(), prompt());
    app.sandbox.script(&silence, silent()).await;
    let tabs = [new_request(&silence), new_request(&silence)];
    let (mut admitted, refused) = start_all(&browser, &tabs).await;
    assert_eq!((admitted.len(), refused.len()), (2, 0));
    stop_all(&browser, &mut admitted).await;

    app.sandbox.script(&long, json!({ "length_tokens": 5000, "gap_ms": 0, "first_token_delay_ms": 0 })).await;
    assert_eq!(browser.ask(&long).await.state(), ReplyState::Limited, "it can be continued");
    assert_eq!(app.sandbox.journal(&long).await[0]["max_tokens"], 4096);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_one_after_the_other_fit_the_minute_by_what_they_use() {
    let app = TestApp::with(|config| as_it_comes(config, 16_000)).await;
    let (browser, prompt) = (app.user().await, prompt());
    let usage = json!({ "prompt_tokens": 500, "completion_tokens": 4000 });
    app.sandbox.script(&prompt, json!({ "text": "Yes.", "usage": usage, "gap_ms": 0 })).await;
    for _ in 0..4 {
        assert_eq!(browser.ask(&prompt).await.state(), ReplyState::Finished);
    }
}

/// Somebody whose first request waits in the middle of its claim, until [`Line::release`].
struct Line {
    app: TestApp,
    account_id: AccountId,
    prompt: String,
    first: JoinHandle<AppResult<ReplyStream>>,
}

impl Line {
    async fn form() -> Self {
        let app = TestApp::with(cheap).await;
        app.user().await;
        let id: String = app.database().rows("select id::text from accounts").await[0].get(0);
        let (account_id, prompt) = (AccountId(id.parse().expect("a UUID")), prompt());
        app.sandbox.script(&prompt, quick("Yes.")).await;
        app.database().execute("begin; select from accounts for update").await;
        let first = join(app.state.generations(), account_id, &prompt);
        app.database().waits_for_lock().await;
        Self { app, account_id, prompt, first }
    }

    fn join(&self) -> JoinHandle<AppResult<ReplyStream>> {
        join(self.app.state.generations(), self.account_id, &self.prompt)
    }

    async fn release(&self) {
        self.app.database().execute("rollback").await;
    }

    /// How many replies there are once all that was begun has ended.
    async fn replies(self) -> i64 {
        self.first.await.expect("no panic").unwrap_or_else(|error| panic!("the first is refused: {error}"));
        self.app.state.begin_shutdown();
        self.app.state.finish_replies(LONG).await;
        self.app.database().number("select count(*) from generations").await
    }
}

fn request(prompt: &str) -> ReplyRequest {
    serde_json::from_value(new_request(prompt)).expect("a request")
}

fn join(
    generations: &GenerationService,
    account_id: AccountId,
    prompt: &str,
) -> JoinHandle<AppResult<ReplyStream>> {
    let (generations, request) = (generations.clone(), request(prompt));
    tokio::task::spawn(async move { generations.start(account_id, request).await })
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_before_their_turn_has_nothing_claimed() {
    let line = Line::form().await;
    let mut leaving = Box::pin(line.app.state.generations().start(line.account_id, request(&line.prompt)));
    assert!(leaving.as_mut().now_or_never().is_none(), "it waits for its turn");
    drop(leaving);
    let staying = line.join();
    line.release().await;
    assert!(staying.await.expect("no panic").is_ok());
    assert_eq!(line.replies().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_when_the_process_is_told_to_stop_is_sent_to_another_one() {
    let line = Line::form().await;
    let mut waiting = Box::pin(line.app.state.generations().start(line.account_id, request(&line.prompt)));
    assert!(waiting.as_mut().now_or_never().is_none(), "it waits for its turn");
    line.app.state.begin_shutdown();
    line.release().await;
    let refused = waiting.await.err();
    assert!(matches!(refused, Some(AppError::Api(ApiError::Unavailable { .. }))), "{refused:?}");
    assert_eq!(line.replies().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_requests_at_the_same_moment_some_are_refused_instead_of_waiting() {
    const MOST_WAITING: i64 = 128;
    let line = Line::form().await;
    let requests = (0..=MOST_WAITING).map(|_| line.join());
    let (refused, _, waiting) = select_all(requests).await;
    match refused.expect("no panic") {
        Err(AppError::Api(error @ ApiError::LimitReached { .. })) => {
            assert_eq!(error.status(), StatusCode::TOO_MANY_REQUESTS);
            let text = error.to_string();
            assert!(text.contains("128 wait for their turn already"), "{text}");
            let ApiError::LimitReached { limit, .. } = error else { return };
            assert_eq!(limit.name, LimitName::WaitingRequests);
        }
        Err(other) => panic!("refused otherwise: {other}"),
        Ok(_) => panic!("admitted while the account's row is locked"),
    }
    line.release().await;
    for waiting in waiting {
        assert!(waiting.await.expect("no panic").is_ok(), "whoever waits is answered");
    }
    assert_eq!(line.replies().await, 1 + MOST_WAITING);
}

async fn used(browser: &Browser, name: LimitName) -> u32 {
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    quota.limit(name).expect("a limit").used
}

/// Asks, hears the first word and leaves.
async fn leave(app: &TestApp, browser: &Browser, program: &Program, prompt: &str) {
    app.sandbox.script(prompt, said_then_silent()).await;
    let mut left = send_again(program, &streamed(prompt)).await;
    left.chunk().await.expect("the first word");
    drop(left);
    until(async || used(browser, LimitName::ConcurrentReplies).await == 0).await;
}

/// Whoever sends the same request again and again, and leaves each time, asks the model each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_again_with_its_key_and_answered_anew_counts_anew() {
    let app = TestApp::with(|config| config.plans.free.requests_per_minute = 2).await;
    let browser = app.user().await;
    let (program, prompt) = (app.program(&browser).await, prompt());
    leave(&app, &browser, &program, &prompt).await;
    app.sandbox.script(&prompt, json!({ "status": 400 })).await;
    assert_eq!(send_again(&program, &streamed(&prompt)).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(used(&browser, LimitName::RequestsPerMinute).await, 2);
    let refused = send_again(&program, &streamed(&prompt)).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_given_anew_takes_a_place_and_its_tokens_like_any_other() {
    let app = TestApp::with(|config| config.plans.free.concurrent_replies = 1).await;
    let browser = app.user().await;
    let (program, prompt) = (app.program(&browser).await, prompt());
    leave(&app, &browser, &program, &prompt).await;
    let before = used(&browser, LimitName::TokensPerMinute).await;
    let mut answer = send_again(&program, &streamed(&prompt)).await;
    answer.chunk().await.expect("the first word");
    assert!(used(&browser, LimitName::TokensPerMinute).await > before);
    let other = program.complete(&completion(&prompt)).await;
    assert_eq!(other.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(answer);
    until(async || used(&browser, LimitName::ConcurrentReplies).await == 0).await;
}

/// As when a client gives up on one server and turns to another while the first is about to answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_reaches_two_servers_at_the_same_moment_is_one_reply_and_counts_once() {
    let app = TestApp::with(cheap).await;
    let (browser, prompt) = (app.user().await, prompt());
    let elsewhere = browser.at(&app.another_server().await);
    app.sandbox.script(&prompt, quick("Once.")).await;
    let (database, request) = (app.database(), new_request(&prompt));
    database.execute("begin; select from accounts for update").await;
    let claimed_together = async {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() \
                       and wait_event_type = 'Lock'";
        until(async || {
            database.execute("select pg_stat_clear_snapshot()").await;
            database.number(waiting).await == 2
        })
        .await;
        database.execute("rollback").await;
    };
    let (mut reply, mut same, ()) =
        tokio::join!(browser.start_reply(&request), elsewhere.start_reply(&request), claimed_together);
    for reply in [&mut reply, &mut same] {
        assert_eq!(reply.status(), StatusCode::OK);
        reply.read_to_end().await;
    }
    assert_eq!(reply.generation_id(), same.generation_id());
    assert_eq!(app.sandbox.journal(&prompt).await.len(), 1);
    assert_eq!(used(&browser, LimitName::RequestsPerMinute).await, 1);
    until(async || used(&browser, LimitName::ConcurrentReplies).await == 0).await;
}
