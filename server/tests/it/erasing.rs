//! Downloading all of one's data, and deleting one's account.

use std::collections::HashSet;

use app::types::{CreatedApiKey, ErasureObstacle, ErasureTerms, PeoplePage, Thread, User};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Browser, Shop, TestApp, prompt, quick, start_silent, stop, until};

/// Somebody whose name, address, words and keys all have one word in them that nobody else uses.
struct Somebody {
    browser: Browser,
    word: String,
    user_id: String,
}

impl Somebody {
    async fn sign_in(app: &TestApp) -> Self {
        let word = format!("w{}", Uuid::now_v7().simple());
        let mut browser = app.browser();
        browser.sign_in(&word).await;
        Self { browser, word, user_id: app.newest_user().await }
    }

    /// Asks something, makes a key, and throws a conversation away. The key.
    async fn write(&self, app: &TestApp) -> String {
        for what in ["kept", "thrown away"] {
            let prompt = format!("{} is {what} by {}", Uuid::now_v7(), self.word);
            app.sandbox.script(&prompt, quick(&format!("I see, {}.", self.word))).await;
            self.browser.ask(&prompt).await;
        }
        let threads: Vec<Thread> = self.browser.value("chat/list_threads", &[]).await;
        self.browser.value::<()>("chat/delete_thread", &[("id", &threads[0].id.to_string())]).await;
        let key: CreatedApiKey = self.browser.value("api_keys/create_api_key", &[("name", &self.word)]).await;
        key.secret
    }

    async fn request(&self) -> (u16, Value) {
        self.browser.error("erasure/request_erasure", &[("is_confirmed", "true")]).await
    }

    async fn terms(&self) -> ErasureTerms {
        self.browser.value("erasure/read_erasure", &[]).await
    }

    async fn user(&self) -> Option<User> {
        self.browser.value("account/read_user", &[]).await
    }

    /// Lets the time come.
    async fn come_due(&self, app: &TestApp) {
        let due = format!(
            "update accounts set erase_at = now() - interval '1 minute'
             where id = (select account_id from users where id = '{}')",
            self.user_id
        );
        app.database().execute(&due).await;
    }

    async fn is_erased(&self, app: &TestApp) -> bool {
        let erased = format!(
            "select count(*) from accounts where erased_at is not null
             and id = (select account_id from users where id = '{}')",
            self.user_id
        );
        app.database().number(&erased).await == 1
    }
}

/// The tables with a row that has this word anywhere in it.
async fn found_in(app: &TestApp, word: &str) -> Vec<String> {
    let tables = "select table_name::text from information_schema.tables
        where table_schema = 'public' and table_type = 'BASE TABLE' order by 1";
    let mut found = Vec::new();
    for row in app.database().rows(tables).await {
        let table: String = row.get(0);
        let rows = format!("select count(*) from \"{table}\" x where position('{word}' in x::text) > 0");
        if app.database().number(&rows).await > 0 {
            found.push(table);
        }
    }
    found
}

async fn audit(app: &TestApp) -> Vec<String> {
    let kinds = "select kind from audit_events where kind like '%eras%' order by id";
    app.database().rows(kinds).await.iter().map(|row| row.get(0)).collect()
}

async fn download(browser: &mut Browser) -> Value {
    let file = browser.get("/account/export.json").await;
    assert_eq!(file.status(), StatusCode::OK);
    assert_eq!(file.headers()["content-type"], "application/json");
    assert_eq!(file.headers()["cache-control"], "private, no-store");
    let disposition = file.headers()["content-disposition"].to_str().expect("text").to_owned();
    assert_eq!(disposition, "attachment; filename=\"plumbline-data.json\"");
    file.json().await.expect("a JSON document")
}

