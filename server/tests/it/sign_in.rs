//! Signing in and out.

use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, LOCATION, SET_COOKIE};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::support::{Browser, TestApp, location};

async fn audit(app: &TestApp) -> Vec<String> {
    let rows = app.database().rows("select kind || ' ' || detail from audit_events order by id").await;
    rows.iter().map(|row| row.get(0)).collect()
}

async fn sessions(app: &TestApp) -> i64 {
    app.database().number("select count(*) from sessions").await
}

/// The callback with one parameter replaced.
fn with_parameter(callback: &str, name: &str, value: &str) -> String {
    let mut url: Url = callback.parse().expect("a URL");
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(key, value)| (key.into(), value.into()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
    url.into()
}

/// (1)
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_with_a_missing_foreign_or_reused_state_signs_nobody_in() {
    let app = TestApp::start().await;
    let mut victim = app.browser();
    let callback = victim.authorize("oidc", "new:victim", None).await;

    let without_state = callback.split("&state=").next().expect("a code").to_owned();
    let unknown_state = with_parameter(&callback, "state", "guessed");
    // The attacker's own code and state, opened in the victim's browser: login CSRF.
    let mut attacker = app.browser();
    let foreign = attacker.authorize("oidc", "new:attacker", None).await;
    for forged in [without_state, unknown_state, foreign] {
        assert_eq!(victim.get(&forged).await.status(), StatusCode::BAD_REQUEST, "{forged}");
        assert!(!victim.is_signed_in());
    }
    assert_eq!(sessions(&app).await, 0);
    assert_eq!(audit(&app).await, ["sign_in_refused oidc: Stale"; 3]);

    assert_eq!(location(&victim.get(&callback).await), "/chat");
    let mut fresh = app.browser();
    fresh.cookies.extend(victim.cookies.clone());
    fresh.cookies.remove("__Host-session");
    assert_eq!(fresh.get(&callback).await.status(), StatusCode::BAD_REQUEST, "a state works once");
    assert_eq!(sessions(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_nobody_we_know_is_not_found_and_writes_nothing_into_the_audit_log() {
    let app = TestApp::start().await;
    for provider in ["nobody", "%00", "oidc%20", "words%20of%20a%20stranger"] {
        let callback = format!("/auth/{provider}/callback?state=guessed&code=guessed");
        assert_eq!(app.browser().get(&callback).await.status(), StatusCode::NOT_FOUND, "{provider}");
    }
    assert!(audit(&app).await.is_empty());
}

/// (1)
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_nonce_audience_key_or_expired_proof_signs_nobody_in() {
    let app = TestApp::start().await;
    for fault in ["wrong_nonce", "wrong_audience", "wrong_key", "expired"] {
        let mut browser = app.browser();
        let callback = browser.authorize("oidc", &format!("new:{fault}&sandbox_fault={fault}"), None).await;
        let response = browser.get(&callback).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{fault}");
        assert!(response.text().await.expect("a page").contains("does not prove who you are"));
        assert!(!browser.is_signed_in());
    }
    assert_eq!(sessions(&app).await, 0);
    assert_eq!(audit(&app).await, ["sign_in_refused oidc: NotProved"; 4]);
}

/// (1)
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_pkce_verifier_signs_nobody_in() {
    let app = TestApp::start().await;
    for provider in ["oidc", "github"] {
        let mut browser = app.browser();
        let callback = browser.authorize(provider, "new:pkce", None).await;
        app.database().execute("update sign_in_flows set pkce_verifier = repeat('x', 43)").await;
        assert_eq!(browser.get(&callback).await.status(), StatusCode::BAD_REQUEST, "{provider}");
        assert!(!browser.is_signed_in());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_took_too_long_must_be_begun_again() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let callback = browser.authorize("oidc", "new:slow", None).await;
    app.database().execute("update sign_in_flows set expires_at = now() - interval '1 second'").await;
    assert_eq!(browser.get(&callback).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_of_one_browser_can_sign_in_side_by_side() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let first = browser.authorize("oidc", "new:two-windows", Some("/usage")).await;
    let second = browser.authorize("oidc", "new:two-windows", Some("/account")).await;
    assert_eq!(location(&browser.get(&first).await), "/usage");
    assert_eq!(location(&browser.get(&second).await), "/account");
    assert_eq!(app.database().number("select count(*) from users").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_declines_at_the_provider_is_asked_again_and_keeps_their_way() {
    let app = TestApp::start().await;
    for provider in ["oidc", "github"] {
        let mut browser = app.browser();
        let callback = browser.authorize(provider, "refuse", Some("/usage")).await;
        assert_eq!(location(&browser.get(&callback).await), "/sign-in?error=refused&return_to=/usage");
    }
    assert_eq!(sessions(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_said_to_be_away() {
    let app = TestApp::with(|config| {
        for oidc in &mut config.sign_in.oidc {
            oidc.issuer = "http://127.0.0.1:9/".parse().expect("a URL");
        }
    })
    .await;
    let began = app.browser().get("/auth/oidc/start?return_to=/usage").await;
    assert_eq!(location(&began), "/sign-in?error=unavailable&return_to=/usage");
    assert_eq!(app.browser().get("/auth/nobody/start").await.status(), StatusCode::NOT_FOUND);
}

/// (2, 3)
#[tokio::test(flavor = "multi_thread")]
async fn an_unverified_email_equal_to_somebodys_does_not_open_their_account() {
    let app = TestApp::start().await;
    let mut owner = app.browser();
    owner.sign_in("owner").await;
    let mut attacker = app.browser();
    let callback = attacker.authorize("github", "new-unverified:attacker:owner@example.test", None).await;
    attacker.get(&callback).await;

    let user: Value = attacker.value("account/read_user", &[]).await;
    assert_eq!(user["email"], "owner@example.test");
    assert_eq!(user["has_verified_email"], false);
    assert_eq!(app.database().number("select count(*) from users").await, 2);
    assert_eq!(app.database().number("select count(distinct account_id) from users").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_finds_the_same_person_and_what_changed() {
    let app = TestApp::start().await;
    for provider in ["oidc", "github"] {
        for _ in 0..2 {
            let mut browser = app.browser();
            let callback = browser.authorize(provider, "new:same", None).await;
            assert_eq!(location(&browser.get(&callback).await), "/chat");
        }
    }
    let rows = app.database().rows("select issuer, subject from identities").await;
    assert_eq!(rows.len(), 2, "one identity for each provider");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_an_email_address_can_sign_in() {
    let app = TestApp::start().await;
    for provider in ["oidc", "github"] {
        let mut browser = app.browser();
        let callback = browser.authorize(provider, "new-without-email:nobody", None).await;
        assert_eq!(location(&browser.get(&callback).await), "/chat");
        let user: Value = browser.value("account/read_user", &[]).await;
        assert_eq!(user["email"], Value::Null);
    }
}

/// (4)
#[tokio::test(flavor = "multi_thread")]
async fn after_signing_in_nobody_is_sent_to_another_site() {
    let app = TestApp::start().await;
    for evil in [
        "//evil.test",
        "/\\evil.test",
        "/%5Cevil.test",
        "/\t/evil.test",
        "https://evil.test/",
        "javascript:1",
    ] {
        let mut browser = app.browser();
        let callback = browser.authorize("oidc", "new:traveller", Some(evil)).await;
        assert_eq!(location(&browser.get(&callback).await), "/", "{evil:?}");
    }
    let mut browser = app.browser();
    let callback = browser.authorize("oidc", "new:traveller", Some("/usage?x=1")).await;
    assert_eq!(location(&browser.get(&callback).await), "/usage?x=1");
}

/// (5)
#[tokio::test(flavor = "multi_thread")]
async fn the_session_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let callback = browser.authorize("oidc", "new:cookie", None).await;
    let response = browser.get(&callback).await;
    let cookies: Vec<_> =
        response.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().expect("text")).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("__Host-session=")).expect("a session");
    for attribute in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
        assert!(session.contains(attribute), "{session}");
    }
    assert!(!session.contains("Domain"));
    let token = &browser.cookies["__Host-session"];
    let stored = format!("select count(*) from sessions s where s::text like '%{token}%'");
    assert_eq!(app.database().number(&stored).await, 0, "only a hash is stored");
}

/// (5)
#[tokio::test(flavor = "multi_thread")]
async fn signing_in_replaces_the_session_this_browser_had() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    let old = browser.clone();
    browser.sign_in("somebody-else").await;
    assert_ne!(old.cookies["__Host-session"], browser.cookies["__Host-session"]);
    assert_eq!(old.error("quota/read_quota", &[]).await.0, 401);
}

/// (5)
#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_at_once() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let response = browser.call("account/sign_out", &[]).await;
    assert!(response.status().is_success(), "{}", response.status());

    let (status, error) = browser.error("quota/read_quota", &[]).await;
    assert_eq!((status, error), (401, json!({ "type": "sign_in_required" })));
    let mut browser = browser;
    browser.get("/").await;
    assert!(!browser.is_signed_in(), "the cookie is taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_begins_or_ends_without_its_row_in_the_audit_log() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let mut stranger = app.browser();
    let callback = stranger.authorize("oidc", "new:stranger", None).await;
    app.database().refuse_audit_events().await;
    for function in ["account/sign_out", "account/sign_out_everywhere"] {
        assert_eq!(browser.call(function, &[]).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(sessions(&app).await, 1, "{function}");
    }
    assert_eq!(stranger.get(&callback).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!stranger.is_signed_in());
    assert_eq!(sessions(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_ends_the_sessions_of_every_device() {
    let app = TestApp::start().await;
    let (mut laptop, mut phone) = (app.browser(), app.browser());
    laptop.sign_in("two-devices").await;
    phone.sign_in("two-devices").await;
    let sessions: Vec<Value> = laptop.value("account/list_sessions", &[]).await;
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["is_current"], true);
    assert_eq!(sessions[0]["device"], "Firefox on Linux");

    laptop.call("account/sign_out_everywhere", &[]).await;
    for browser in [laptop, phone] {
        assert_eq!(browser.error("account/list_sessions", &[]).await.0, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_device_can_be_signed_out_from_another_but_not_by_somebody_else() {
    let app = TestApp::start().await;
    let (mut laptop, mut phone) = (app.browser(), app.browser());
    laptop.sign_in("owner").await;
    phone.sign_in("owner").await;
    let sessions: Vec<Value> = laptop.value("account/list_sessions", &[]).await;
    let phones = sessions[1]["id"].as_str().expect("an id").to_owned();

    let stranger = app.user().await;
    assert_eq!(stranger.error("account/revoke_session", &[("id", &phones)]).await.0, 404);
    assert!(laptop.call("account/revoke_session", &[("id", &phones)]).await.status().is_success());
    assert_eq!(phone.error("account/list_sessions", &[]).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_nobody_used_for_long_or_past_its_end_is_over() {
    let app = TestApp::start().await;
    for change in ["last_seen_at = now() - interval '15 days'", "expires_at = now()"] {
        let browser = app.user().await;
        app.database().execute(&format!("update sessions set {change}")).await;
        assert_eq!(browser.error("account/list_sessions", &[]).await.0, 401, "{change}");
    }
}

/// Sessions and people are locked in either order: whoever is seen waits for nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_row_is_being_changed_goes_on_using_the_product() {
    let app = TestApp::start().await;
    let (browser, database) = (app.user().await, app.database());
    let seen = async || database.rows("select last_seen_at::text from users").await[0].get::<_, String>(0);
    let age = "update sessions set last_seen_at = now() - interval '10 minutes'";
    let before = seen().await;

    for statement in [age, "begin; select from users for update"] {
        database.execute(statement).await;
    }
    assert!(browser.call("account/list_sessions", &[]).await.status().is_success());
    database.execute("commit").await;
    assert_eq!(seen().await, before, "not noted this time");

    database.execute(age).await;
    assert!(browser.call("account/list_sessions", &[]).await.status().is_success());
    assert_ne!(seen().await, before, "but the next");
}

/// (6)
#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_make_a_browser_change_anything() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let attempts = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.test"),
        ("origin", "null"),
    ];
    for (name, value) in attempts {
        let response = forged(&browser, Method::POST, &[(name, value)]).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{name}: {value}");
        assert!(response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN).is_none());
    }
    // Following a link is allowed from anywhere, so it must change nothing.
    let response = forged(&browser, Method::GET, &[("sec-fetch-site", "cross-site")]).await;
    assert!(response.status().is_client_error(), "{}", response.status());
    assert_eq!(sessions(&app).await, 1, "still signed in");
}

/// (6)
#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_never_sent_back_to_another_site() {
    let app = TestApp::start().await;
    let browser = app.browser();
    // A form without JavaScript is answered by a redirect to where it came from, with the error in the address.
    let response = browser
        .request(Method::POST, "/api/account/revoke_session")
        .header("accept", "text/html")
        .header("referer", "https://evil.test/page")
        .form(&[("id", "00000000-0000-0000-0000-000000000000")])
        .send()
        .await
        .expect("an answer");
    let target = response.headers().get(LOCATION).map(|value| value.to_str().expect("text").to_owned());
    assert!(target.as_deref().is_none_or(|target| !target.contains("evil.test")), "{target:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_javascript_is_led_back_to_its_page_which_says_what_went_wrong() {
    let app = TestApp::start().await;
    let mut browser = app.user().await;
    let response = browser
        .request(Method::POST, "/api/account/revoke_session")
        .header("accept", "text/html")
        .header("referer", app.url.join("account").expect("an address").as_str())
        .form(&[("id", "00000000-0000-0000-0000-000000000000")])
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), StatusCode::FOUND);
    let address = location(&response);
    let page = browser.get(&address).await.text().await.expect("a page");
    assert!(page.contains("There is nothing here, or it is not yours."), "{page}");

    // A link that somebody else has made of it leads to the page, and puts no words into it.
    let mut link = browser.request(Method::GET, &address).build().expect("a request");
    link.headers_mut().insert("sec-fetch-site", "cross-site".parse().expect("a value"));
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let answer = http.expect("a client").execute(link).await.expect("an answer");
    assert_eq!(location(&answer), "/account");
}

async fn forged(browser: &Browser, method: Method, headers: &[(&'static str, &str)]) -> reqwest::Response {
    let mut request = browser.request(method, "/api/account/sign_out").build().expect("a request");
    request.headers_mut().remove("sec-fetch-site");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().expect("a value"));
    }
    reqwest::Client::new().execute(request).await.expect("an answer")
}
