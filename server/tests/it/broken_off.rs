//! Replies broken off at every step: whatever is lost on the way, the books stay right and nothing is charged twice.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};
use server::build_router;
use server::config::Config;

use crate::support::{Browser, Fault, Proxy, TestApp, ask, cheap, new_request, prompt, to_router};

/// What a reply here costs: by the provider's count, at a nano-dollar a token.
pub const CHARGE: i64 = 700;

/// Far longer than anything here takes.
pub const LONG: Duration = Duration::from_secs(60);

pub async fn start() -> TestApp {
    TestApp::with(cheap).await
}

/// A request for a short answer that costs [`CHARGE`].
pub async fn short_request(app: &TestApp) -> Value {
    let prompt = prompt();
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": CHARGE });
    let script = json!({ "text": "One two.", "gap_ms": 0, "first_token_delay_ms": 0, "usage": usage });
    app.sandbox.script(&prompt, script).await;
    new_request(&prompt)
}

/// What became of a request, once everything that could be swept is swept: how many replies, how much they were charged.
/// None of them is in progress, and none holds any money.
pub async fn outcome(app: &TestApp, request: &Value) -> (i64, i64) {
    let database = app.database();
    database.quiet().await;
    let ids = format!(
        "select id from generations where client_request_id = '{}'",
        request["client_request_id"].as_str().expect("an id")
    );
    database
        .execute(&format!(
            "update holds set expires_at = now() where state = 'pending' and generation_id in ({ids})"
        ))
        .await;
    app.state.sweep().await;
    let number = async |sql: &str| database.number(&format!("{sql} ({ids})")).await;
    assert_eq!(number("select count(*) from holds where state = 'pending' and generation_id in").await, 0);
    assert_eq!(number("select count(*) from generations where state = 'streaming' and id in").await, 0);
    let charged = "select coalesce(sum(charged_nanos), 0)::bigint from usage_records where generation_id in";
    (number("select count(*) from generations where id in").await, number(charged).await)
}

