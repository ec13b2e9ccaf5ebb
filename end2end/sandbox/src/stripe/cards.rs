//! The test cards, and how a customer's card behaves when it is charged.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::stripe::objects::Fields;

/// What a card does, apart from what a customer was told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    Works,
    /// Refused whenever it is charged or saved.
    Declined(&'static str),
    /// Works while the customer is there, and is refused when it is charged later.
    DeclinedLater,
    /// Needs 3-D Secure once; then it can be charged later.
    AuthenticatedOnce,
    /// Needs 3-D Secure for every payment.
    AuthenticatedAlways,
}

struct TestCard {
    number: &'static str,
    brand: &'static str,
    habit: Habit,
}

const fn card(number: &'static str, brand: &'static str, habit: Habit) -> TestCard {
    TestCard { number, brand, habit }
}

const CARDS: &[TestCard] = &[
    card("4242424242424242", "visa", Habit::Works),
    card("5555555555554444", "mastercard", Habit::Works),
    card("4000000000000002", "visa", Habit::Declined("generic_decline")),
    card("4000000000009995", "visa", Habit::Declined("insufficient_funds")),
    card("4000000000000069", "visa", Habit::Declined("expired_card")),
    card("4000000000000341", "visa", Habit::DeclinedLater),
    card("4000002500003155", "visa", Habit::AuthenticatedOnce),
    card("4000000000003220", "visa", Habit::AuthenticatedOnce),
    card("4000002760003184", "visa", Habit::AuthenticatedAlways),
];

/// How a customer's payments go from now on, whatever the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CardMode {
    Decline,
    InsufficientFunds,
    RequireAuthentication,
}

/// The modes that were set, by customer, each with the number of payments it is for.
#[derive(Clone, Debug, Default)]
pub(crate) struct CardModes(HashMap<String, (CardMode, Option<u32>)>);

impl CardModes {
    pub(crate) fn set(&mut self, customer: &str, mode: Option<CardMode>, times: Option<u32>) {
        match mode {
            Some(mode) => self.0.insert(customer.to_owned(), (mode, times)),
            None => self.0.remove(customer),
        };
    }

    /// The mode for one payment, which uses it up.
    fn take(&mut self, customer: &str) -> Option<CardMode> {
        let (mode, times) = self.0.get_mut(customer)?;
        let mode = *mode;
        if let Some(times) = times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.0.remove(customer);
            }
        }
        Some(mode)
    }
}

/// Whether the customer is there when the card is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// On a page, before 3-D Secure.
    Present,
    /// On a page, after 3-D Secure was passed.
    Authenticated,
    /// Nobody is there: a renewal or a retry.
    Away,
}

/// What the bank says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Approved,
    /// With Stripe's decline code.
    Declined(&'static str),
    NeedsAuthentication,
}

/// Charges a card on paper: what would the bank say?
pub(crate) fn judge(modes: &mut CardModes, customer: &str, method: &Value, presence: Presence) -> Verdict {
    match modes.take(customer) {
        Some(CardMode::Decline) => return Verdict::Declined("generic_decline"),
        Some(CardMode::InsufficientFunds) => return Verdict::Declined("insufficient_funds"),
        Some(CardMode::RequireAuthentication) if presence != Presence::Authenticated => {
            return Verdict::NeedsAuthentication;
        }
        _ => {}
    }
    let habit = habit_of_last4(method["card"].text("last4"));
    match (habit, presence) {
        (Habit::Declined(code), _) => Verdict::Declined(code),
        (Habit::DeclinedLater, Presence::Away) => Verdict::Declined("generic_decline"),
        (Habit::AuthenticatedOnce, Presence::Present) => Verdict::NeedsAuthentication,
        (Habit::AuthenticatedAlways, Presence::Present | Presence::Away) => Verdict::NeedsAuthentication,
        _ => Verdict::Approved,
    }
}

/// Whether a card can be saved for later.
pub(crate) fn judge_saving(method: &Value, presence: Presence) -> Verdict {
    judge(&mut CardModes::default(), "", method, presence)
}

/// The `card` of a payment method, or `None` for a number that is no test card.
pub(crate) fn describe(number: &str) -> Option<Value> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let card = CARDS.iter().find(|card| card.number == digits)?;
    Some(json!({
        "brand": card.brand,
        "checks": {"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"},
        "country": "US", "display_brand": card.brand, "exp_month": 12, "exp_year": 2040,
        "fingerprint": format!("sandbox{}", &digits[digits.len() - 4..]),
        "funding": "credit", "generated_from": null, "last4": digits[digits.len() - 4..],
        "networks": {"available": [card.brand], "preferred": null},
        "three_d_secure_usage": {"supported": true}, "wallet": null, "regulated_status": null,
    }))
}

/// The number behind `pm_card_…`, Stripe's ready-made payment methods.
pub(crate) fn number_of_token(token: &str) -> Option<&'static str> {
    match token {
        "pm_card_visa" => Some("4242424242424242"),
        "pm_card_mastercard" => Some("5555555555554444"),
        "pm_card_chargeDeclined" => Some("4000000000000002"),
        "pm_card_chargeDeclinedInsufficientFunds" => Some("4000000000009995"),
        "pm_card_chargeCustomerFail" => Some("4000000000000341"),
        "pm_card_authenticationRequiredOnSetup" => Some("4000002500003155"),
        "pm_card_threeDSecure2Required" => Some("4000000000003220"),
        "pm_card_authenticationRequired" => Some("4000002760003184"),
        _ => None,
    }
}

/// Stripe's words for a refused payment: `type`, `code`, `decline_code`, `message`.
pub(crate) fn decline_details(code: &str) -> Value {
    let (error_code, message) = match code {
        "insufficient_funds" => ("card_declined", "Your card has insufficient funds."),
        "expired_card" => ("expired_card", "Your card has expired."),
        _ => ("card_declined", "Your card was declined."),
    };
    json!({"type": "card_error", "code": error_code, "decline_code": code, "message": message})
}

fn habit_of_last4(last4: &str) -> Habit {
    CARDS.iter().find(|card| card.number.ends_with(last4)).map_or(Habit::Works, |card| card.habit)
}
