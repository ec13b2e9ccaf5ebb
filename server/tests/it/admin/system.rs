//! What operators turn off for everybody, and what they see of the system.

use app::types::{AuditKind, AuditPage, Conversation, SettingValue, SystemReport, Thread};
use http::header::{LOCATION, RETRY_AFTER};
use serde_json::json;

use super::visits::{READS, functions, refusal};
use crate::money_audit::unbalance;
use crate::support::{Browser, TestApp, location, prompt, until, without_redis};

async fn turn(operator: &Browser, switch: &str, is_on: bool) {
    let fields = [("switch", switch), ("is_on", &is_on.to_string()), ("reason", "a new release")];
    assert_eq!(operator.call("admin/system/set_switch", &fields).await.status(), 200);
}

/// Asks again until a server has seen a switch.
async fn until_status(browser: &Browser, path: &str, status: u16) {
    until(async || browser.clone().get(path).await.status() == status).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_keeps_out_everybody_but_operators_on_every_server() {
    let app = TestApp::start().await;
    let (somebody, operator) = (app.user().await, app.operator().await);
    let elsewhere = app.another_server().await;
    let there = somebody.at(&elsewhere);
    assert_eq!(there.clone().get("/chat").await.status(), 200);
    turn(&operator, "maintenance", true).await;

    let page = somebody.clone().get("/chat").await;
    assert_eq!(page.status(), 503);
    assert!(page.headers().contains_key(RETRY_AFTER));
    let number = page.headers()["x-request-id"].to_str().expect("a number").to_owned();
    let page = page.text().await.expect("a page");
    assert!(page.contains("closed for a while") && page.contains(&number), "{page}");
    let call = somebody.error("chat/list_threads", &[]).await;
    assert_eq!((call.0, &call.1["type"]), (503, &json!("maintenance")));
    assert_eq!(app.browser().get("/").await.status(), 503);
    assert_eq!(app.browser().get("/sign-in").await.status(), 200, "operators have to get in");
    assert_eq!(app.browser().get("/health/ready").await.status(), 200, "it is no fault");
    assert_eq!(operator.clone().get("/chat").await.status(), 200);
    until_status(&there, "/chat", 503).await;

    turn(&operator, "maintenance", false).await;
    assert_eq!(somebody.clone().get("/chat").await.status(), 200);
    until_status(&there, "/chat", 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_changes_are_turned_off_everything_can_be_read_and_exported_and_nothing_changed() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let said = prompt();
    somebody.ask(&said).await;
    let operator = app.operator().await;
    turn(&operator, "read_only", true).await;

    let threads: Vec<Thread> = somebody.value("chat/list_threads", &[]).await;
    let id = threads[0].id.to_string();
    let conversation: Conversation = somebody.value("chat/read_thread", &[("id", &id)]).await;
    assert_eq!(conversation.messages[0].content, said);
    for file in ["/usage/replies.csv", "/usage/statement.csv", &format!("/chat/{id}/export.md")] {
        assert_eq!(somebody.clone().get(file).await.status(), 200, "{file}");
    }
    let still_work = ["chat/follow_reply", "chat/search_threads", "chat/stop_reply"];
    let ends_sessions = |function: &str| function.starts_with("account/");
    for function in functions() {
        if READS.contains(&function) || still_work.contains(&function) || ends_sessions(function) {
            continue;
        }
        assert_eq!(refusal(&somebody, function, &id).await, json!("changes_paused"), "{function}");
    }
    assert_eq!(somebody.call("account/sign_out", &[]).await.status(), 200, "this is always possible");

    turn(&operator, "read_only", false).await;
    app.user().await.ask(&said).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_sign_up_is_closed_only_those_who_have_an_account_get_in() {
    let issuer = format!("{}/oidc", std::env::var("SANDBOX_URL").expect("SANDBOX_URL is set"));
    let app = TestApp::with_env(&[("OPERATORS", &format!("{issuer}|person-grace"))], |_| {}).await;
    let mut known = app.browser();
    let callback = known.authorize("oidc", "ada", None).await;
    assert_eq!(location(&known.get(&callback).await), "/chat");
    let operator = app.operator().await;
    turn(&operator, "sign_up_closed", true).await;

    for (person, expected) in
        [("ada", "/chat"), ("grace", "/chat"), ("new:stranger", "/sign-in?error=closed")]
    {
        let mut browser = app.browser();
        let callback = browser.authorize("oidc", person, None).await;
        let answer = browser.get(&callback).await;
        let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
        assert!(to.starts_with(expected), "{person}: {to}");
    }
    assert_eq!(app.database().number("select count(*) from users").await, 3, "nobody was made");

    turn(&operator, "sign_up_closed", false).await;
    app.user().await;
}

/// A part of the system, as a server sees it: whether it is well, and one of its facts.
async fn part(operator: &Browser, name: &str, fact: &str) -> (bool, Option<String>) {
    let report: SystemReport = operator.value("admin/system/read", &[]).await;
    let part = report.parts.into_iter().find(|part| part.name == name).expect("a part");
    let fact = part.facts.into_iter().find(|known| known.name == fact);
    (part.is_well, fact.map(|fact| fact.value))
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_what_is_not_well() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let alone = app.another_server_with(without_redis).await;
    let limits = part(&operator.at(&alone), "Redis", "Requests are limited").await;
    assert_eq!(limits, (false, Some("by each server alone, tightly".to_owned())));
    assert!(part(&operator, "Redis", "Requests are limited").await.0, "the other one reaches it");

    app.database().execute(&unbalance("- 1")).await;
    app.command().arg("audit").output().expect("it runs");
    let money = part(&operator, "Money", "balance-equals-entries").await;
    assert_eq!(money, (false, Some("broken in 1 rows".to_owned())));
    app.database().execute(&unbalance("+ 1")).await;

    let forget = "delete from __diesel_schema_migrations
        where version = (select max(version) from __diesel_schema_migrations) returning version";
    let newest: String = app.database().rows(forget).await[0].get(0);
    assert_eq!(part(&operator, "PostgreSQL", "Missing migrations").await, (false, Some(newest.clone())));
    let again = format!("insert into __diesel_schema_migrations (version) values ('{newest}')");
    app.database().execute(&again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_system_is_shown_with_its_settings_and_without_its_secrets() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    turn(&operator, "read_only", true).await;
    turn(&operator, "read_only", true).await;
    turn(&operator, "read_only", false).await;

    let report: SystemReport = operator.value("admin/system/read", &[]).await;
    assert_eq!(report.parts.iter().map(|part| part.is_well).collect::<Vec<_>>(), [true; 4]);
    let database = report.settings.iter().find(|setting| setting.variable == "DATABASE_URL").expect("it");
    assert_eq!(database.value, SettingValue::Secret);
    let log: AuditPage = operator.value("admin/audit/list", &[]).await;
    let told: Vec<_> = log.events.iter().map(|event| (event.kind, event.detail.as_str())).collect();
    let (on, off) = (Some(AuditKind::SwitchTurnedOn), Some(AuditKind::SwitchTurnedOff));
    assert_eq!(told[..2], [(off, "Read-only"), (on, "Read-only")], "once for each change");
    assert_eq!(log.events[0].reason, "a new release");
    assert_eq!(log.events[2].kind, Some(AuditKind::SignedIn));
}
