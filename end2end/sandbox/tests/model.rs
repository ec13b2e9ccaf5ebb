//! The scripted model over its OpenAI-compatible endpoint.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in test functions, not in what they call")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use futures::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

async fn post(sandbox: &Router, path: &str, body: Value) -> Response {
    let request = Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, "Bearer sandbox-key")
        .body(Body::from(body.to_string()));
    sandbox.clone().oneshot(request.unwrap()).await.unwrap()
}

/// Registers a script for `t-1`, at full speed, and asks for a streamed reply.
async fn reply(script: Value) -> (Router, Response) {
    let sandbox = sandbox::router(&Url::parse("http://127.0.0.1:4010").unwrap()).unwrap();
    let mut whole = json!({"match": "t-1", "text": "日本語 and 👋", "gap_ms": 0, "first_token_delay_ms": 0});
    whole.as_object_mut().unwrap().extend(script.as_object().unwrap().clone());
    assert_eq!(post(&sandbox, "/control/model/scripts", whole).await.status(), StatusCode::CREATED);
    let chat = json!({"model": "sandbox-small", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "say t-1"}]});
    let response = post(&sandbox, "/openai/v1/chat/completions", chat).await;
    (sandbox, response)
}

async fn journal(sandbox: &Router) -> Value {
    let request = Request::get("/control/model/journal?contains=t-1").body(Body::empty()).unwrap();
    let response = sandbox.clone().oneshot(request).await.unwrap();
    let entries: Value =
        serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap();
    entries[0].clone()
}

async fn text(response: Response) -> Result<String, axum::Error> {
    let bytes = to_bytes(response.into_body(), usize::MAX).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

fn content(stream: &str) -> String {
    let events =
        stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    events
        .filter_map(|data| {
            let chunk: Value = serde_json::from_str(data).unwrap();
            chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned)
        })
        .collect()
}

#[tokio::test]
async fn a_stream_arrives_whole_however_it_is_split() {
    for script in
        [json!({}), json!({"split_bytes": 1, "crlf": true, "comments": true}), json!({"chunk_chars": 1})]
    {
        let (sandbox, response) = reply(script).await;
        let stream = text(response).await.unwrap();
        assert_eq!(content(&stream), "日本語 and 👋");
        assert!(stream.contains(r#""completion_tokens":3"#) && stream.trim_end().ends_with("data: [DONE]"));
        assert_eq!(journal(&sandbox).await["state"], "finished");
    }
}

#[tokio::test]
async fn a_cut_is_an_error_and_an_early_end_is_not() {
    let (sandbox, response) = reply(json!({"cut_after_chunks": 2})).await;
    text(response).await.unwrap_err();
    let entry = journal(&sandbox).await;
    assert_eq!((&entry["state"], &entry["chunks_sent"]), (&json!("failed"), &json!(2)));

    let (_, response) = reply(json!({"end_after_chunks": 2})).await;
    let stream = text(response).await.unwrap();
    assert!(content(&stream) == "日本" && !stream.contains("[DONE]"));
}

#[tokio::test]
async fn a_client_that_leaves_a_stalled_stream_is_noticed() {
    let (sandbox, response) = reply(json!({"stall_after_chunks": 1})).await;
    let mut body = response.into_body().into_data_stream();
    for _ in ["open", "content"] {
        body.next().await.unwrap().unwrap();
    }
    let more = tokio::time::timeout(Duration::from_millis(50), body.next()).await;
    assert!(more.is_err(), "nothing more arrives");
    assert_eq!(journal(&sandbox).await["state"], "streaming");
    drop(body);
    assert_eq!(journal(&sandbox).await["state"], "client_gone");
}

#[tokio::test]
async fn errors_come_before_or_within_a_stream() {
    let (_, response) = reply(json!({"status": 429, "retry_after_seconds": 7})).await;
    assert_eq!((response.status().as_u16(), &response.headers()[RETRY_AFTER]), (429, &"7".parse().unwrap()));
    assert!(text(response).await.unwrap().contains("rate_limit_exceeded"));

    let (_, response) = reply(json!({"error_after_chunks": 1})).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(text(response).await.unwrap().contains(r#"data: {"error":{"#));
}
