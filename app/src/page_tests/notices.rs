//! What no mail could tell, and which mails one gets.

use super::{open, somebody};
use crate::types::Actor;

#[tokio::test]
async fn the_newest_notice_stands_above_every_page_and_all_of_them_on_the_billing_page() {
    let page = open("/usage", somebody()).await;
    assert_eq!(
        (page.count("data-testid=\"notice-banner\""), page.count("data-testid=\"notice-row\"")),
        (1, 0)
    );
    assert!(page.html.contains("You have &lt;Max&gt; now") && page.html.contains("1 more"));
    assert_eq!(page.count("action=\"/api/notices/dismiss_notice\""), 1, "a plain form");
    let page = open("/billing", somebody()).await;
    assert_eq!(page.count("data-testid=\"notice-row\""), 2);
    let page = open("/pricing", Actor::default()).await;
    assert_eq!(page.count("data-testid=\"notice-banner\""), 0);
}

#[tokio::test]
async fn each_kind_of_mail_that_can_be_turned_off_has_a_plain_form() {
    let page = open("/account", somebody()).await;
    assert_eq!(page.count("action=\"/api/notices/switch_mail\""), 2);
    assert!(page.html.contains("aria-label=\"Turn off: A card that is about to expire\""));
    assert!(page.html.contains("aria-label=\"Turn on: Spending that reaches 50, 80 or 100 %"));
    assert!(page.html.contains("You have no verified address"));
}
