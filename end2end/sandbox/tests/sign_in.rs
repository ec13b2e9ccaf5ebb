//! Whole sign-ins against both identity providers, as the product makes them.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in test functions, not in what they call")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

const REDIRECT_URI: &str = "http://localhost:3000/auth/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn sandbox() -> Router {
    sandbox::router(&Url::parse("http://127.0.0.1:4010").unwrap()).unwrap()
}

async fn send(sandbox: &Router, request: Request<Body>) -> Response {
    sandbox.clone().oneshot(request).await.unwrap()
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
}

/// Follows an authorization request and returns what the browser would bring back.
async fn authorize(sandbox: &Router, path: &str, hint: &str) -> Vec<(String, String)> {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", "plumbline"), ("redirect_uri", REDIRECT_URI)])
        .extend_pairs([("response_type", "code"), ("scope", "openid email user:email")])
        .extend_pairs([("state", "s-1"), ("nonce", "n-1"), ("login_hint", hint)])
        .extend_pairs([("code_challenge", CHALLENGE), ("code_challenge_method", "S256")])
        .finish();
    let request = Request::get(format!("{path}?{query}")).body(Body::empty()).unwrap();
    let response = send(sandbox, request).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let location = Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap();
    assert!(location.as_str().starts_with(REDIRECT_URI));
    location.query_pairs().into_owned().collect()
}

async fn exchange(sandbox: &Router, path: &str, code: &str) -> Response {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI)])
        .extend_pairs([("client_id", "plumbline"), ("client_secret", "sandbox-secret")])
        .extend_pairs([("code_verifier", VERIFIER)])
        .finish();
    let request = Request::post(path)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json");
    send(sandbox, request.body(form.into()).unwrap()).await
}

async fn get(sandbox: &Router, path: &str, token: &Value) -> Response {
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let request = Request::get(path).header(AUTHORIZATION, bearer).header(USER_AGENT, "test");
    send(sandbox, request.body(Body::empty()).unwrap()).await
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[tokio::test]
async fn an_openid_sign_in_works_once() {
    let sandbox = sandbox();
    let returned = authorize(&sandbox, "/oidc/authorize", "new-unverified:t-1").await;
    assert_eq!(returned[1], pair("state", "s-1"));
    let tokens = json_of(exchange(&sandbox, "/oidc/token", &returned[0].1).await).await;
    let userinfo = json_of(get(&sandbox, "/oidc/userinfo", &tokens["access_token"]).await).await;
    assert_eq!(
        (&userinfo["name"], &userinfo["email"], &userinfo["email_verified"]),
        (&json!("t-1"), &json!("t-1@example.test"), &json!(false))
    );

    let replay = exchange(&sandbox, "/oidc/token", &returned[0].1).await;
    assert_eq!(replay.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json_of(replay).await["error"], "invalid_grant");
    let after_replay = get(&sandbox, "/oidc/userinfo", &tokens["access_token"]).await;
    assert_eq!(after_replay.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refusal_comes_back_with_its_state() {
    for path in ["/oidc/authorize", "/github/login/oauth/authorize"] {
        let returned = authorize(&sandbox(), path, "refuse").await;
        assert_eq!(returned[0], pair("error", "access_denied"));
        assert_eq!(returned[2], pair("state", "s-1"));
    }
}

#[tokio::test]
async fn a_github_sign_in_works_once_and_fails_with_status_200() {
    let sandbox = sandbox();
    let returned = authorize(&sandbox, "/github/login/oauth/authorize", "linus").await;
    let path = "/github/login/oauth/access_token";
    let token = json_of(exchange(&sandbox, path, &returned[0].1).await).await;
    let user = json_of(get(&sandbox, "/github/api/user", &token["access_token"]).await).await;
    assert_eq!((&user["id"], &user["login"], &user["email"]), (&json!(1969), &json!("linus"), &json!(null)));
    let emails = json_of(get(&sandbox, "/github/api/user/emails", &token["access_token"]).await).await;
    let expected =
        json!({"email": "linus@example.test", "primary": true, "verified": false, "visibility": "private"});
    assert_eq!(emails, json!([expected]));

    let replay = exchange(&sandbox, path, &returned[0].1).await;
    assert_eq!(replay.status(), StatusCode::OK);
    assert_eq!(json_of(replay).await["error"], "bad_verification_code");
}
