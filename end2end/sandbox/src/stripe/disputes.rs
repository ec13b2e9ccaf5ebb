//! Disputes, which only the control endpoints open and close.

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::list;
use crate::stripe::objects::Fields;

const DAY: i64 = 86_400;

/// A cardholder disputes a charge: the money is gone until the dispute is won.
pub(crate) fn open(books: &mut Books, charge: &str, reason: &str) -> Answer {
    let charge = books.objects.find("charge", charge)?;
    if charge.is("disputed") || !charge.is("paid") {
        return Err(StripeError::refused(None, "This charge is disputed already, or was never paid."));
    }
    let due_by = books.now() + 14 * DAY;
    let mut dispute = books.draft(
        "dispute",
        json!({
            "amount": charge["amount"], "charge": charge["id"], "payment_intent": charge["payment_intent"],
            "currency": charge["currency"], "reason": reason, "status": "needs_response",
            "is_charge_refundable": false, "payment_method_details": {
                "type": "card",
                "card": {
                    "brand": charge["payment_method_details"]["card"]["brand"], "case_type": "chargeback",
                    "network_reason_code": "10.4", "network": "visa",
                },
            },
        }),
    );
    dispute["evidence_details"]["due_by"] = due_by.into();
    dispute["enhanced_eligibility_types"] = json!([]);
    books.objects.insert(dispute.clone());
    books.edit(charge.text("id"), |charge| charge["disputed"] = true.into());
    books.tell("charge.dispute.created", &dispute);
    books.tell("charge.dispute.funds_withdrawn", &dispute);
    Ok(dispute)
}

/// The bank decides: won or lost.
pub(crate) fn close(books: &mut Books, id: &str, is_won: bool) -> Answer {
    let dispute = books.objects.find("dispute", id)?;
    if matches!(dispute.text("status"), "won" | "lost") {
        return Err(StripeError::refused(None, "This dispute is closed already."));
    }
    let dispute = books.edit(id, |dispute| dispute["status"] = if is_won { "won" } else { "lost" }.into());
    if is_won {
        books.tell("charge.dispute.funds_reinstated", &dispute);
    }
    books.tell("charge.dispute.closed", &dispute);
    Ok(dispute)
}

pub(crate) fn list(books: &Books, params: &Params) -> Answer {
    list::page(books, "dispute", "/v1/disputes", params, |dispute: &Value| {
        params.allows(dispute, "charge") && params.allows(dispute, "payment_intent")
    })
}
