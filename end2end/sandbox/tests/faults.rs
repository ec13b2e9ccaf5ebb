//! Upstreams told apart by key, faults by dice, and the page that switches them.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in test functions, not in what they call")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, Request};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;
use url::Url;

fn sandbox() -> Router {
    sandbox::router(&Url::parse("http://127.0.0.1:4010").unwrap()).unwrap()
}

async fn send(sandbox: &Router, method: Method, path: &str, body: Value) -> Response {
    let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
    sandbox.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap()
}

async fn switch(sandbox: &Router, upstream: &str, fault: &str, percent: u8) {
    let body = json!({"upstream": upstream, "fault": fault, "percent": percent});
    assert_eq!(send(sandbox, Method::PUT, "/control/faults", body).await.status(), 200);
}

fn chat(key: &str) -> Request<Body> {
    let body = json!({"model": "sandbox-small", "stream": true, "max_tokens": 1,
        "messages": [{"role": "user", "content": "say t-1"}]});
    let request = Request::post("/openai/v1/chat/completions")
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, format!("Bearer {key}"));
    request.body(Body::from(body.to_string())).unwrap()
}

async fn ask(sandbox: &Router, key: &str) -> Response {
    sandbox.clone().oneshot(chat(key)).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

async fn get(sandbox: &Router, path: &str) -> Value {
    serde_json::from_str(&text(send(sandbox, Method::GET, path, Value::Null).await).await).unwrap()
}

#[tokio::test]
async fn dice_break_one_upstream_and_spare_the_others() {
    let sandbox = sandbox();
    switch(&sandbox, "b", "rate_limited", 100).await;
    let broken = ask(&sandbox, "sandbox-key-b").await;
    assert_eq!((broken.status().as_u16(), &broken.headers()[RETRY_AFTER]), (429, &"1".parse().unwrap()));
    for key in ["sandbox-key", "sandbox-key-c"] {
        assert_eq!(ask(&sandbox, key).await.status(), 200);
    }
    assert_eq!(ask(&sandbox, "sandbox-key-").await.status(), 401);

    let state = get(&sandbox, "/control/faults").await;
    assert_eq!(state["switched_on"], json!([{"upstream": "b", "fault": "rate_limited", "percent": 100}]));
    assert_eq!(state["upstreams"]["b"], json!({"requests": 1, "scripted": 0, "faults": {"rate_limited": 1}}));
    let journal = get(&sandbox, "/control/model/journal?contains=t-1&upstream=b").await;
    let [entry] = journal.as_array().unwrap().as_slice() else { panic!("one entry: {journal}") };
    let kept = [&entry["upstream"], &entry["api"], &entry["fault"], &entry["state"]];
    assert_eq!(kept, ["b", "openai", "rate_limited", "failed"]);

    assert_eq!(send(&sandbox, Method::DELETE, "/control/faults?upstream=b", Value::Null).await.status(), 204);
    assert_eq!(ask(&sandbox, "sandbox-key-b").await.status(), 200);
}

#[tokio::test]
async fn a_script_goes_before_the_dice_on_its_upstream_only() {
    let sandbox = sandbox();
    switch(&sandbox, "*", "server_error", 100).await;
    let script = json!({"match": "t-1", "upstream": "b", "text": "well", "first_token_delay_ms": 0});
    assert_eq!(send(&sandbox, Method::POST, "/control/model/scripts", script).await.status(), 201);
    assert!(text(ask(&sandbox, "sandbox-key-b").await).await.contains("well"));
    assert_eq!(ask(&sandbox, "sandbox-key").await.status(), 500);
}

#[tokio::test]
async fn a_refused_request_gets_not_a_byte() {
    let sandbox = sandbox();
    switch(&sandbox, "", "refused", 100).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let received = async {
        let body = to_bytes(chat("").into_body(), usize::MAX).await.unwrap();
        let head = format!(
            "POST /openai/v1/chat/completions HTTP/1.1\r\nhost: sandbox\r\ncontent-type: application/json\r\n\
             authorization: Bearer sandbox-key\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let stream = TcpStream::connect(address).await.unwrap();
        stream.writable().await.unwrap();
        stream.try_write(&[head.as_bytes(), &body].concat()).unwrap();
        stream.readable().await.unwrap();
        stream.try_read(&mut [0; 100]).unwrap()
    };
    tokio::select! {
        ended = axum::serve(listener, sandbox.clone()) => panic!("the server ended: {ended:?}"),
        bytes = received => assert_eq!(bytes, 0),
    }
}

#[tokio::test]
async fn the_page_switches_faults_without_javascript() {
    let sandbox = sandbox();
    let submit = async |path: &str, form: &'static str| {
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        sandbox.clone().oneshot(request.body(Body::from(form)).unwrap()).await.unwrap()
    };
    let page = async || text(send(&sandbox, Method::GET, "/control", Value::Null).await).await;
    let on = "upstream=*&other_upstream=eu&fault=slow_drip&percent=40";
    let response = submit("/control/faults/switch", on).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (303, &"/control".parse().unwrap())
    );
    assert!(page().await.contains("40 %"));
    assert_eq!(submit("/control/faults/switch", "upstream=&fault=cut&percent=101").await.status(), 400);
    submit("/control/faults/switch", "upstream=eu&fault=slow_drip&percent=0").await;
    assert!(!page().await.contains("40 %"));
    switch(&sandbox, "", "cut", 1).await;
    submit("/control/faults/clear", "").await;
    assert_eq!(get(&sandbox, "/control/faults").await["switched_on"], json!([]));
}

#[tokio::test]
async fn switches_that_make_no_sense_are_refused() {
    let sandbox = sandbox();
    for body in [
        json!({"upstream": "", "fault": "cut", "percent": 101}),
        json!({"upstream": "", "fault": "meteor", "percent": 1}),
        json!({"upstream": "", "fault": "cut", "percent": 1, "chance": 2}),
    ] {
        assert_eq!(send(&sandbox, Method::PUT, "/control/faults", body).await.status(), 422);
    }
}
