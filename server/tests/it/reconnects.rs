//! Readers who leave and come back, at any server.

use app::types::ChatEvent;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;
use tokio::runtime::Runtime;
use url::Url;

use crate::support::{Browser, TestApp, cheap, new_request, paced, prompt};

/// The model says so many words, and then nothing until it is stopped.
const WORDS: usize = 40;

/// A reader goes to one of the servers, takes some events and leaves.
type Visit = (usize, usize);

/// (16)
#[test]
fn any_schedule_of_visits_to_any_server_yields_exactly_the_log() {
    let runtime = Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let (app, servers, browser) = runtime.block_on(async {
        let app = TestApp::with(cheap).await;
        let servers = [app.url.clone(), app.another_server().await, app.another_server().await];
        let browser = app.user().await;
        (app, servers, browser)
    });
    let config = ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() };
    let schedules = prop::collection::vec((0..servers.len(), 0..12_usize), 1..12);
    let outcome = TestRunner::new(config).run(&schedules, |visits| {
        runtime.block_on(read_by(&app, &servers, &browser, &visits));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

async fn read_by(app: &TestApp, servers: &[Url], browser: &Browser, visits: &[Visit]) {
    let prompt = prompt();
    let mut script = paced(&"word ".repeat(WORDS + 1), 2);
    script["stall_after_chunks"] = json!(WORDS);
    app.sandbox.script(&prompt, script).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (id, _) = reply.read_started().await;

    let mut seen: Vec<ChatEvent> = Vec::new();
    let follow = async |server: usize, seen: &[ChatEvent]| {
        browser.at(&servers[server]).follow_reply(id, seen.len() as u32).await
    };
    for (server, count) in visits {
        let mut visit = follow(*server, &seen).await;
        for _ in 0..*count.min(&(WORDS - seen.len())) {
            visit.read_event().await.expect("it goes on");
        }
        seen.extend(visit.events);
    }
    let mut last = follow(visits[0].0, &seen).await;
    browser.value::<()>("chat/stop_reply", &[("id", &id.to_string())]).await;
    last.read_to_end().await;
    seen.extend(last.events);
    reply.read_to_end().await;
    assert_eq!(seen, reply.events);
}
