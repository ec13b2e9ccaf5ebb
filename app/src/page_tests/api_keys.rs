//! The keys that programs call the API with.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use leptos::prelude::provide_context;

use super::fakes::backend;
use super::fakes::billing::Fake;
use super::{Page, open, render, somebody};
use crate::api::PostedApiKey;
use crate::types::CreatedApiKey;
use crate::{ApiError, ApiResult};

/// The answer to the form that was sent without JavaScript.
async fn post(answer: ApiResult<CreatedApiKey>) -> Page {
    let request = Request::builder().method(Method::POST).uri("/api-keys");
    let request = request.header(header::ACCEPT, "text/html").extension(somebody());
    let context = move || {
        provide_context(backend(Fake::subscribed()));
        provide_context(PostedApiKey(answer.clone()));
    };
    render(request.body(Body::empty()).expect("a request"), context).await
}

#[tokio::test]
async fn keys_are_listed_by_their_ends_with_when_they_were_used() {
    let page = open("/api-keys", somebody()).await;
    assert_eq!((page.status, page.count("data-testid=\"key-row\"")), (StatusCode::OK, 2));
    for text in ["The &lt;nightly&gt; job", "plb_…x_9Z", "plb_…0aB-", "never"] {
        assert!(page.html.contains(text), "{text}");
    }
    assert_eq!(page.count("data-testid=\"new-key\""), 0);
}

#[tokio::test]
async fn a_key_is_made_by_a_plain_form_and_revoked_by_another_that_asks_first() {
    let page = open("/api-keys", somebody()).await;
    assert_eq!(page.count("method=\"post\" action=\"/api-keys\""), 1);
    assert_eq!(page.count("action=\"/api/api_keys/revoke_api_key\""), 2);
    assert_eq!((page.count("popover=\"auto\" role=\"group\""), page.count("Revoke “Laptop”?")), (2, 2));
    assert_eq!(page.count("popovertarget=\"revoke-00000000-0000-0000-0000-000000000001\""), 2);
}

#[tokio::test]
async fn what_a_key_has_cost_is_shown_and_what_it_may_cost_is_set_by_plain_forms() {
    let page = open("/api-keys", somebody()).await;
    for text in ["$1.20 of its cap of $5.00 spent", "$1.20 spent", "76% left", "name=\"cap\""] {
        assert!(page.html.contains(text), "{text}");
    }
    assert_eq!(page.count("action=\"/api/caps/set_cap\""), 2);
    assert_eq!(page.count("action=\"/api/caps/remove_cap\""), 1, "of the key that has one");
    assert_eq!(page.count("name=\"thread_id\" value=\"00000000-0000-0000-0000-000000000002\""), 2);
    assert_eq!((page.count("name=\"is_hard\" value=\"true\""), page.count("type=\"radio\"")), (2, 0));
}

#[tokio::test]
async fn the_page_says_where_the_api_is_and_how_to_call_it() {
    let page = open("/api-keys", somebody()).await;
    assert!(page.html.contains("data-testid=\"base-url\">https://plumbline.example/v1<"));
    assert!(page.html.contains("curl https://plumbline.example/v1/chat/completions"));
    assert!(page.html.contains("Authorization: Bearer $PLUMBLINE_API_KEY"));
}

#[tokio::test]
async fn without_javascript_the_answer_is_the_page_with_the_key() {
    let page = post(Ok(CreatedApiKey { name: "Laptop".to_owned(), secret: "plb_secret".to_owned() })).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("data-testid=\"new-key-secret\">plb_secret<"), "{}", page.html);
    assert!(page.html.contains("Your new key “Laptop”") && page.html.contains("it is not shown again"));
    assert_eq!(page.count("data-testid=\"key-row\""), 2);
}

#[tokio::test]
async fn without_javascript_a_refusal_is_said_at_the_form() {
    let page = post(Err(ApiError::invalid("Give the key a name."))).await;
    assert!(page.html.contains("aria-invalid=\"true\"") && page.html.contains("Give the key a name."));
    assert_eq!(page.count("data-testid=\"new-key\""), 0);
}

#[tokio::test]
async fn the_menu_and_the_account_lead_to_the_keys() {
    let page = open("/account", somebody()).await;
    assert_eq!(page.count("href=\"/api-keys\""), 2);
}
