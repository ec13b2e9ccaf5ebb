//! Deleting one's account.

use http::StatusCode;

use super::fakes::LEAVING;
use super::fakes::erasure::{SUBSCRIBED, SUSPENDED};
use super::{open, signed_in, somebody};

#[tokio::test]
async fn the_account_page_leads_to_ones_data_and_to_deleting_the_account() {
    let page = open("/account", somebody()).await;
    assert_eq!(page.count("href=\"/account/export.json\" rel=\"external\" download"), 1);
    assert_eq!((page.count("href=\"/account/delete\""), page.count("erasure-banner")), (1, 0));
}

#[tokio::test]
async fn deleting_the_account_says_what_happens_when_and_asks_for_a_tick() {
    let page = open("/account/delete", somebody()).await;
    assert_eq!(page.status, StatusCode::OK);
    for text in ["14 December 2026", "API keys", "accounting law", "$0.48 of credit", "export.json"] {
        assert!(page.html.contains(text), "{text}: {}", page.html);
    }
    assert_eq!(page.count("action=\"/api/erasure/request_erasure\""), 1);
    assert_eq!(page.count("type=\"checkbox\" name=\"is_confirmed\" value=\"true\" required"), 1);
}

#[tokio::test]
async fn what_comes_first_is_said_with_the_way_on() {
    let page = open("/account/delete", signed_in(SUBSCRIBED)).await;
    assert!(page.html.contains("Your subscription to Pro would go on."));
    assert_eq!((page.count("href=\"/billing/cancel\""), page.count("request_erasure")), (1, 0));
    let page = open("/account/delete", signed_in(SUSPENDED)).await;
    assert!(page.html.contains("Your account is suspended"));
    assert_eq!(
        page.count("href=\"mailto:help@example.com\" rel=\"external\" class=\"button\""),
        1,
        "{}",
        page.html
    );
}

#[tokio::test]
async fn until_it_is_erased_every_page_says_when_and_offers_to_keep_it() {
    for path in ["/account", "/account/delete", "/usage", "/chat"] {
        let page = open(path, signed_in(LEAVING)).await;
        assert_eq!(page.count("data-testid=\"erasure-banner\""), 1, "{path}");
        assert_eq!(page.count("action=\"/api/erasure/withdraw_erasure\""), 1, "{path}");
        assert!(page.html.contains("14 December 2026"), "{path}");
        assert_eq!(page.count("request_erasure"), 0, "{path}");
    }
}