fn list<'a>(document: &'a Value, name: &str) -> &'a Vec<Value> {
    document[name].as_array().unwrap_or_else(|| panic!("no {name} in {document}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_download_has_all_that_is_ones_own_and_nothing_of_anybody_else() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let (mut person, other) = (Somebody::sign_in(app).await, Somebody::sign_in(app).await);
    let key = person.write(app).await;
    other.write(app).await;
    shop.subscribe(&person.browser, "pro", "month").await;
    shop.settle().await;
    person.browser.value::<()>("caps/set_cap", &[("amount", "5.00"), ("is_hard", "true")]).await;

    let document = download(&mut person.browser).await;
    let text = document.to_string();
    assert!(!text.contains(&other.word), "{text}");
    assert_eq!(document["people"][0]["name"], person.word.as_str());
    assert_eq!(document["people"][0]["email"], format!("{}@example.test", person.word));
    assert_eq!(document["sign_in_providers"][0]["provider"], "Sandbox");
    let (kept, thrown) = (list(&document, "conversations"), list(&document, "deleted_conversations"));
    assert_eq!((kept.len(), thrown.len()), (1, 2), "with that of the key: {text}");
    let said: usize = kept.iter().chain(thrown).map(|each| list(each, "messages").len()).sum();
    assert_eq!(said, 5, "{text}");
    assert_eq!(text.matches(&format!("I see, {}.", person.word)).count(), 2);
    for (name, count) in [("sessions", 1), ("caps", 1), ("usage", 2), ("invoices", 1), ("api_keys", 1)] {
        assert_eq!(list(&document, name).len(), count, "{name}: {text}");
    }
    assert_eq!(document["invoices"][0]["total_usd"], 20);
    assert_eq!(document["api_keys"][0]["name"], person.word.as_str());
    for name in ["ledger", "notices", "access_log", "subscriptions"] {
        assert!(!list(&document, name).is_empty(), "{name}: {text}");
    }
    for secret in ["\"hash", "\"token", &key] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_conversation_is_downloaded_whole_with_every_version() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    browser.ask(&prompt()).await;
    let many = "insert into messages (id, thread_id, parent_id, role, content)
        select gen_random_uuid(), thread_id, id, 'user', 'version ' || number
        from messages, generate_series(1, 123) number where role = 'assistant'";
    app.database().execute(many).await;
    let document = download(&mut browser).await;
    let messages = list(&document["conversations"][0], "messages");
    let ids: HashSet<_> = messages.iter().map(|message| message["id"].to_string()).collect();
    assert_eq!((messages.len(), ids.len()), (125, 125));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_kept_nothing_gets_a_document_all_the_same_and_visitors_get_none() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    let document = download(&mut browser).await;
    assert_eq!((list(&document, "people").len(), list(&document, "conversations").len()), (1, 0));
    let answer = app.browser().get("/account/export.json").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_on_a_visit_downloads_deletes_and_keeps_nothing() {
    let app = TestApp::start().await;
    let person = Somebody::sign_in(&app).await;
    let mut operator = app.operator().await;
    let fields = [("id", person.user_id.as_str()), ("reason", "they asked how to leave")];
    assert_eq!(operator.call("admin/people/begin_visit", &fields).await.status(), 200);
    let file = operator.get("/account/export.json").await;
    assert_eq!((file.status(), file.headers().get("content-disposition")), (StatusCode::FORBIDDEN, None));
    let confirmed = [("is_confirmed", "true")];
    assert_eq!(operator.error("erasure/request_erasure", &confirmed).await.0, 403);
    assert_eq!(person.request().await.0, 200);
    assert_eq!(operator.error("erasure/withdraw_erasure", &[]).await.0, 403);
    assert!(person.terms().await.is_requested);
    let page = operator.get("/account").await.text().await.expect("a page");
    assert!(
        page.contains("data-testid=\"erasure-banner\"") && !page.contains("data-testid=\"keep-account\"")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_day_comes_every_page_says_so_and_the_account_can_be_kept() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let mut person = Somebody::sign_in(app).await;
    let (status, error) = person.browser.error("erasure/request_erasure", &[]).await;
    assert_eq!((status, &error["type"]), (400, &json!("invalid")), "it is not confirmed");
    assert_eq!(person.user().await.and_then(|user| user.erase_at), None);

    let before = Utc::now();
    assert_eq!(person.request().await.0, 200);
    let erase_at = person.user().await.and_then(|user| user.erase_at).expect("a date");
    let days = (erase_at - before).num_hours();
    assert!((14 * 24 - 1..=14 * 24 + 1).contains(&days), "{erase_at}");
    assert_eq!(person.request().await.0, 200);
    assert_eq!(person.terms().await.erase_at, erase_at, "asking again changes nothing");
    let address = format!("{}@example.test", person.word);
    until(async || !app.sandbox.mails(&address).await.is_empty()).await;
    let mails = app.sandbox.mails(&address).await;
    let subject = format!("Your account will be erased on {}", erase_at.format("%-d %B %Y"));
    assert_eq!((mails.len(), &mails[0]["subject"]), (1, &json!(subject)));
    for page in ["/usage", "/chat"] {
        let page = person.browser.get(page).await.text().await.expect("a page");
        assert!(
            page.contains("data-testid=\"erasure-banner\"") && page.contains("data-testid=\"keep-account\"")
        );
    }
    person.browser.ask(&prompt()).await;
    shop.run_job("erase_accounts").await;
    assert!(!person.is_erased(app).await);

    assert_eq!(person.browser.call("erasure/withdraw_erasure", &[]).await.status(), 200);
    assert_eq!(person.user().await.and_then(|user| user.erase_at), None);
    let page = person.browser.get("/usage").await.text().await.expect("a page");
    assert!(!page.contains("data-testid=\"erasure-banner\""));
    assert_eq!(person.browser.call("erasure/withdraw_erasure", &[]).await.status(), 200);
    assert_eq!(audit(app).await, ["erasure_requested", "erasure_withdrawn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_javascript_asks_keeps_and_is_refused_in_words() {
    let app = TestApp::start().await;
    let person = Somebody::sign_in(&app).await;
    let send = async |function: &str, fields: &[(&str, &str)]| {
        let path = format!("/api/erasure/{function}");
        let request = person.browser.request(reqwest::Method::POST, &path).header("accept", "text/html");
        request
            .header("referer", app.url.join("account/delete").expect("a path").as_str())
            .form(fields)
            .send()
            .await
    };
    let refused = send("request_erasure", &[]).await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::FOUND);
    assert!(!person.terms().await.is_requested);
    let asked = send("request_erasure", &[("is_confirmed", "true")]).await.expect("an answer");
    assert_eq!(
        (asked.status(), &asked.headers()["location"]),
        (StatusCode::FOUND, &"/account".parse().expect("text"))
    );
    assert!(person.terms().await.is_requested);
    send("withdraw_erasure", &[]).await.expect("an answer");
    assert!(!person.terms().await.is_requested);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_goes_on_and_a_suspension_come_first() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let person = Somebody::sign_in(app).await;
    shop.subscribe(&person.browser, "pro", "month").await;
    shop.settle().await;
    let pro = ErasureObstacle::Subscription { plan_name: "Pro".to_owned() };
    assert_eq!(person.terms().await.obstacle.as_ref(), Some(&pro));
    let (status, error) = person.request().await;
    assert_eq!((status, &error["message"]), (400, &json!(pro.to_string())));

    person.browser.value::<()>("billing/cancel_subscription", &[]).await;
    shop.settle().await;
    let rows = app.database().rows("select extract(epoch from ends_at)::bigint from subscriptions").await;
    let ends_at = DateTime::from_timestamp(rows[0].get(0), 0).expect("a time");
    let terms = person.terms().await;
    assert_eq!((terms.obstacle, terms.erase_at), (None, ends_at + TimeDelta::days(2)));

    app.database().execute("update accounts set suspended_at = now()").await;
    assert_eq!(person.terms().await.obstacle, Some(ErasureObstacle::Suspended));
    assert_eq!(person.request().await.0, 400);
    assert_eq!(audit(app).await, Vec::<String>::new());
}

/// The subscription of whoever came last is over at Stripe.
async fn end_subscription(shop: &Shop) {
    let id = &shop.stripe.list("subscriptions").await[0]["id"];
    shop.stripe.delete(&format!("subscriptions/{}", id.as_str().expect("an id"))).await;
    shop.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_day_has_come_nothing_personal_is_left_anywhere_and_the_money_still_adds_up() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let mut person = Somebody::sign_in(app).await;
    person.write(app).await;
    let program = app.program(&person.browser).await;
    shop.subscribe(&person.browser, "pro", "month").await;
    shop.settle().await;
    let customer = shop.newest_customer_id().await;
    person.browser.ask(&prompt()).await;
    end_subscription(&shop).await;
    assert_eq!(person.request().await.0, 200);
    let mut operator = app.operator().await;
    let suspend = [("id", person.user_id.as_str()), ("reason", &person.word), ("days", "3")];
    let visit = operator.call("admin/people/begin_visit", &suspend[..2]).await;
    assert_eq!(visit.status(), 200);
    shop.finish("deliver_notice").await;
    let books =
        "select (select count(*) from ledger_entries) * 10000 + (select count(*) from usage_records) * 100
        + (select count(*) from invoices)";
    let money = app.database().number(books).await;
    assert!(!found_in(app, &person.word).await.is_empty(), "the search finds something");

    person.come_due(app).await;
    shop.run_job("erase_accounts").await;
    assert!(person.is_erased(app).await);
    shop.settle().await;
    shop.reconcile().await;
    shop.settle().await;
    assert_eq!(found_in(app, &person.word).await, Vec::<String>::new());
    let cards = "select count(*) from subscriptions where card_last4 is not null";
    let pages = "select count(*) from invoices where url is not null or pdf_url is not null";
    assert_eq!((app.database().number(cards).await, app.database().number(pages).await), (0, 0));
    assert_eq!(app.database().number(books).await, money, "what was paid and charged stays");
    assert_eq!(app.database().broken_invariants().await, Vec::<String>::new());
    assert_eq!(shop.stripe.get(&format!("customers/{customer}")).await["deleted"], true);
    assert_eq!(audit(app).await, ["erasure_requested", "account_erased"]);
    let jobs = "select count(*) from jobs where state = 'dead'";
    assert_eq!(app.database().number(jobs).await, 0);

    assert_eq!(person.user().await, None, "the session is over");
    assert_eq!(program.get("/v1/models").await.status(), 401);
    let left = operator.call("account/end_visit", &[]).await;
    assert_eq!(left.status(), 200, "so is the visit");
    let page: PeoplePage = operator.value("admin/people/list", &[]).await;
    let listed = page.people.iter().find(|each| each.id.to_string() == person.user_id).expect("in the list");
    assert_eq!(
        (listed.display_name.as_str(), &listed.email, listed.is_suspended),
        ("Deleted person", &None, false)
    );
    assert!(listed.erased_at.is_some());
    let page = operator.get(&format!("/admin/people/{}", person.user_id)).await.text().await.expect("a page");
    assert!(page.contains("data-testid=\"erased\"") && !page.contains("What can be done"), "{page}");

    person.browser.sign_in(&person.word).await;
    assert_ne!(app.newest_user().await, person.user_id, "a new account");
    let threads: Vec<Thread> = person.browser.value("chat/list_threads", &[]).await;
    assert!(threads.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_while_an_account_was_erased_goes_the_next_night() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let person = Somebody::sign_in(app).await;
    person.write(app).await;
    assert_eq!(person.request().await.0, 200);
    person.come_due(app).await;
    let (status, _) = person.browser.error("erasure/withdraw_erasure", &[]).await;
    assert_eq!(status, 400, "a part of it may be gone already");
    shop.run_job("erase_accounts").await;
    // As by requests that were in their middle.
    let word = &person.word;
    let late = format!(
        "update messages set content = '{word}' where role = 'assistant';
         insert into sessions (id, token_hash, user_id, user_agent, expires_at)
         values (gen_random_uuid(), 'late', '{}', '{word}', now() + interval '1 day')",
        person.user_id
    );
    app.database().execute(&late).await;
    shop.run_job("erase_accounts").await;
    assert_eq!(found_in(app, word).await, Vec::<String>::new());
    assert_eq!(audit(app).await, ["erasure_requested", "account_erased"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_audit_log_only_the_words_about_the_erased_can_go() {
    let app = TestApp::start().await;
    let person = Somebody::sign_in(&app).await;
    let of_person = format!("where user_id = '{}'", person.user_id);
    let change = async |what: &str| !app.database().is_refused(&format!("{what} {of_person}")).await;
    let forget = "update audit_events set address = null";
    assert!(!change(forget).await, "the person is not erased");
    app.database().execute("update accounts set erased_at = now()").await;
    assert!(change(forget).await);
    for refused in [
        "update audit_events set detail = ''",
        "update audit_events set kind = 'x'",
        "delete from audit_events",
    ] {
        assert!(!change(refused).await, "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_hands_that_over_first_and_does_nothing_to_the_erased() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let operator = app.operator().await;
    let terms: ErasureTerms = operator.value("erasure/read_erasure", &[]).await;
    assert_eq!(terms.obstacle, Some(ErasureObstacle::Operator));
    assert_eq!(operator.error("erasure/request_erasure", &[("is_confirmed", "true")]).await.0, 400);

    let person = Somebody::sign_in(app).await;
    assert_eq!(person.request().await.0, 200);
    person.come_due(app).await;
    shop.run_job("erase_accounts").await;
    let visit = [("id", person.user_id.as_str()), ("reason", "a stale page")];
    assert_eq!(operator.error("admin/people/begin_visit", &visit).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stripe_is_away_an_account_waits_and_is_erased_when_it_is_back() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let person = Somebody::sign_in(app).await;
    shop.subscribe(&person.browser, "pro", "month").await;
    shop.settle().await;
    end_subscription(&shop).await;
    assert_eq!(person.request().await.0, 200);
    person.come_due(app).await;
    let free = Somebody::sign_in(app).await;
    assert_eq!(free.request().await.0, 200);
    free.come_due(app).await;
    shop.stripe.control("outage", json!({ "mode": "unavailable", "seconds": 3600 })).await;
    shop.run_job_to("erase_accounts", "dead").await;
    assert!(!person.is_erased(app).await);
    assert!(person.user().await.is_some(), "everything is as it was");
    assert!(free.is_erased(app).await, "who never paid does not wait for Stripe");

    shop.stripe.end_outage().await;
    shop.run_job("erase_accounts").await;
    assert!(person.is_erased(app).await);
    shop.run_job("erase_accounts").await;
    assert_eq!(audit(app).await.iter().filter(|kind| *kind == "account_erased").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_is_gone_already_is_no_obstacle() {
    let shop = Shop::without_webhooks().await;
    let app = &shop.app;
    let person = Somebody::sign_in(app).await;
    shop.subscribe(&person.browser, "pro", "month").await;
    let customer = shop.newest_customer_id().await;
    shop.stripe.delete(&format!("customers/{customer}")).await;
    assert_eq!(person.request().await.0, 200);
    person.come_due(app).await;
    shop.run_job("erase_accounts").await;
    assert!(person.is_erased(app).await);
    shop.reconcile().await;
    shop.settle().await;
    assert_eq!(found_in(app, &person.word).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_waits_while_a_subscription_is_alive_a_reply_is_written_or_an_operator_has_closed_it() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let person = Somebody::sign_in(app).await;
    assert_eq!(person.request().await.0, 200);
    shop.subscribe(&person.browser, "pro", "month").await;
    shop.settle().await;
    person.come_due(app).await;
    shop.run_job("erase_accounts").await;
    assert!(!person.is_erased(app).await, "it is subscribed to again");
    assert!(!person.terms().await.is_requested, "so the person has to ask anew");
    assert_eq!(shop.stripe.list("subscriptions").await[0]["status"], "active");

    end_subscription(&shop).await;
    assert_eq!(person.request().await.0, 200);
    person.come_due(app).await;
    app.database().execute("update accounts set suspended_at = now()").await;
    shop.run_job("erase_accounts").await;
    assert!(!person.is_erased(app).await, "it is suspended");
    app.database().execute("update accounts set suspended_at = null").await;
    assert!(!person.terms().await.is_requested, "and does not go as soon as it is not");
    assert_eq!(person.request().await.0, 200);
    person.come_due(app).await;

    for (does, undoes) in [
        (
            "update subscriptions set ends_at = now() - interval '1 day'",
            "update subscriptions set ends_at = null",
        ),
        ("update invoices set status = 'open'", "update invoices set status = 'paid'"),
    ] {
        app.database().execute(does).await;
        shop.run_job("erase_accounts").await;
        assert!(!person.is_erased(app).await, "{does}");
        app.database().execute(undoes).await;
    }

    let reply = start_silent(app, &person.browser).await;
    shop.run_job("erase_accounts").await;
    assert!(!person.is_erased(app).await, "a reply is being written");
    stop(&person.browser, reply).await;
    app.database().assert_no_open_holds().await;
    shop.run_job("erase_accounts").await;
    assert!(person.is_erased(app).await);
}
