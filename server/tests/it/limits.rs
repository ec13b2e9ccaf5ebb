//! Tokens a minute, limits by address, and Redis that is slow or forgets.

use std::future::pending;

use app::ApiError;
use app::types::{AccountId, LimitName, Nanos, Plan, Quota, ReplyRequest, ReplyState};
use futures::future::join_all;
use http::StatusCode;
use reqwest::{Method, Response};
use serde_json::json;
use server::Decision;

use crate::broken_off::LONG;
use crate::support::{
    Browser, Fault, Proxy, TestApp, cheap, new_request, prompt, quick, read_all, silent, start_all, stop_all,
    until, with_max_tokens,
};

async fn used(browser: &Browser, name: LimitName) -> u32 {
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    quota.limit(name).expect("a limit").used
}

/// What a reply to this prompt reserves besides its answer.
fn input_tokens(prompt: &str) -> u32 {
    u32::try_from(prompt.len().div_ceil(3)).expect("short")
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_reserved_at_admission_and_only_what_was_used_counts_at_the_end() {
    let app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.monthly_credit = Nanos(1_000_000);
        config.plans.free.tokens_per_minute = 2300;
    })
    .await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, silent()).await;
    let reserved = 700 + input_tokens(&prompt);
    let requests: Vec<_> = (0..20).map(|_| with_max_tokens(&prompt, 700)).collect();

    let (mut admitted, refused) = start_all(&browser, &requests).await;
    assert_eq!((admitted.len(), refused.len()), (3, 17));
    assert_eq!(used(&browser, LimitName::TokensPerMinute).await, 3 * reserved);
    assert_eq!(used(&browser, LimitName::RequestsPerDay).await, 3, "refused requests use nothing");
    for reply in refused {
        assert_eq!(reply.status(), StatusCode::TOO_MANY_REQUESTS);
        let seconds: u32 = reply.header("retry-after").parse().expect("seconds");
        assert!((1..=60).contains(&seconds));
        assert_eq!(reply.header("ratelimit-policy"), "\"tokens\";q=2300;qu=\"tokens\";w=60");
        let error = reply.error().await;
        let (free, held) = (2300 - 3 * reserved, 3 * reserved);
        let text = error.to_string();
        assert!(text.starts_with(&format!("{free} of 2300 tokens a minute are free,")), "{text}");
        assert!(text.contains(&format!("{held} are held by replies in progress.")), "{text}");
        let ApiError::LimitReached { limit, .. } = error else { panic!("another error") };
        assert_eq!((limit.name, limit.remaining, limit.held), (LimitName::TokensPerMinute, free, held));
    }

    stop_all(&browser, &mut admitted).await;
    let left = used(&browser, LimitName::TokensPerMinute).await;
    assert_eq!(left, 3 * input_tokens(&prompt), "nothing was said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_larger_than_the_whole_limit_fits_an_empty_minute_once() {
    let app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.monthly_credit = Nanos(1_000_000);
        config.plans.free.tokens_per_minute = 500;
    })
    .await;
    let (browser, prompt) = (app.user().await, prompt());
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 690 });
    app.sandbox.script(&prompt, json!({ "text": "Yes.", "usage": usage, "gap_ms": 0 })).await;
    let large = with_max_tokens(&prompt, 700);
    for _ in 0..2 {
        let mut reply = browser.start_reply(&large).await;
        assert_eq!(reply.status(), StatusCode::OK, "the same request again is the same reply");
        reply.read_to_end().await;
    }
    assert_eq!(used(&browser, LimitName::TokensPerMinute).await, 699);
    let next = browser.start_reply(&with_max_tokens(&prompt, 1)).await;
    assert_eq!(next.status(), StatusCode::TOO_MANY_REQUESTS);
}

/// (26)
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sessions_from_forged_addresses_share_one_limit() {
    let app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.requests_per_minute = 20;
    })
    .await;
    let browser = app.user().await;
    let sessions = "insert into sessions (id, token_hash, user_id, user_agent, expires_at)
        select gen_random_uuid(), sha256(('session ' || n)::bytea), users.id, 'Firefox', now() + interval '1 day'
        from users, generate_series(1, 1000) n";
    app.database().execute(sessions).await;
    let prompt = prompt();
    app.sandbox.script(&prompt, quick("Yes.")).await;
    let ask = async |number: usize| {
        let mut browser = browser.clone();
        browser.cookies.insert("__Host-session".to_owned(), format!("session {number}"));
        let request = browser.request(Method::POST, "/api/chat/start_reply");
        let address = format!("198.51.{}.{}", number / 250, number % 250);
        let body = json!({ "request": new_request(&prompt) });
        let response =
            request.header("x-forwarded-for", address).json(&body).send().await.expect("an answer");
        let status = response.status();
        response.bytes().await.expect("a body");
        status
    };
    let mut statuses = Vec::new();
    for first in (1..=1000).step_by(50) {
        statuses.extend(join_all((first..first + 50).map(ask)).await);
    }
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((count(StatusCode::OK), count(StatusCode::TOO_MANY_REQUESTS)), (20, 980));
}

