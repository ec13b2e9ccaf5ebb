use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::support::{Browser, GOOD_CARD, Shop};

const DECLINED_CARD: &str = "4000000000000002";

/// Something that happens. What is impossible at the moment is refused, and changes nothing.
#[derive(Clone, Debug)]
pub enum Action {
    Subscribe {
        plan: &'static str,
        interval: &'static str,
        card: &'static str,
    },
    /// None: whoever is led to Stripe's page leaves it unpaid.
    Change {
        plan: &'static str,
        interval: &'static str,
        card: Option<&'static str>,
    },
    Cancel,
    Resume,
    BuyPack {
        pack: &'static str,
        card: &'static str,
    },
    /// Stripe's name of a card that is to pay from now on.
    NewCard(&'static str),
    /// How payments go from now on; None: as the card does.
    CardMode(Option<&'static str>),
    /// Somebody pays everything that is open.
    PayOpen,
    /// The button of the banner, and the page it leads to.
    PayNow {
        card: &'static str,
    },
    Refund {
        charge: usize,
        percent: i64,
    },
    Dispute {
        charge: usize,
    },
    Decide {
        is_won: bool,
    },
    /// How webhooks travel from now on.
    Channel(Value),
}

pub fn action() -> impl Strategy<Value = Action> {
    use Action::*;

    let plan = || select(vec!["pro", "max"]);
    let interval = || select(vec!["month", "month", "month", "year"]);
    let card = || select(vec![GOOD_CARD, GOOD_CARD, GOOD_CARD, DECLINED_CARD]);
    let cards =
        vec!["pm_card_visa", "pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"];
    let channel = (0..=60_u8, 0..=2_u8, any::<bool>(), 0..=20_u8, any::<bool>());
    let channel = channel.prop_map(|(drop_percent, duplicates, shuffle, delay_ms, hold)| {
        Channel(json!({
            "drop_percent": drop_percent, "duplicates": duplicates, "shuffle": shuffle, "delay_ms": delay_ms, "hold": hold,
        }))
    });
    prop_oneof![
        4 => (plan(), interval(), card()).prop_map(|(plan, interval, card)| Subscribe { plan, interval, card }),
        4 => (plan(), interval(), prop::option::of(card()))
            .prop_map(|(plan, interval, card)| Change { plan, interval, card }),
        1 => Just(Cancel),
        1 => Just(Resume),
        2 => (select(vec!["credit_10", "credit_50"]), card()).prop_map(|(pack, card)| BuyPack { pack, card }),
        2 => select(cards).prop_map(NewCard),
        3 => select(vec![None, Some("decline"), Some("require_authentication")]).prop_map(CardMode),
        2 => Just(PayOpen),
        2 => card().prop_map(|card| PayNow { card }),
        1 => (0..4_usize, 1..=100_i64).prop_map(|(charge, percent)| Refund { charge, percent }),
        1 => (0..4_usize).prop_map(|charge| Dispute { charge }),
        1 => any::<bool>().prop_map(|is_won| Decide { is_won }),
        2 => channel,
    ]
}

pub async fn take(shop: &Shop, browser: &Browser, action: &Action) {
    match action {
        Action::Subscribe { plan, interval, card } => {
            let page = ask(browser, "begin_checkout", &[("plan", plan), ("interval", interval)]).await;
            pay(shop, page, card).await;
        }
        Action::Change { plan, interval, card } => {
            let page = ask(browser, "change_plan", &[("plan", plan), ("interval", interval)]).await;
            if let Some(card) = card {
                pay(shop, page, card).await;
            }
        }
        Action::Cancel => drop(ask(browser, "cancel_subscription", &[]).await),
        Action::Resume => drop(ask(browser, "resume_subscription", &[]).await),
        Action::BuyPack { pack, card } => {
            let page = ask(browser, "buy_pack", &[("pack", pack)]).await;
            pay(shop, page, card).await;
        }
        Action::NewCard(card) => replace_card(shop, card).await,
        Action::CardMode(mode) => {
            for customer in shop.stripe.list("customers").await {
                shop.stripe.set_card_mode(id_of(&customer), *mode).await;
            }
        }
        Action::PayOpen => {
            for invoice in shop.stripe.list("invoices?status=open&limit=100").await {
                shop.stripe.post(&format!("invoices/{}/pay", id_of(&invoice)), &[]).await;
            }
        }
        Action::PayNow { card } => {
            let page = ask(browser, "open_portal", &[("page", "unpaid_invoice")]).await;
            pay(shop, page, card).await;
        }
        Action::Refund { charge, percent } => {
            if let Some(charge) = undisputed_charge(shop, *charge).await {
                let cents = |name: &str| charge[name].as_i64().expect("cents");
                let left = cents("amount") - cents("amount_refunded");
                let amount = (left * percent / 100).max(1).to_string();
                shop.stripe.post("refunds", &[("charge", id_of(&charge)), ("amount", &amount)]).await;
            }
        }
        Action::Dispute { charge } => {
            if let Some(charge) = undisputed_charge(shop, *charge).await {
                shop.stripe.control("disputes", json!({ "charge": charge["id"] })).await;
            }
        }
        Action::Decide { is_won } => {
            let disputes = shop.stripe.list("disputes?limit=100").await;
            if let Some(open) = disputes.iter().find(|dispute| dispute["status"] == "needs_response") {
                let close = format!("disputes/{}/close", id_of(open));
                shop.stripe.control(&close, json!({ "won": is_won })).await;
            }
        }
        Action::Channel(faults) => drop(shop.stripe.control("webhooks/faults", faults.clone()).await),
    }
}

/// Asks for something as a form does; where one is sent then. None: it was refused, which is no fault of ours.
async fn ask(browser: &Browser, function: &str, fields: &[(&str, &str)]) -> Option<String> {
    let request = browser.request(reqwest::Method::POST, &format!("/api/billing/{function}"));
    let answer = request.header("accept", "application/json").form(fields).send().await.expect("an answer");
    let status = answer.status();
    let page = answer.headers().get("location").map(|page| page.to_str().expect("text").to_owned());
    let body = answer.text().await.expect("text");
    assert!(status.as_u16() < 500, "{function} {fields:?} answered {status}: {body}");
    page
}

/// Pays on a page of Stripe's, if it is one.
async fn pay(shop: &Shop, page: Option<String>, card: &str) {
    if let Some(page) = page.filter(|page| page.contains("/checkout/") || page.contains("/invoices/")) {
        shop.stripe.pay(&page, card).await;
    }
}

/// As the portal does.
async fn replace_card(shop: &Shop, card: &str) {
    for customer in shop.stripe.list("customers").await {
        let attach = format!("payment_methods/{card}/attach");
        let method = shop.stripe.post(&attach, &[("customer", id_of(&customer))]).await;
        let default = [("invoice_settings[default_payment_method]", id_of(&method))];
        shop.stripe.post(&format!("customers/{}", id_of(&customer)), &default).await;
    }
    for subscription in shop.stripe.list("subscriptions").await {
        let cleared = [("default_payment_method", "")];
        shop.stripe.post(&format!("subscriptions/{}", id_of(&subscription)), &cleared).await;
    }
}

/// Stripe gives nothing back of what is disputed.
async fn undisputed_charge(shop: &Shop, number: usize) -> Option<Value> {
    let charges = shop.stripe.list("charges?limit=100").await;
    let good = charges.into_iter().filter(|charge| charge["paid"] == true && charge["disputed"] == false);
    good.filter(|charge| charge["refunded"] == false).nth(number)
}

fn id_of(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}
