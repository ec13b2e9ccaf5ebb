//! Keys that programs call the API with.

use std::time::Duration;

use app::types::{ApiKey, ApiKeyList, Caller, CreatedApiKey, Nanos};
use futures::future::join_all;
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::admin::seeded::rows_read;
use crate::caps::{app_with, costing, quota, spend};
use crate::support::{Browser, Program, TestApp, completion, prompt, said_then_silent, streamed, until};

async fn create(browser: &Browser, name: &str) -> CreatedApiKey {
    browser.value("api_keys/create_api_key", &[("name", name)]).await
}

async fn list(browser: &Browser) -> ApiKeyList {
    browser.value("api_keys/list_api_keys", &[]).await
}

async fn revoke(browser: &Browser, id: &str) -> u16 {
    browser.call("api_keys/revoke_api_key", &[("id", id)]).await.status().as_u16()
}

/// The form as a browser without JavaScript sends it.
async fn send_form(browser: &Browser, name: &str) -> Response {
    let request = browser.request(Method::POST, "/api-keys").header("accept", "text/html");
    request.form(&[("name", name)]).send().await.expect("an answer")
}

async fn caller(app: &TestApp, secret: &str) -> Option<Caller> {
    app.state.authenticate_key(secret).await.expect("an answer")
}

async fn keys(app: &TestApp) -> i64 {
    app.database().number("select count(*) from api_keys where revoked_at is null").await
}

async fn audit(app: &TestApp) -> Vec<String> {
    let events = "select kind || ' ' || detail from audit_events
        where kind like 'api_key_%' and user_id is not null and account_id is not null order by id";
    app.database().rows(events).await.iter().map(|row| row.get(0)).collect()
}

/// (7)
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_told_once_and_only_its_hash_is_kept() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    let key = create(&browser, " The nightly\n job ").await;
    assert!(key.secret.starts_with("plb_") && key.secret.len() == 53);
    assert_eq!(key.name, "The nightly job");
    let caller = caller(&app, &key.secret).await.expect("it works");
    assert_eq!(caller.user_id.to_string(), app.newest_user().await);

    let listed = list(&browser).await;
    assert_eq!(listed.base_url, app.url.join("v1").expect("an address").as_str());
    assert!(listed.model.is_some());
    let [one] = &listed.keys[..] else { panic!("one key") };
    assert_eq!((one.id, one.name.as_str()), (caller.api_key_id, "The nightly job"));
    assert!(key.secret.ends_with(&one.hint) && one.hint.len() == 4);

    let page = browser.get("/api-keys").await.text().await.expect("a page");
    assert!(page.contains(&format!("plb_…{}", one.hint)) && !page.contains(&key.secret));
    let everywhere = format!(
        "select (select count(*) from api_keys k where position('{0}' in k::text) > 0)
              + (select count(*) from audit_events e where position('{0}' in e::text) > 0)",
        key.secret
    );
    assert_eq!(app.database().number(&everywhere).await, 0, "only a hash is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_javascript_is_answered_by_the_page_with_the_key() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    let answer = send_form(&browser, "Laptop").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers().get(LOCATION), None, "an address could be read by others");
    assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
    let page = answer.text().await.expect("a page");
    let secret = page.split("data-testid=\"new-key-secret\">").nth(1).and_then(|rest| rest.split('<').next());
    let secret = secret.expect("the key");
    assert!(caller(&app, secret).await.is_some(), "{secret}");
    assert!(page.contains("data-testid=\"key-row\""), "it is among the others");
    assert!(!browser.get("/api-keys").await.text().await.expect("a page").contains(secret), "this once");

    let page = send_form(&browser, " ").await.text().await.expect("a page");
    assert!(page.contains("Give the key a name"), "{page}");
    let refused = send_form(&app.browser(), "Laptop").await;
    assert_eq!(refused.headers()[LOCATION], "/sign-in?return_to=/api-keys", "nobody is signed in");
    assert_eq!(keys(&app).await, 1);
}

