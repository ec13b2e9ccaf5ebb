//! Payment intents and charges.

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::cards::{self, Presence, Verdict};
use crate::stripe::objects::Fields;

/// What a payment is for.
pub(crate) struct Payment<'a> {
    pub(crate) customer: Option<&'a str>,
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) metadata: Value,
}

/// Opens a payment intent that waits for a card.
pub(crate) fn open(books: &mut Books, payment: Payment<'_>) -> Value {
    let mut intent = books.draft(
        "payment_intent",
        json!({
            "customer": payment.customer, "amount": payment.amount, "currency": payment.currency,
            "description": payment.description, "metadata": payment.metadata,
        }),
    );
    intent["client_secret"] = format!("{}_secret_sandbox", intent.text("id")).into();
    books.objects.insert(intent.clone());
    books.tell("payment_intent.created", &intent);
    intent
}

/// Charges a card for a payment intent. Without a card the intent stays as it is.
pub(crate) fn confirm(books: &mut Books, intent: &str, method: Option<&str>, presence: Presence) -> Verdict {
    let Some(method) = method.and_then(|id| books.objects.live("payment_method", id)).cloned() else {
        return Verdict::Declined("missing_payment_method");
    };
    let customer =
        books.objects.get(intent).map(|intent| intent.text("customer").to_owned()).unwrap_or_default();
    let verdict = cards::judge(&mut books.card_modes, &customer, &method, presence);
    match verdict {
        Verdict::Approved => succeed(books, intent, &method),
        Verdict::Declined(code) => fail(books, intent, &method, code),
        Verdict::NeedsAuthentication => require_action(books, intent, &method),
    }
    verdict
}

/// Gives a payment intent up, as when its invoice is voided.
pub(crate) fn cancel(books: &mut Books, intent: &str, reason: &str) {
    let now = books.now();
    let canceled = books.edit(intent, |intent| {
        intent["status"] = "canceled".into();
        intent["canceled_at"] = now.into();
        intent["cancellation_reason"] = reason.into();
        intent["next_action"] = Value::Null;
    });
    books.tell("payment_intent.canceled", &canceled);
}

fn succeed(books: &mut Books, intent: &str, method: &Value) {
    let charge = new_charge(books, intent, method, None);
    let intent = books.edit(intent, |intent| {
        intent["status"] = "succeeded".into();
        intent["amount_received"] = intent["amount"].clone();
        intent["payment_method"] = method["id"].clone();
        intent["latest_charge"] = charge["id"].clone();
        intent["last_payment_error"] = Value::Null;
        intent["next_action"] = Value::Null;
    });
    books.tell("payment_intent.succeeded", &intent);
    books.tell("charge.succeeded", &charge);
}

fn fail(books: &mut Books, intent: &str, method: &Value, code: &str) {
    let charge = new_charge(books, intent, method, Some(code));
    let mut error = cards::decline_details(code);
    error["charge"] = charge["id"].clone();
    error["payment_method"] = method.clone();
    let intent = books.edit(intent, |intent| {
        intent["status"] = "requires_payment_method".into();
        intent["payment_method"] = Value::Null;
        intent["latest_charge"] = charge["id"].clone();
        intent["last_payment_error"] = error;
        intent["next_action"] = Value::Null;
    });
    books.tell("charge.failed", &charge);
    books.tell("payment_intent.payment_failed", &intent);
}

fn require_action(books: &mut Books, intent: &str, method: &Value) {
    let intent = books.edit(intent, |intent| {
        intent["status"] = "requires_action".into();
        intent["payment_method"] = method["id"].clone();
        intent["next_action"] = json!({"type": "use_stripe_sdk", "use_stripe_sdk": {}});
    });
    books.tell("payment_intent.requires_action", &intent);
}

fn new_charge(books: &mut Books, intent: &str, method: &Value, failure: Option<&str>) -> Value {
    let intent = books.objects.get(intent).cloned().unwrap_or_default();
    let details = failure.map(cards::decline_details);
    let is_paid = failure.is_none();
    let mut charge = books.draft(
        "charge",
        json!({
            "amount": intent["amount"], "amount_captured": if is_paid { intent.integer("amount") } else { 0 },
            "currency": intent["currency"], "customer": intent["customer"], "payment_intent": intent["id"],
            "description": intent["description"], "metadata": intent["metadata"], "paid": is_paid,
            "captured": is_paid, "status": if is_paid { "succeeded" } else { "failed" },
            "failure_code": details.as_ref().map(|details| details["code"].clone()),
            "failure_message": details.as_ref().map(|details| details["message"].clone()),
            "outcome": outcome(failure), "payment_method": method["id"],
            "payment_method_details": card_details(&method["card"]),
            "billing_details": method["billing_details"],
        }),
    );
    if is_paid {
        charge["balance_transaction"] = books.new_id_with("txn").into();
        charge["receipt_url"] = format!("{}/receipts/{}", books.pages, charge.text("id")).into();
    }
    books.objects.insert(charge.clone());
    charge
}

fn outcome(failure: Option<&str>) -> Value {
    let (network, seller, kind) = match failure {
        None => ("approved_by_network", "Payment complete.", "authorized"),
        Some(_) => ("declined_by_network", "The bank declined the charge.", "issuer_declined"),
    };
    json!({
        "advice_code": null, "network_advice_code": null, "network_decline_code": null, "network_status": network,
        "reason": failure, "risk_level": "normal", "seller_message": seller, "type": kind,
    })
}

fn card_details(card: &Value) -> Value {
    json!({"type": "card", "card": {
        "amount_authorized": null, "authorization_code": null, "brand": card["brand"], "checks": card["checks"],
        "country": card["country"], "exp_month": card["exp_month"], "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"}, "fingerprint": card["fingerprint"],
        "funding": card["funding"], "incremental_authorization": {"status": "unavailable"}, "installments": null,
        "last4": card["last4"], "mandate": null, "multicapture": {"status": "unavailable"},
        "network": card["brand"], "network_token": {"used": false}, "network_transaction_id": null,
        "overcapture": {"maximum_amount_capturable": 0, "status": "unavailable"}, "regulated_status": null,
        "three_d_secure": null, "transaction_link_id": null, "wallet": null,
    }})
}
