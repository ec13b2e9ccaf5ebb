//! The model over its Anthropic endpoint.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in test functions, not in what they call")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

const KEY: (&str, &str) = ("x-api-key", "sandbox-key");
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

fn sandbox() -> Router {
    sandbox::router(&Url::parse("http://127.0.0.1:4010").unwrap()).unwrap()
}

async fn post(sandbox: &Router, path: &str, headers: &[(&str, &str)], body: &Value) -> Response {
    let mut request = Request::post(path).header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    sandbox.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap()
}

/// Registers a script for `t-1`, at full speed, and asks for a reply.
async fn reply(script: Value, stream: bool) -> Response {
    let sandbox = sandbox();
    let mut whole = json!({"match": "t-1", "text": "日本語 and 👋", "gap_ms": 0, "first_token_delay_ms": 0});
    whole.as_object_mut().unwrap().extend(script.as_object().unwrap().clone());
    assert_eq!(post(&sandbox, "/control/model/scripts", &[], &whole).await.status(), 201);
    ask(&sandbox, &[KEY, VERSION], &question("claude-sandbox", stream)).await
}

fn question(model: &str, stream: bool) -> Value {
    let messages = json!([{"role": "user", "content": "say t-1"}]);
    json!({"model": model, "max_tokens": 100, "stream": stream, "messages": messages})
}

async fn ask(sandbox: &Router, headers: &[(&str, &str)], body: &Value) -> Response {
    post(sandbox, "/anthropic/v1/messages", headers, body).await
}

async fn text(response: Response) -> Result<String, axum::Error> {
    let bytes = to_bytes(response.into_body(), usize::MAX).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

async fn value(response: Response) -> Value {
    serde_json::from_str(&text(response).await.unwrap()).unwrap()
}

/// What the deltas of a kind say together.
fn said(stream: &str, field: &str) -> String {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
    events.filter_map(|event| event["delta"][field].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_stream_arrives_whole_however_it_is_sent() {
    for script in [
        json!({}),
        json!({"split_bytes": 1, "crlf": true, "comments": true}),
        json!({"frame_bytes": 100_000, "chunk_chars": 1}),
    ] {
        let stream = text(reply(script, true).await).await.unwrap();
        assert_eq!(said(&stream, "text"), "日本語 and 👋");
        assert!(stream.contains("event: message_start") && stream.contains("event: message_stop"));
    }
}

#[tokio::test]
async fn thinking_comes_before_the_answer() {
    let script = json!({"reasoning": "let me see", "cached_tokens": 1});
    let stream = text(reply(script.clone(), true).await).await.unwrap();
    assert_eq!(
        (said(&stream, "thinking"), said(&stream, "text")),
        ("let me see".into(), "日本語 and 👋".into())
    );
    assert!(stream.find("signature_delta").unwrap() < stream.find("text_delta").unwrap());
    let message = value(reply(script, false).await).await;
    assert_eq!(
        (&message["content"][0]["thinking"], &message["stop_reason"]),
        (&json!("let me see"), &json!("end_turn"))
    );
    let usage = json!({"input_tokens": 1, "cache_read_input_tokens": 1, "cache_creation_input_tokens": 0,
        "output_tokens": 6});
    assert_eq!(message["usage"], usage);
}

#[tokio::test]
async fn faults_come_before_or_within_a_stream() {
    let response = reply(json!({"status": 529, "retry_after_seconds": 7}), true).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (529, &"7".parse().unwrap())
    );
    let id = response.headers()["request-id"].to_str().unwrap().to_owned();
    let error = value(response).await;
    assert_eq!((&error["error"]["type"], &error["request_id"]), (&json!("overloaded_error"), &json!(id)));

    let stream = text(reply(json!({"error_after_chunks": 1}), true).await).await.unwrap();
    assert!(stream.contains("event: error\ndata: {") && !stream.contains("message_stop"));
    text(reply(json!({"cut_after_chunks": 1}), true).await).await.unwrap_err();
}

#[tokio::test]
async fn requests_that_the_vendor_refuses_are_refused() {
    let sandbox = sandbox();
    let good = question("claude-sandbox", false);
    let bearer = ("authorization", "Bearer sandbox-key-b");
    let mut without_limit = good.clone();
    without_limit.as_object_mut().unwrap().remove("max_tokens");
    let other_model = question("claude-other", false);
    for (headers, body, status, kind) in [
        (vec![VERSION], &good, 401, "authentication_error"),
        (vec![("x-api-key", "guess"), VERSION], &good, 401, "authentication_error"),
        (vec![KEY], &good, 400, "invalid_request_error"),
        (vec![KEY, VERSION], &without_limit, 400, "invalid_request_error"),
        (vec![bearer, VERSION], &other_model, 404, "not_found_error"),
    ] {
        let response = ask(&sandbox, &headers, body).await;
        assert_eq!(response.status(), status);
        let error = value(response).await;
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!(kind)));
    }
}
