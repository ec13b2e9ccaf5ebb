//! Who gets into the panel, and who becomes an operator.

use http::StatusCode;

use crate::support::{Browser, TestApp, location};

const OPERATORS: &str = "select user_id::text from audit_events where kind = 'operator_added'";

/// Every function of the panel, whoever adds one.
pub(super) fn functions() -> Vec<&'static str> {
    let paths = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path);
    let functions: Vec<_> = paths.filter(|path| path.starts_with("/api/admin/")).collect();
    assert!(functions.contains(&"/api/admin/people/list"), "{functions:?}");
    functions
}

/// A page and a file of the panel. That every page is for operators only is tested where pages are (`app/src/page_tests`).
const PAGES: [&str; 4] = ["/admin/people", "/admin/audit.csv", "/admin/usage.csv", "/admin/usage-people.csv"];

async fn status(browser: &Browser, path: &str) -> u16 {
    browser.clone().get(path).await.status().as_u16()
}

async fn refusal(browser: &Browser, function: &str) -> u16 {
    browser.call(function.trim_start_matches("/api/"), &[]).await.status().as_u16()
}

/// (39)
#[tokio::test(flavor = "multi_thread")]
async fn every_function_of_the_panel_and_its_files_are_for_operators_only() {
    let app = TestApp::start().await;
    let visitor = app.browser();
    let somebody = app.user().await;
    let operator = app.operator().await;
    for function in functions() {
        assert_eq!(refusal(&visitor, function).await, 401, "{function}");
        assert_eq!(refusal(&somebody, function).await, 404, "{function}");
        assert!(![401, 404].contains(&refusal(&operator, function).await), "{function}");
    }
    for page in PAGES {
        let answer = visitor.clone().get(page).await;
        match page.ends_with(".csv") {
            true => assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{page}"),
            false => assert_eq!(location(&answer), format!("/sign-in?return_to={page}")),
        }
        assert_eq!((status(&somebody, page).await, status(&operator, page).await), (404, 200), "{page}");
    }
}

/// (39)
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_operator_any_more_is_out_with_the_next_request() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let id = app.newest_user().await;
    for (command, words, expected) in [
        ("grant", "is an operator now", 200),
        ("grant", "was an operator before", 200),
        ("revoke", "is no operator any more", 404),
    ] {
        let output = app.command().args(["admin", command, &id]).output().expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{id} {words}\n"));
        assert_eq!(status(&browser, "/admin/people").await, expected, "{words}");
    }
    let rows = app
        .database()
        .rows("select kind, detail from audit_events where user_id is not null order by id")
        .await;
    let rows: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let rows: Vec<_> = rows.iter().map(|(kind, detail)| (kind.as_str(), detail.as_str())).collect();
    let by_command = "on the command line";
    assert_eq!(
        rows,
        [("signed_in", "oidc"), ("operator_added", by_command), ("operator_removed", by_command)]
    );
    let nobody = "0190a0b0-0000-7000-8000-00000000ffff";
    let output = app.command().args(["admin", "grant", nobody]).output().expect("it runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("there is no user {nobody}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_operator_is_named_by_a_setting_and_never_by_an_address() {
    let issuer = format!("{}/oidc", std::env::var("SANDBOX_URL").expect("SANDBOX_URL is set"));
    let named = format!("https://elsewhere.example|person-ada, {issuer}|person-grace");
    let app = TestApp::with_env(&[("OPERATORS", &named)], |_| {}).await;
    for (person, expected) in [("ada", 404), ("grace", 200), ("grace", 200)] {
        let mut browser = app.browser();
        let callback = browser.authorize("oidc", person, None).await;
        browser.get(&callback).await;
        assert_eq!(status(&browser, "/admin/people").await, expected, "{person}");
    }
    assert_eq!(app.database().rows(OPERATORS).await.len(), 1, "written down once");
}
