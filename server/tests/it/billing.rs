//! Paying: what is bought, changed, refused and given back.

mod changes;
mod checkout;
mod dunning;
mod events;
mod machine;
mod money_back;
mod overage;
mod periods;
mod prices;
mod reconcile;
mod recovery;
pub mod webhooks;

use app::types::{Offers, Standing};

use crate::support::{Shop, TestApp, billing};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_of_stripe_offers_are_shown_and_nothing_can_be_bought() {
    let app = TestApp::start().await;
    let offers: Offers = app.browser().value("billing/list_offers", &[]).await;
    assert!(!offers.is_open);
    let names: Vec<_> = offers.plans.iter().map(|offer| offer.plan.name.as_str()).collect();
    assert_eq!(names, ["Free", "Pro", "Max"]);
    let browser = app.user().await;
    let (status, _) = browser.error("billing/buy_pack", &[("pack", "credit_10")]).await;
    assert_eq!(status, 400);
    assert_eq!(billing(&browser).await.standing, Standing::Free);
    let webhook = app.browser().request(reqwest::Method::POST, "/webhooks/stripe").send().await;
    assert_eq!(webhook.expect("an answer").status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_made_once_and_differences_are_told() {
    let shop = Shop::without_webhooks().await;
    assert_eq!(shop.stripe.list("prices?limit=100").await.len(), 7);
    let (is_same, told) = sync(&shop, &[], &[]);
    assert!(is_same && told.contains("as the plans say"), "{told}");

    let dearer = std::env::temp_dir().join(format!("plans-{}.toml", uuid::Uuid::now_v7()));
    let plans = include_str!("../../plans.toml").replace("amount_cents = 2_000\n", "amount_cents = 2_500\n");
    std::fs::write(&dearer, plans).expect("written");
    let variables = [("PLANS", dearer.to_str().expect("text"))];
    let (is_same, told) = sync(&shop, &[], &variables);
    assert!(!is_same, "{told}");
    assert!(told.contains("plumbline_pro_month is $20.00 each month at Stripe, but $25.00"), "{told}");
    let (is_same, told) = sync(&shop, &["--replace"], &variables);
    assert!(is_same && told.contains("replaced"), "{told}");
    assert!(sync(&shop, &[], &variables).0, "and then nothing differs");
    std::fs::remove_file(dearer).expect("removed");
}

/// `plumbline stripe sync`: whether nothing differs, and what it said.
fn sync(shop: &Shop, arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = shop.app.command();
    command.args(["stripe", "sync"]).args(arguments).envs(variables.iter().copied());
    let output = command.output().expect("it runs");
    (output.status.success(), String::from_utf8(output.stdout).expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_endpoint_of_another_version_or_without_events_that_matter_is_told() {
    let shop = Shop::without_webhooks().await;
    let (is_same, told) = sync(&shop, &[], &[]);
    assert!(is_same && told.contains("no webhook endpoint") && told.contains("invoice.paid"), "{told}");

    let url = shop.app.url.join("webhooks/stripe").expect("a path");
    let old = [("url", url.as_str()), ("enabled_events[]", "invoice.paid"), ("api_version", "2020-08-27")];
    let old = shop.stripe.post("webhook_endpoints", &old).await;
    let (is_same, told) = sync(&shop, &[], &[]);
    assert!(!is_same && told.contains("2020-08-27") && told.contains("charge.dispute.created"), "{told}");
    assert!(!told.contains("invoice.paid,"), "{told}");

    shop.stripe.delete(&format!("webhook_endpoints/{}", old["id"].as_str().expect("an id"))).await;
    shop.stripe.post("webhook_endpoints", &[("url", url.as_str()), ("enabled_events[]", "*")]).await;
    let (is_same, told) = sync(&shop, &[], &[]);
    assert!(is_same && told.contains("The webhook endpoint is as it should be"), "{told}");
}
