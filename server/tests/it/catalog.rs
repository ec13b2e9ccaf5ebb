//! The models people choose from, their prices and their routes.

use app::types::{Model, Nanos, ReplyState};
use http::StatusCode;
use serde_json::json;
use server::config::RouteConfig;
use uuid::Uuid;

use crate::providers::{assert_clean, attempts};
use crate::support::{TestApp, new_request, prompt, quick, start_silent, stop};

#[tokio::test(flavor = "multi_thread")]
async fn people_choose_among_the_models_their_plan_includes() {
    let app = TestApp::with(|config| {
        let models = &mut config.llm.catalog.models;
        models[1].plans = vec!["pro".to_owned()];
    })
    .await;
    let browser = app.user().await;
    let models: Vec<Model> = browser.value("chat/list_models", &[]).await;
    let listed: Vec<_> = models.iter().map(|model| (model.key.as_str(), model.is_included)).collect();
    assert_eq!(listed, [("everyday", true), ("thorough", false)]);

    let with_model = |model: &str| {
        let mut request = new_request(&prompt());
        request["model"] = json!(model);
        request
    };
    let mut allowed = browser.start_reply(&with_model("everyday")).await;
    allowed.read_to_end().await;
    assert_eq!(allowed.ended().0.model.as_deref(), Some("everyday"));
    for model in ["thorough", "no-such-model"] {
        let refused = browser.start_reply(&with_model(model)).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let text = refused.error().await.to_string();
        assert!(text.ends_with("Choose another one."), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_price_is_a_new_version_and_running_replies_keep_the_old_one() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let running = start_silent(&app, &browser).await;
    app.database()
        .execute("insert into model_prices select model_key, 2, 1, 1, 1, now() from model_prices where model_key = 'everyday'")
        .await;
    let other = app.another_server().await;
    browser.at(&other).ask(&prompt()).await;
    stop(&browser, running).await;
    let records = "select price_version, charged_nanos > 1 from usage_records order by created_at";
    let records = app.database().rows(records).await;
    let records: Vec<(i32, bool)> = records.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(records, [(2, false), (1, true)], "the one that ran ended last");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_brings_new_prices_and_takes_models_away_once_it_is_applied() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    browser.ask(&prompt()).await;
    let planned = "insert into model_prices select model_key, 2, 1, 1, 1, now() + interval '1 day' from model_prices where model_key = 'everyday'";
    app.database().execute(planned).await;
    app.database().execute("delete from model_prices where version = 2").await;
    let file = std::fs::read_to_string(app.setting("MODEL_CATALOG")).expect("the catalog");
    let (everyday, _) = file.split_once("[[models]]\nkey = \"thorough\"").expect("two models");
    let changed = everyday.replacen(
        "input_nanos_per_million = 150_000_000",
        "input_nanos_per_million = 300_000_000",
        1,
    );
    assert_ne!(changed, everyday);
    let path = std::env::temp_dir().join(format!("{}.toml", Uuid::now_v7().simple()));
    std::fs::write(&path, changed).expect("written");
    for _ in 0..2 {
        let applied =
            app.command().arg("apply-catalog").env("MODEL_CATALOG", &path).status().expect("a process");
        assert!(applied.success());
    }
    std::fs::remove_file(path).expect("removed");

    let elsewhere = browser.at(&app.another_server().await);
    let models: Vec<Model> = elsewhere.value("chat/list_models", &[]).await;
    let listed: Vec<_> = models.iter().map(|model| (model.key.as_str(), model.prices.input)).collect();
    assert_eq!(listed, [("everyday", Nanos(300_000_000))]);
    elsewhere.ask(&prompt()).await;
    let versions = app.database().rows("select price_version from usage_records order by created_at").await;
    assert_eq!(
        versions.iter().map(|row| row.get(0)).collect::<Vec<i32>>(),
        [1, 3],
        "the number of prices that were withdrawn is used up"
    );
    let versions =
        app.database().number("select count(*) from model_prices where model_key = 'everyday'").await;
    assert_eq!(versions, 2, "the same file again changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_without_its_key_is_passed_over() {
    let app = TestApp::with_env(&[("SANDBOX_FIRST_API_KEY", "")], |config| {
        let routes = &mut config.llm.catalog.models[0].routes;
        routes.truncate(1);
        routes.push(RouteConfig {
            key: "spare".to_owned(),
            api_key_variable: "SANDBOX_SECOND_API_KEY".to_owned(),
            ..routes[0].clone()
        });
    })
    .await;
    let reply = app.user().await.ask(&prompt()).await;
    assert_eq!(reply.state(), ReplyState::Finished);
    assert_eq!(attempts(&app).await, [("spare".to_owned(), "finished".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_knows_the_cap_of_its_answer_by_another_name_is_asked_by_that() {
    let app = TestApp::start().await;
    let (browser, prompt) = (app.user().await, prompt());
    app.sandbox.script(&prompt, quick("Answered.")).await;
    let mut request = new_request(&prompt);
    request["model"] = json!("thorough");
    request["max_output_tokens"] = json!(100);
    let mut reply = browser.start_reply(&request).await;
    reply.read_to_end().await;
    assert_clean(&reply, "Answered.");
    assert_eq!(app.sandbox.journal(&prompt).await[0]["max_tokens"], 100);
}

/// The sandbox counts only when it is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_to_be_asked_for_its_count_is_not_asked() {
    for (usage_in_stream, estimated) in [(true, 0), (false, 1)] {
        let app = TestApp::with(|config| {
            config.llm.catalog.models[0].routes[0].usage_in_stream = usage_in_stream;
        })
        .await;
        let reply = app.user().await.ask(&prompt()).await;
        assert_eq!(reply.state(), ReplyState::Finished);
        let records = "select count(*) from usage_records where is_estimated";
        assert_eq!(app.database().number(records).await, estimated);
    }
}
