//! The models and the ways to them, as operators change them.

use app::types::{AuditKind, AuditPage, GenerationId, Model, Nanos, ProviderReport, Receipt};
use chrono::{TimeDelta, Utc};
use serde_json::json;

use crate::support::{Browser, TestApp, prompt, until};

async fn reports(operator: &Browser) -> Vec<ProviderReport> {
    operator.value("admin/providers/read", &[]).await
}

async fn models(browser: &Browser) -> Vec<Model> {
    browser.value("chat/list_models", &[]).await
}

async fn done(operator: &Browser, function: &str, fields: &[(&str, &str)]) {
    let answer = operator.call(&format!("admin/providers/{function}"), fields).await;
    let status = answer.status();
    assert_eq!(status, 200, "{function}: {}", answer.text().await.unwrap_or_default());
}

/// What the newest event of a kind has changed.
async fn last_change(operator: &Browser, kind: &str) -> Vec<String> {
    let log: AuditPage = operator.value("admin/audit/list", &[("query[kind]", kind)]).await;
    log.events[0].changes.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_prices_hold_from_their_moment_on_and_what_was_charged_stays() {
    let app = TestApp::start().await;
    let (somebody, operator) = (app.user().await, app.operator().await);
    let before = somebody.ask(&prompt()).await;
    let model = reports(&operator).await[0].clone();
    let later = (Utc::now() + TimeDelta::days(3)).format("%Y-%m-%dT%H:%M").to_string();
    let prices = [("input", "4"), ("cached_input", "0.5"), ("output", "12.25"), ("reason", "a new contract")];
    let of_model = |from: &str| {
        let fields = [("model", model.key.as_str()), ("from", from)];
        fields.into_iter().chain(prices).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let set = async |from: &str| {
        let fields: Vec<(String, String)> = of_model(from);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        operator.call("admin/providers/add_prices", &fields).await.status()
    };
    assert_eq!(set("2020-01-01T00:00").await, 400, "nobody is charged anew for what was");
    assert_eq!(set(&later).await, 200);
    assert_eq!(models(&somebody).await[0].prices, model.prices[0].prices, "not yet");
    let to_come = &reports(&operator).await[0];
    assert_eq!((to_come.prices[0].is_to_come, to_come.price_version), (true, model.price_version));
    let version = to_come.prices[0].version.to_string();
    let fields = [("model", model.key.as_str()), ("version", version.as_str())];
    done(&operator, "withdraw_prices", &fields).await;
    assert_eq!(operator.call("admin/providers/withdraw_prices", &fields).await.status(), 404);
    let withdrawn = last_change(&operator, "prices_withdrawn").await;
    assert!(withdrawn.contains(&"prices: 4.00 / 0.50 / 12.25 → none".to_owned()), "{withdrawn:?}");

    assert_eq!(set("").await, 200);
    let now = &reports(&operator).await[0];
    assert_eq!(now.prices[0].version, now.price_version);
    assert_eq!(now.price_version.to_string(), "3", "the number of what was withdrawn is used up");
    let set = last_change(&operator, "prices_set").await;
    assert!(set.contains(&"version: 1 → 3".to_owned()), "{set:?}");
    assert_eq!(models(&somebody).await[0].prices.output.to_decimal(), "12.25");
    let after = somebody.ask(&prompt()).await;
    let version = async |id: GenerationId| {
        let receipt: Receipt = somebody.value("usage/read_receipt", &[("id", &id.to_string())]).await;
        receipt.charge.expect("it was charged").price_version
    };
    let versions = (version(before.generation_id()).await, version(after.generation_id()).await);
    assert_eq!(versions, (model.price_version, now.price_version));
    app.database().assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_turned_off_is_offered_to_nobody_on_any_server_until_it_is_on_again() {
    let app = TestApp::start().await;
    let (somebody, operator) = (app.user().await, app.operator().await);
    let there = somebody.at(&app.another_server().await);
    let offered = models(&somebody).await;
    assert_eq!(models(&there).await, offered);
    let key = offered[0].key.clone();
    let turn = async |is_off: &str| {
        let fields = [("model", key.as_str()), ("is_off", is_off), ("reason", "it makes things up")];
        done(&operator, "set_model_off", &fields).await;
    };
    turn("true").await;
    assert!(models(&somebody).await.iter().all(|model| model.key != key));
    let request = json!({
        "client_request_id": uuid::Uuid::now_v7(), "model": key,
        "target": { "kind": "new_thread", "prompt": "a prompt" },
    });
    let refused = somebody.start_reply(&request).await;
    assert_eq!(refused.status(), 400);
    assert!(refused.error().await.to_string().contains("turned off at the moment"));
    until(async || !models(&there).await.iter().any(|model| model.key == key)).await;
    turn("false").await;
    assert_eq!(models(&somebody).await, offered);

    let log: AuditPage = operator.value("admin/audit/list", &[("query[kind]", "model_turned_off")]).await;
    assert_eq!((log.events[0].detail.as_str(), log.events[0].reason.as_str()), (&*key, "it makes things up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_are_asked_and_models_shown_in_the_order_an_operator_sets() {
    let app = TestApp::with_env(&[], |_| {}).await;
    let (somebody, operator) = (app.user().await, app.operator().await);
    let before = reports(&operator).await;
    let model = before.iter().find(|model| model.routes.len() > 1).expect("a model with two routes");
    let (first, second) = (model.routes[0].key.clone(), model.routes[1].key.clone());
    done(&operator, "move_route_up", &[("route", &second)]).await;
    done(&operator, "move_model_up", &[("model", &before[1].key)]).await;
    let fields = [("route", second.as_str()), ("input", "1"), ("cached_input", "0"), ("output", "2")];
    let fields: Vec<_> = fields.into_iter().chain([("reason", "they raised them")]).collect();
    done(&operator, "set_costs", &fields).await;

    let after = reports(&operator).await;
    let changed = after.iter().find(|report| report.key == model.key).expect("the model");
    assert_eq!([&changed.routes[0].key, &changed.routes[1].key], [&second, &first]);
    assert_eq!(changed.routes[0].costs.output, Nanos::from_cents(200));
    assert_eq!([&after[0].key, &after[1].key], [&before[1].key, &before[0].key]);
    assert_eq!(models(&somebody).await[0].key, before[1].key);
    let order = last_change(&operator, "route_moved_up").await;
    assert_eq!(order, [format!("order: {first}, {second} → {second}, {first}")]);
    let log: AuditPage = operator.value("admin/audit/list", &[]).await;
    let told: Vec<_> = log.events.iter().take(3).filter_map(|event| event.kind).collect();
    assert_eq!(told, [AuditKind::RouteCostsSet, AuditKind::ModelMovedUp, AuditKind::RouteMovedUp]);
}
