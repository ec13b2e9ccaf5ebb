//! What stands between a request and its reply: how much it sets aside, and its turn among those of its account.

use app::types::{AccountId, LimitName, Nanos, ReplyRequest, ReplyState};
use app::{ApiError, api::ReplyStream};
use futures::FutureExt;
use futures::future::select_all;
use http::StatusCode;
use serde_json::json;
use server::config::{Config, Env, PlansConfig};
use server::{AppError, AppResult, GenerationService};
use tokio::task::JoinHandle;

use crate::broken_off::LONG;
use crate::support::{TestApp, cheap, new_request, prompt, quick, silent, start_all, stop_all};

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
