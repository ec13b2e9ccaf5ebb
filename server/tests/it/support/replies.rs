//! Replies begun and ended as tests need them.

use app::types::GenerationId;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::reply::{new_request, prompt, read_all};
use super::scripts::silent;
use super::waiting::until;
use super::{Browser, Reply, TestApp};

pub fn with_max_tokens(prompt: &str, tokens: u32) -> Value {
    let mut request = new_request(prompt);
    request["max_output_tokens"] = json!(tokens);
    request
}

/// Starts a reply and reads its first word.
pub async fn begin_reply(browser: &Browser, prompt: &str) -> (Reply, GenerationId) {
    let mut reply = browser.start_reply(&new_request(prompt)).await;
    let (id, _) = reply.read_started().await;
    reply.read_event().await;
    (reply, id)
}

/// Once the model was asked for it, which says nothing yet.
pub async fn start_silent(app: &TestApp, browser: &Browser) -> Reply {
    let prompt = prompt();
    app.sandbox.script(&prompt, silent()).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    reply.read_started().await;
    until(async || !app.sandbox.journal(&prompt).await.is_empty()).await;
    reply
}

pub async fn stop(browser: &Browser, mut reply: Reply) {
    browser.call("chat/stop_reply", &[("id", &reply.generation_id().to_string())]).await;
    reply.read_to_end().await;
}

/// All at once: those that were admitted, and those that were refused.
pub async fn start_all(browser: &Browser, requests: &[Value]) -> (Vec<Reply>, Vec<Reply>) {
    let replies = join_all(requests.iter().map(|request| browser.start_reply(request))).await;
    replies.into_iter().partition(|reply| reply.status() == StatusCode::OK)
}

pub async fn stop_all(browser: &Browser, replies: &mut [Reply]) {
    for reply in replies.iter_mut() {
        let (id, _) = reply.read_started().await;
        assert!(browser.call("chat/stop_reply", &[("id", &id.to_string())]).await.status().is_success());
    }
    read_all(replies).await;
}