async fn get_from(browser: &Browser, path: &str, forwarded_for: &str) -> Response {
    let request = browser.request(Method::GET, path).header("x-forwarded-for", forwarded_for);
    request.send().await.expect("an answer")
}

/// (26)
#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_from_one_address_are_limited_whatever_the_client_says_its_address_is() {
    let app = TestApp::with(|config| config.limits.sign_in_attempts_per_minute = 3).await;
    let mut browser = app.browser();
    for (number, expected) in [303, 303, 303, 429, 429].into_iter().enumerate() {
        let response = get_from(&browser, "/auth/oidc/start", &format!("198.51.100.{number}")).await;
        assert_eq!(response.status(), expected);
    }
    let refused = get_from(&browser, "/auth/github/start", "198.51.100.9").await;
    let seconds: u32 = refused.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=60).contains(&seconds));
    let page = refused.text().await.expect("a page");
    assert!(
        page.contains("tried to sign in from your network") && page.contains("href=\"/sign-in\""),
        "{page}"
    );
    for path in ["/", "/sign-in", "/health/live", "/favicon.svg"] {
        assert_eq!(browser.get(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_on_another_site_uses_up_nobodys_attempts_to_sign_in() {
    let app = TestApp::with(|config| config.limits.sign_in_attempts_per_minute = 1).await;
    let browser = app.browser();
    let load = async |mode: &str| {
        let request = browser.request(Method::GET, "/auth/oidc/start").header("sec-fetch-mode", mode);
        request.send().await.expect("an answer").status()
    };
    for _ in 0..3 {
        assert_eq!(load("no-cors").await, StatusCode::BAD_REQUEST);
    }
    assert_eq!(load("navigate").await, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_and_forms_count_like_calls_and_pages_do_not() {
    let app = TestApp::with(|config| config.limits.account_requests_per_minute = 3).await;
    let mut person = app.user().await;
    for path in ["/account/export.json", "/usage/replies.csv", "/usage/statement.csv"] {
        assert_eq!(person.get(path).await.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(person.get("/usage/replies.csv").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let form = person.request(Method::POST, "/api-keys").form(&[("name", "one more")]);
    assert_eq!(form.send().await.expect("an answer").status(), StatusCode::TOO_MANY_REQUESTS);
    for path in ["/usage", "/api-keys", "/favicon.svg"] {
        assert_eq!(person.get(path).await.status(), StatusCode::OK, "{path}");
    }
}

/// (26)
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_the_address_it_saw_counts() {
    let app = TestApp::with(|config| {
        config.limits.sign_in_attempts_per_minute = 1;
        config.limits.trusted_proxies = 1;
    })
    .await;
    let browser = app.browser();
    for (forwarded_for, expected) in [
        ("198.51.100.1", 303),
        ("6.6.6.6, 198.51.100.1", 429),
        ("198.51.100.1, 198.51.100.2", 303),
        ("2001:db8:0:1::1", 303),
        ("2001:db8:0:1:ffff::2", 429),
        ("2001:db8:0:2::1", 303),
    ] {
        let response = get_from(&browser, "/auth/oidc/start", forwarded_for).await;
        assert_eq!(response.status(), expected, "{forwarded_for}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_calls_are_limited_by_address_and_those_of_people_signed_in_by_account() {
    let app = TestApp::with(|config| {
        config.limits.anonymous_requests_per_minute = 2;
        config.limits.account_requests_per_minute = 5;
    })
    .await;
    let (person, other, visitor) = (app.user().await, app.user().await, app.browser());
    for _ in 0..2 {
        let plans: Vec<Plan> = visitor.value("quota/list_plans", &[]).await;
        assert_eq!(plans[0].key, "free");
    }
    let refused = visitor.call("quota/list_plans", &[]).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    let error: ApiError = refused.json().await.expect("an error");
    assert!(
        matches!(error, ApiError::LimitReached { limit, .. } if limit.name == LimitName::RequestsPerAddress)
    );
    for _ in 0..5 {
        let _: Quota = person.value("quota/read_quota", &[]).await;
    }
    let refused = person.call("quota/read_quota", &[]).await;
    assert!(refused.headers().contains_key("retry-after"));
    let error: ApiError = refused.json().await.expect("an error");
    let ApiError::LimitReached { limit, .. } = error else { panic!("another error") };
    assert_eq!((limit.name, limit.limit, limit.remaining), (LimitName::RequestsPerMinute, 5, 0));
    let form = person.request(Method::POST, "/api/account/sign_out").header("accept", "text/html");
    let page = form.send().await.expect("an answer").text().await.expect("a page");
    assert!(page.contains("<h1>Wait a moment</h1>"), "without JavaScript: {page}");

    assert_eq!(person.ask(&prompt()).await.state(), ReplyState::Finished, "replies have limits of their own");
    let quota: Quota = other.value("quota/read_quota", &[]).await;
    assert_eq!(
        quota.limit(LimitName::RequestsPerMinute).expect("a limit").used,
        0,
        "and the others count none"
    );
}

/// They need no session, and each is looked up.
#[tokio::test(flavor = "multi_thread")]
async fn the_links_in_mails_cannot_be_guessed_without_end() {
    let app = TestApp::with(|config| config.limits.anonymous_requests_per_minute = 2).await;
    let mut stranger = app.browser();
    let unsubscribe = async || {
        let url = app.url.join("/mail/unsubscribe?token=guessed&kind=budget_alert").expect("a URL");
        reqwest::Client::new().post(url).send().await.expect("an answer").status()
    };
    assert_eq!(stranger.get("/mail/preferences?token=guessed").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(unsubscribe().await, StatusCode::NOT_FOUND);
    assert_eq!(unsubscribe().await, StatusCode::TOO_MANY_REQUESTS);
    let refused = stranger.get("/mail/preferences?token=guessed").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let page = refused.text().await.expect("a page");
    assert!(page.contains("came from your network") && page.contains("Go to your account"), "{page}");
}

/// What FLUSHDB does, to the keys of this test alone: the server may be somebody's own.
async fn forget_everything(app: &TestApp) {
    let mut redis = app.redis().await;
    let pattern = format!("{}*", app.setting("REDIS_KEY_PREFIX"));
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await.expect("keys");
    assert!(!keys.is_empty());
    let () = redis::cmd("DEL").arg(keys).query_async(&mut redis).await.expect("deleted");
    let () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut redis).await.expect("forgotten");
}

/// (24)
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_forgets_everything_in_mid_flight_breaks_nothing_and_no_money_is_lost() {
    let app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.monthly_credit = Nanos(1_000_000);
    })
    .await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox
        .script(&prompt, json!({ "text": "a b c", "stall_after_chunks": 1, "usage": "missing" }))
        .await;
    let mut running = browser.start_reply(&new_request(&prompt)).await;
    let (id, _) = running.read_started().await;
    forget_everything(&app).await;

    assert_eq!(browser.ask(&crate::support::prompt()).await.state(), ReplyState::Finished);
    assert!(browser.call("chat/stop_reply", &[("id", &id.to_string())]).await.status().is_success());
    running.read_to_end().await;
    let charged: i64 = app.database().number("select sum(charged_nanos)::bigint from usage_records").await;
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!((quota.credit.held, quota.credit.available), (Nanos(0), Nanos(1_000_000 - charged)));
    assert_eq!(quota.limit(LimitName::RequestsPerMinute).expect("a limit").used, 1, "counted anew");
}

/// (24) What an older dump brings back is the account's windows as they were; whatever is wrong of them, money is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_restored_from_an_old_copy_forgets_requests_but_no_money() {
    let app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.monthly_credit = Nanos(1_000_000);
        config.plans.free.requests_per_minute = 5;
    })
    .await;
    let (browser, prompt) = (app.user().await, prompt());
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 700 });
    app.sandbox.script(&prompt, json!({ "text": "Yes.", "usage": usage, "gap_ms": 0 })).await;
    for _ in 0..2 {
        browser.ask(&prompt).await;
    }
    let mut redis = app.redis().await;
    let pattern = format!("{}account:*", app.setting("REDIS_KEY_PREFIX"));
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await.expect("keys");
    let [key] = keys.as_slice() else { panic!("of one account: {keys:?}") };
    let copy: Vec<u8> = redis::cmd("DUMP").arg(key).query_async(&mut redis).await.expect("a copy");
    for _ in 0..2 {
        browser.ask(&prompt).await;
    }
    let mut restore = redis::cmd("RESTORE");
    let () =
        restore.arg(key).arg(0).arg(copy).arg("REPLACE").query_async(&mut redis).await.expect("restored");

    assert_eq!(used(&browser, LimitName::RequestsPerMinute).await, 2, "as of the copy");
    for _ in 0..3 {
        assert_eq!(browser.ask(&prompt).await.state(), ReplyState::Finished);
    }
    let refused = browser.start_reply(&new_request(&prompt)).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "it counts on from there");
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!((quota.credit.held, quota.credit.available), (Nanos(0), Nanos(1_000_000 - 7 * 700)));
}

/// Admitted or not.
#[tokio::test(flavor = "multi_thread")]
async fn the_limiter_takes_one_round_trip_a_request() {
    let mut app = TestApp::with(|config| {
        cheap(config);
        config.plans.free.requests_per_minute = 10;
    })
    .await;
    app.expect_open_holds();
    app.user().await;
    let proxy = Proxy::start().await;
    let state = app.another_state(|config| {
        config.redis.url = proxy.before(secrecy::ExposeSecret::expose_secret(&config.redis.url)).into();
    });
    let account_id: String = app.database().rows("select id::text from accounts").await[0].get(0);
    let account_id = AccountId(account_id.parse().expect("a UUID"));
    let decide = async || {
        let request: ReplyRequest = serde_json::from_value(new_request("How many?")).expect("a request");
        state.generations().decide(account_id, request, pending()).await.expect("a decision")
    };
    // It connects, and loads the script where it is not known yet.
    decide().await;
    let before = proxy.messages();
    for number in 2..=20 {
        assert_eq!(matches!(decide().await, Decision::Admitted(_)), number <= 10, "request {number}");
    }
    let messages = proxy.messages() - before;
    // Another test may have Redis forget its scripts meanwhile; then it is loaded again.
    assert!((19..=23).contains(&messages), "{messages} for 19 requests");
}

/// (24)
#[tokio::test(flavor = "multi_thread")]
async fn while_redis_does_not_answer_each_process_limits_by_itself_and_it_recovers_without_a_restart() {
    let redis = Proxy::start().await;
    let app = TestApp::with(|config| {
        config.redis.url = redis.before(secrecy::ExposeSecret::expose_secret(&config.redis.url)).into();
        config.plans.free.requests_per_minute = 6;
    })
    .await;
    assert_eq!(app.readiness().await.1["limiter"], "shared");
    let (browser, other) = (app.user().await, app.user().await);
    let unanswered = prompt();
    app.sandbox.script(&unanswered, silent()).await;
    let (mut running, _) = start_all(&other, &[new_request(&unanswered)]).await;
    redis.break_at(1, Fault::Stall);
    let (_, slow) = app.readiness().await;
    assert_eq!((&slow["status"], &slow["limiter"]), (&json!("degraded"), &json!("local")));
    let requests: Vec<_> = (0..6).map(|_| new_request(&prompt())).collect();
    let (mut admitted, refused) = start_all(&browser, &requests).await;
    assert_eq!((admitted.len(), refused.len()), (3, 3), "half of the plan's rate");
    read_all(&mut admitted).await;
    assert!(admitted.iter().all(|reply| reply.state() == ReplyState::Finished));
    stop_all(&other, &mut running).await;

    redis.heal();
    until(async || app.readiness().await.1["limiter"] == "shared").await;
    assert_eq!(browser.ask(&prompt()).await.state(), ReplyState::Finished);
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    assert_eq!(quota.limit(LimitName::RequestsPerMinute).expect("a limit").limit, 6, "the whole plan again");
    assert_eq!(used(&other, LimitName::RequestsPerDay).await, 1, "nothing counts twice");
}

/// (24) Nobody who asks later has to carry it there, and nobody who leaves can lose it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_admitted_and_what_ended_without_redis_is_told_to_it_although_nobody_asks_again() {
    let proxy = Proxy::start().await;
    let app = TestApp::with(|config| {
        cheap(config);
        config.redis.url = proxy.before(secrecy::ExposeSecret::expose_secret(&config.redis.url)).into();
    })
    .await;
    let direct = app.setting("REDIS_URL").to_owned();
    let elsewhere = app.another_server_with(|config| config.redis.url = direct.into()).await;
    let (browser, unanswered, answered) = (app.user().await, prompt(), prompt());
    app.sandbox.script(&unanswered, silent()).await;
    app.sandbox.script(&answered, quick("Yes.")).await;
    let requests: Vec<_> = (0..110).map(|_| new_request(&unanswered)).collect();
    let mut running = Vec::new();
    for requests in requests.chunks(50) {
        running.extend(start_all(&browser, requests).await.0);
    }
    let elsewhere = browser.at(&elsewhere);
    assert_eq!(used(&elsewhere, LimitName::ConcurrentReplies).await, 110);

    proxy.break_at(1, Fault::Stall);
    assert_eq!(app.readiness().await.1["limiter"], "local");
    stop_all(&browser, &mut running).await;
    for _ in 0..3 {
        assert_eq!(browser.ask(&answered).await.state(), ReplyState::Finished);
    }
    proxy.heal();
    let told = async {
        while used(&elsewhere, LimitName::ConcurrentReplies).await > 0
            || used(&elsewhere, LimitName::RequestsPerDay).await < 113
        {}
    };
    tokio::time::timeout(LONG, told).await.expect("it is told");
    assert_eq!(used(&elsewhere, LimitName::RequestsPerDay).await, 113, "each once");
}