/// Polls at most so often, then drops it where it waits. None: it was dropped.
async fn poll_at_most<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|context| {
        if polls == times {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// (21) The request's future, from admission to the last event read, is dropped at every await point it has: what was
/// begun goes on without it, so there is either no reply or one that is settled.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_dropped_at_any_await_point_leaves_no_reply_or_a_settled_one() {
    let app = start().await;
    let browser = app.user().await;
    let mut settled = 0;
    for polls in 0.. {
        let request = short_request(&app).await;
        let state = app.another_state(|_| {});
        let arriving =
            browser.request(Method::POST, "/api/chat/start_reply").json(&json!({ "request": request }));
        let arriving = to_router(arriving);
        let answer = poll_at_most(polls, ask(build_router(&state), arriving)).await;
        state.begin_shutdown();
        state.finish_replies(LONG).await;

        let (replies, charged) = outcome(&app, &request).await;
        assert_eq!(charged, replies * CHARGE, "dropped after {polls} polls");
        settled += replies;
        if let Some(status) = answer {
            assert_eq!((status, replies), (StatusCode::OK, 1));
            assert!(settled > 1, "none was dropped after its claim");
            break;
        }
    }
    let quota: app::types::Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(quota.limits[0].used, 0, "no place is taken by a reply that is gone");
}

/// (21) A request that is dropped inside a transaction takes its connection with it. Given to the next one, it would
/// carry the open transaction along, and what the next one writes would be lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_dropped_in_a_transaction_leaves_a_clean_pool() {
    let app = start().await;
    let router = build_router(&app.another_state(|config| config.database.pool_size = 1));
    let browser = app.user().await;
    let mut reply = browser.start_reply(&short_request(&app).await).await;
    let (_, thread_id) = reply.read_started().await;
    reply.read_to_end().await;
    for polls in 0.. {
        let read = to_router(browser.request(Method::POST, "/api/quota/read_quota"));
        let answer = poll_at_most(polls, ask(router.clone(), read)).await;

        let title = format!("after {polls} polls");
        let fields = [("id", thread_id.to_string()), ("title", title.clone())];
        let rename = to_router(browser.request(Method::POST, "/api/chat/rename_thread").form(&fields));
        assert_eq!(ask(router.clone(), rename).await, StatusCode::OK, "{title}");
        let renamed = format!("select count(*) from threads where title = '{title}'");
        assert_eq!(app.database().number(&renamed).await, 1, "{title}");
        if answer.is_some() {
            break;
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Service {
    Postgres,
    Redis,
}

impl Service {
    /// Leads a server's connections through the proxy.
    fn lead_through(self, proxy: &Proxy, config: &mut Config) {
        let url = match self {
            Self::Postgres => &mut config.database.url,
            Self::Redis => &mut config.redis.url,
        };
        *url = proxy.before(secrecy::ExposeSecret::expose_secret(url)).into();
    }
}

/// How many messages one reply sends to the service, from the first request of a new server to its end.
async fn messages_of_a_reply(app: &TestApp, service: Service) -> usize {
    let proxy = Proxy::start().await;
    let server = app.doomed_server(|config| service.lead_through(&proxy, config)).await;
    let request = short_request(app).await;
    app.user().await.at(&server.url).start_reply(&request).await.read_to_end().await;
    assert_eq!(outcome(app, &request).await, (1, CHARGE));
    proxy.messages()
}

/// (21) The server is aborted while it waits for the answer to its `n`-th message, for every `n` of a reply: each task is
/// dropped where it is, between any two statements of PostgreSQL or commands of Redis, as by a panic of the runtime.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_aborted_at_any_step_of_a_reply_leaves_right_books() {
    let app = start().await;
    for service in [Service::Postgres, Service::Redis] {
        let person = app.user().await;
        for n in 1..=messages_of_a_reply(&app, service).await {
            let proxy = Proxy::start().await;
            let mut server = app.doomed_server(|config| service.lead_through(&proxy, config)).await;
            let browser = person.at(&server.url);
            let request = short_request(&app).await;
            proxy.break_at(n, Fault::Stall);
            tokio::select! {
                () = proxy.broken() => {}
                _ = read_to_end(&browser, &request) => {}
            }
            server.abort();
            proxy.cut();

            let (replies, charged) = outcome(&app, &request).await;
            assert!(
                replies <= 1 && charged <= CHARGE,
                "{service:?} {n}: {replies} replies, {charged} charged"
            );
        }
    }
}

pub async fn read_to_end(browser: &Browser, request: &Value) -> StatusCode {
    let mut reply = browser.start_reply(request).await;
    if reply.status() == StatusCode::OK {
        reply.read_to_end().await;
    }
    reply.status()
}

/// Asks for a reply over a service that is cut at the `n`-th message and back at once.
async fn ask_over_a_cut(app: &TestApp, service: Service, n: usize, fault: Fault) -> (StatusCode, i64, i64) {
    let proxy = Proxy::start().await;
    let (url, state) = app.another_server_and_state(|config| service.lead_through(&proxy, config)).await;
    let browser = app.user().await.at(&url);
    let request = short_request(app).await;
    proxy.break_at(n, fault);
    let healing = async {
        proxy.broken().await;
        proxy.heal();
        std::future::pending().await
    };
    let status = tokio::select! {
        status = read_to_end(&browser, &request) => status,
        status = healing => status,
    };
    state.begin_shutdown();
    state.finish_replies(LONG).await;
    let (replies, charged) = outcome(app, &request).await;

    // As a browser does that was refused: the same reply, charged no second time.
    assert_eq!(read_to_end(&browser.at(&app.url), &request).await, StatusCode::OK);
    let (replies_in_all, charged_in_all) = outcome(app, &request).await;
    assert_eq!(replies_in_all, 1, "{service:?} {n} {fault:?}");
    assert_eq!(charged_in_all, if replies == 1 { charged } else { CHARGE }, "{service:?} {n} {fault:?}");
    (status, replies, charged)
}

/// (21) Who is answered is charged, once, and who is refused is not, whichever statement is lost, or carried out without
/// our hearing of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_over_a_cut_database_is_charged_once_or_refused_for_free() {
    let app = start().await;
    let messages = messages_of_a_reply(&app, Service::Postgres).await;
    for fault in [Fault::Cut, Fault::CutAnswer] {
        for n in 1..=messages {
            match ask_over_a_cut(&app, Service::Postgres, n, fault).await {
                (StatusCode::OK, replies, charged) => {
                    assert_eq!((replies, charged), (1, CHARGE), "{n} {fault:?}")
                }
                (status, _, charged) => {
                    assert_eq!((status, charged), (StatusCode::SERVICE_UNAVAILABLE, 0), "{n} {fault:?}")
                }
            }
        }
    }
}

/// (21) Redis can go at any moment, and nobody is refused or charged otherwise for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_over_a_cut_redis_is_answered_and_charged_as_ever() {
    let app = start().await;
    let messages = messages_of_a_reply(&app, Service::Redis).await;
    for fault in [Fault::Cut, Fault::CutAnswer] {
        for n in 1..=messages {
            let outcome = ask_over_a_cut(&app, Service::Redis, n, fault).await;
            assert_eq!(outcome, (StatusCode::OK, 1, CHARGE), "{n} {fault:?}");
        }
    }
}