/// (7)
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_from_then_on() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let (lost, kept) = (create(&browser, "Lost").await, create(&browser, "Kept").await);
    let listed = list(&browser).await.keys;
    assert_eq!(listed.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["Kept", "Lost"]);
    let id = listed[1].id.to_string();
    assert_eq!(revoke(&browser, &id).await, 200);
    assert_eq!(caller(&app, &lost.secret).await, None);
    assert!(caller(&app, &kept.secret).await.is_some());
    assert_eq!(list(&browser).await.keys.len(), 1);
    assert_eq!((revoke(&browser, &id).await, audit(&app).await.len()), (200, 3), "twice is as good as once");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_key_cannot_be_seen_or_revoked() {
    let app = TestApp::start().await;
    let (owner, stranger) = (app.user().await, app.user().await);
    let key = create(&owner, "Mine").await;
    let id = list(&owner).await.keys[0].id.to_string();
    assert!(list(&stranger).await.keys.is_empty());
    assert_eq!(revoke(&stranger, &id).await, 404);
    assert_eq!(revoke(&stranger, "0190a0b0-0000-7000-8000-00000000ffff").await, 404, "like a missing one");
    assert_eq!(revoke(&app.browser(), &id).await, 401);
    assert!(caller(&app, &key.secret).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_twenty_keys_at_most_however_they_are_made() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let calls = (0..23).map(|_| browser.call("api_keys/create_api_key", &[("name", "One of many")]));
    let statuses: Vec<_> = join_all(calls).await.iter().map(|answer| answer.status().as_u16()).collect();
    let count = |status| statuses.iter().filter(|known| **known == status).count();
    assert_eq!((count(200), count(400)), (20, 3));
    let (_, error) = browser.error("api_keys/create_api_key", &[("name", "Another")]).await;
    assert_eq!(error["message"], "You have 20 API keys, which is the most. Revoke one to make another.");

    create(&app.user().await, "Somebody else's").await;
    let id = list(&browser).await.keys[0].id.to_string();
    assert_eq!(revoke(&browser, &id).await, 200);
    create(&browser, "In its place").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_needed_and_not_endless() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    for name in ["", " \t", &"x".repeat(81)] {
        let (status, error) = browser.error("api_keys/create_api_key", &[("name", name)]).await;
        assert_eq!((status, &error["type"]), (400, &json!("invalid")), "{name:?}");
    }
    assert_eq!(keys(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_made_or_revoked_without_its_row_in_the_audit_log() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let key = create(&browser, "A name of my own").await;
    let listed = list(&browser).await.keys;
    let (id, hint) = (listed[0].id.to_string(), &listed[0].hint);
    app.database().refuse_audit_events().await;
    assert_eq!(browser.call("api_keys/create_api_key", &[("name", "Another")]).await.status(), 500);
    assert_eq!((revoke(&browser, &id).await, keys(&app).await), (500, 1));
    assert!(caller(&app, &key.secret).await.is_some());

    app.database().execute("drop trigger fails on audit_events").await;
    assert_eq!(revoke(&browser, &id).await, 200);
    let told = [format!("api_key_created plb_…{hint}"), format!("api_key_revoked plb_…{hint}")];
    assert_eq!(audit(&app).await, told, "and not what the person calls it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_visits_sees_that_there_are_keys_and_changes_none() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let person = app.newest_user().await;
    create(&somebody, "A name of my own").await;
    let mut operator = app.operator().await;
    let fields = [("id", person.as_str()), ("reason", "their key is refused")];
    assert_eq!(operator.call("admin/people/begin_visit", &fields).await.status(), 200);

    let listed = list(&operator).await.keys;
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, "Hidden from operators"));
    let page = operator.get("/api-keys").await.text().await.expect("a page");
    assert!(page.contains("data-testid=\"key-row\"") && !page.contains("A name of my own"));
    let made = operator.error("api_keys/create_api_key", &[("name", "Mine")]).await;
    assert_eq!((made.0, &made.1["type"]), (403, &json!("read_only")));
    let page = send_form(&operator, "Mine").await.text().await.expect("a page");
    assert!(page.contains("nothing can be changed") && !page.contains("data-testid=\"new-key\""));
    assert_eq!((revoke(&operator, &listed[0].id.to_string()).await, keys(&app).await), (403, 1));
}

/// (7)
#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_a_typo_is_refused_without_asking_the_database() {
    let app = TestApp::start().await;
    let key = create(&app.user().await, "Laptop").await;
    let alone = app.another_state(|config| {
        config.database.url = "postgres://nobody@127.0.0.1:9/nowhere".to_owned().into();
        config.database.pool_wait = Duration::from_millis(100);
    });
    let last = if key.secret.ends_with('x') { "y" } else { "x" };
    let typo = format!("{}{last}", &key.secret[..key.secret.len() - 1]);
    for wrong in [typo.as_str(), "", "plb_", "sk-something", &key.secret[4..]] {
        assert_eq!(alone.authenticate_key(wrong).await.expect("an answer"), None, "{wrong}");
    }
    assert!(alone.authenticate_key(&key.secret).await.is_err(), "this one would have been looked up");
}

/// Whoever revokes a key has its row locked, and so has another call with it.
#[tokio::test(flavor = "multi_thread")]
async fn its_use_is_noted_once_a_minute_and_never_waited_for() {
    let app = TestApp::start().await;
    let (browser, database) = (app.user().await, app.database());
    let key = create(&browser, "Busy").await;
    let used = async || {
        let rows = database.rows("select last_used_at::text from api_keys").await;
        rows[0].get::<_, Option<String>>(0)
    };
    assert_eq!(used().await, None);
    assert!(caller(&app, &key.secret).await.is_some());
    let first = used().await;
    assert!(first.is_some() && list(&browser).await.keys[0].last_used_at.is_some());
    assert!(caller(&app, &key.secret).await.is_some());
    assert_eq!(used().await, first, "not again within a minute");

    let age = "update api_keys set last_used_at = now() - interval '2 minutes'";
    database.execute(age).await;
    let before = used().await;
    database.execute("begin; select from api_keys for update").await;
    assert!(caller(&app, &key.secret).await.is_some());
    database.execute("commit").await;
    assert_eq!(used().await, before, "not noted this time");
    assert!(caller(&app, &key.secret).await.is_some());
    assert_ne!(used().await, before, "but the next");
}

/// A token costs a cent, and a key may cost so much.
async fn capped(cap: &str) -> (TestApp, Browser, Program) {
    let app = app_with(|_| {}).await;
    let browser = app.user().await;
    let fields = [("name", "nightly report"), ("cap", cap)];
    let key: CreatedApiKey = browser.value("api_keys/create_api_key", &fields).await;
    let program = app.program(&browser).await.with_key(&key.secret);
    (app, browser, program)
}

/// The answer to a request that costs so many cents and may cost no more.
async fn ask(app: &TestApp, program: &Program, cents: u32) -> Response {
    let mut request = completion(&costing(app, cents).await);
    request["max_tokens"] = json!(cents);
    program.complete(&request).await
}

async fn set_cap(browser: &Browser, key: &ApiKey, amount: &str) -> u16 {
    let fields = [("thread_id", &*key.id.to_string()), ("amount", amount), ("is_hard", "false")];
    browser.call("caps/set_cap", &fields).await.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_refused_once_its_cap_is_used_up_and_its_account_goes_on() {
    let (app, browser, program) = capped("0.10").await;
    assert_eq!(ask(&app, &program, 8).await.status(), StatusCode::OK);
    let refused = ask(&app, &program, 3).await;
    assert_eq!(refused.status(), StatusCode::PAYMENT_REQUIRED);
    let error: Value = refused.json().await.expect("JSON");
    assert_eq!(error["error"]["code"], "insufficient_quota");
    assert_eq!(
        error["error"]["message"],
        "This key's cap of $0.10 is used up but for $0.02, which is too little for an answer. To go on, raise it on the \
         page “API keys”."
    );
    spend(&app, &browser, 20).await;
    let other = app.program(&browser).await;
    assert_eq!(ask(&app, &other, 20).await.status(), StatusCode::OK, "another key has no cap");

    let listed = list(&browser).await.keys;
    let key = listed.iter().find(|key| key.cap.is_some()).expect("the capped one");
    assert_eq!((key.used, key.cap), (Nanos::from_cents(8), Some(Nanos::from_cents(10))));
    assert!(quota(&browser).await.caps.is_empty(), "it is no cap of a conversation");

    assert_eq!(set_cap(&browser, key, "0.11").await, 200);
    assert_eq!(ask(&app, &program, 3).await.status(), StatusCode::OK);
    assert_eq!(ask(&app, &program, 1).await.status(), StatusCode::PAYMENT_REQUIRED, "it always refuses");
    let fields = [("thread_id", &*key.id.to_string())];
    assert_eq!(browser.call("caps/remove_cap", &fields).await.status(), 200);
    assert_eq!(ask(&app, &program, 30).await.status(), StatusCode::OK);
    let used: Vec<_> = list(&browser).await.keys.iter().map(|key| (key.used, key.cap)).collect();
    assert_eq!(used, [20, 0, 41].map(|cents| (Nanos::from_cents(cents), None)), "the newest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_requests_at_once_of_a_key_with_room_for_three_are_three_answers() {
    let (app, _, program) = capped("3.00").await;
    let prompt = prompt();
    app.sandbox.script(&prompt, said_then_silent()).await;
    let mut request = streamed(&prompt);
    request["max_tokens"] = json!(100);
    let answers = join_all((0..20).map(|_| program.complete(&request))).await;
    let (admitted, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status() == StatusCode::OK);
    assert_eq!((admitted.len(), refused.len()), (3, 17));
    for answer in refused {
        let error: Value = answer.json().await.expect("JSON");
        let message = error["error"]["message"].as_str().expect("a message").to_owned();
        assert!(message.contains("is taken up; $3.00 is held by answers in progress."), "{message}");
    }
    // Whoever leaves stops the answer.
    drop(admitted);
    let held = "select count(*) from holds where state = 'pending'";
    until(async || app.database().number(held).await == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_of_a_key_costs_no_more_to_check_the_more_it_was_used() {
    const ANSWERS: i64 = 40;
    let (app, _, program) = capped("90").await;
    for _ in 0..ANSWERS {
        assert_eq!(ask(&app, &program, 1).await.status(), StatusCode::OK);
    }
    let before = rows_read(&app).await["usage_records"];
    assert_eq!(ask(&app, &program, 1).await.status(), StatusCode::OK);
    let read = rows_read(&app).await["usage_records"] - before;
    assert!(read < ANSWERS, "one more answer read {read} receipts");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_cap_a_key_and_what_is_no_amount_makes_none() {
    let (app, browser, _) = capped(" ").await;
    let key = list(&browser).await.keys.pop().expect("a key");
    assert_eq!(key.cap, None, "left blank");
    assert_eq!(set_cap(&app.user().await, &key, "5").await, 404);
    for (cap, words) in [("a lot", "such as 5 or 2.50"), ("0", "more than $0.00")] {
        let (status, error) =
            browser.error("api_keys/create_api_key", &[("name", "Another"), ("cap", cap)]).await;
        let message = error["message"].as_str().expect("a message");
        assert_eq!((status, message.contains(words)), (400, true), "{message}");
    }
    assert_eq!(keys(&app).await, 2);
}
