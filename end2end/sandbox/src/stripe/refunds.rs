//! Refunds of charges.

use serde_json::{Value, json};

use crate::stripe::books::{Books, take_metadata};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::list;
use crate::stripe::objects::Fields;

const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

/// Refunds a charge, or what is left of it.
pub(crate) fn create(books: &mut Books, params: &Params) -> Answer {
    let charge = charge_of(books, params)?;
    let reason = params.one_of("reason", &REASONS)?;
    let left = charge.integer("amount_captured") - charge.integer("amount_refunded");
    let amount = params.integer("amount")?.unwrap_or(left);
    refuse_impossible(&charge, amount, left)?;
    let transaction = books.new_id_with("txn");
    let mut refund = books.draft(
        "refund",
        json!({
            "amount": amount, "charge": charge["id"], "payment_intent": charge["payment_intent"],
            "currency": charge["currency"], "reason": reason, "status": "succeeded",
            "destination_details": {"type": "card", "card": {"type": "refund"}},
            "balance_transaction": transaction,
        }),
    );
    take_metadata(&mut refund, params);
    books.objects.insert(refund.clone());
    let before = json!({"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]});
    let charge = books.edit(charge.text("id"), |charge| {
        charge["amount_refunded"] = (charge.integer("amount_refunded") + amount).into();
        charge["refunded"] = (amount == left).into();
    });
    books.tell("refund.created", &refund);
    books.tell_change("charge.refunded", &charge, before);
    Ok(refund)
}

/// The bank sends a refund back, which only the control endpoints make happen.
pub(crate) fn fail(books: &mut Books, id: &str) -> Answer {
    let refund = books.objects.find("refund", id)?;
    if refund.text("status") != "succeeded" {
        return Err(StripeError::refused(None, "This refund has not succeeded."));
    }
    books.edit(refund.text("charge"), |charge| {
        let left = charge.integer("amount_refunded") - refund.integer("amount");
        charge["amount_refunded"] = left.into();
        charge["refunded"] = false.into();
    });
    let refund = books.edit(id, |refund| {
        refund["status"] = "failed".into();
        refund["failure_reason"] = "expired_or_canceled_card".into();
    });
    books.tell("refund.updated", &refund);
    books.tell("refund.failed", &refund);
    Ok(refund)
}

pub(crate) fn list(books: &Books, params: &Params) -> Answer {
    list::page(books, "refund", "/v1/refunds", params, |refund| {
        params.allows(refund, "charge") && params.allows(refund, "payment_intent")
    })
}

fn charge_of(books: &Books, params: &Params) -> Answer {
    if let Some(id) = params.text("charge") {
        return books.objects.find_for("charge", id, "charge");
    }
    let Some(id) = params.text("payment_intent") else {
        let message =
            "One of the following params should be provided for this request: payment_intent or charge.";
        return Err(StripeError::refused(Some("parameter_missing"), message));
    };
    let intent = books.objects.find_for("payment_intent", id, "payment_intent")?;
    let no_charge = || {
        let message = format!("This PaymentIntent ({id}) does not have a successful charge to refund.");
        StripeError::refused(None, message)
    };
    books.objects.live("charge", intent.text("latest_charge")).cloned().ok_or_else(no_charge)
}

fn refuse_impossible(charge: &Value, amount: i64, left: i64) -> Answer<()> {
    let id = charge.text("id");
    if !charge.is("paid") {
        return Err(StripeError::refused(None, format!("Charge {id} is not paid and cannot be refunded.")));
    }
    if charge.is("refunded") {
        let message = format!("Charge {id} has already been refunded.");
        return Err(StripeError::refused(Some("charge_already_refunded"), message));
    }
    if amount <= 0 {
        return Err(StripeError::invalid("amount", "This value must be greater than or equal to 1.".into()));
    }
    if amount > left {
        let message =
            format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})");
        return Err(StripeError::invalid("amount", message));
    }
    Ok(())
}
