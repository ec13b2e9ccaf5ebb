//! Getting invoices paid: attempts, retries, and what an outcome does to the subscription.

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::cards::{Presence, Verdict};
use crate::stripe::objects::Fields;
use crate::stripe::{payments, subscriptions};

/// Days after the first attempt on which a failed renewal is tried again.
const RETRY_DAYS: [i64; 4] = [1, 3, 5, 7];
const DAY: i64 = 86_400;

/// Whose idea an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The clock's: it counts, and the last one decides over the subscription.
    Scheduled,
    /// The customer's or the merchant's: it leaves a schedule that has begun as it is.
    ByHand,
}

/// Tries to collect an open invoice from the given card or the one on file.
pub(crate) fn collect(
    books: &mut Books,
    id: &str,
    method: Option<&str>,
    presence: Presence,
    attempt: Attempt,
) -> Verdict {
    let invoice = books.objects.get(id).cloned().unwrap_or_default();
    if !matches!(invoice.text("status"), "open" | "uncollectible") {
        return Verdict::Approved;
    }
    let method = method.map(str::to_owned).or_else(|| method_on_file(books, &invoice));
    let Some(intent) = intent_of(books, id) else { return Verdict::Approved };
    let verdict = payments::confirm(books, &intent, method.as_deref(), presence);
    if verdict == Verdict::Approved {
        mark_paid(books, id, invoice.integer("amount_remaining"));
    } else {
        mark_failed(books, id, attempt, verdict);
    }
    verdict
}

/// The payment intent that an invoice is paid with.
pub(crate) fn intent_of(books: &Books, invoice: &str) -> Option<String> {
    let payment =
        books.objects.of_kind("invoice_payment").find(|payment| payment.text("invoice") == invoice)?;
    payment["payment"].optional_text("payment_intent").map(str::to_owned)
}

/// Closes an invoice as paid, and tells the subscription.
pub(crate) fn mark_paid(books: &mut Books, id: &str, amount: i64) {
    let now = books.now();
    let invoice = books.edit(id, |invoice| {
        invoice["status"] = "paid".into();
        invoice["attempted"] = true.into();
        invoice["attempt_count"] = invoice.integer("attempt_count").max(i64::from(amount > 0)).into();
        invoice["amount_paid"] = amount.into();
        invoice["amount_remaining"] = 0.into();
        invoice["auto_advance"] = false.into();
        invoice["next_payment_attempt"] = Value::Null;
        invoice["status_transitions"]["paid_at"] = now.into();
    });
    settle_invoice_payment(books, id, amount);
    books.tell("invoice.paid", &invoice);
    books.tell("invoice.payment_succeeded", &invoice);
    subscriptions::on_invoice_paid(books, &invoice);
}

fn settle_invoice_payment(books: &mut Books, invoice: &str, amount: i64) {
    let now = books.now();
    let payment = books.objects.of_kind("invoice_payment").find(|payment| payment.text("invoice") == invoice);
    let Some(id) = payment.map(|payment| payment.text("id").to_owned()) else { return };
    let payment = books.edit(&id, |payment| {
        payment["status"] = "paid".into();
        payment["amount_paid"] = amount.into();
        payment["status_transitions"]["paid_at"] = now.into();
    });
    books.tell("invoice_payment.paid", &payment);
}

fn mark_failed(books: &mut Books, id: &str, attempt: Attempt, verdict: Verdict) {
    let invoice = books.edit(id, |invoice| {
        let made = invoice.integer("attempt_count");
        if made == 0 || attempt == Attempt::Scheduled {
            invoice["attempt_count"] = (made + 1).into();
            invoice["next_payment_attempt"] = next_attempt(invoice, made + 1);
        }
        invoice["attempted"] = true.into();
    });
    books.tell("invoice.payment_failed", &invoice);
    if verdict == Verdict::NeedsAuthentication {
        books.tell("invoice.payment_action_required", &invoice);
    }
    subscriptions::on_invoice_failed(books, &invoice);
    if attempt == Attempt::Scheduled && invoice["next_payment_attempt"].is_null() {
        subscriptions::on_retries_exhausted(books, &invoice);
    }
}

/// The first invoice of a subscription is not retried; its customer was there.
fn next_attempt(invoice: &Value, attempts: i64) -> Value {
    if !invoice.is("auto_advance") || invoice.text("billing_reason") == "subscription_create" {
        return Value::Null;
    }
    let first = invoice["status_transitions"].integer("finalized_at");
    let retry = usize::try_from(attempts - 1).ok().and_then(|done| RETRY_DAYS.get(done));
    retry.map(|days| first + days * DAY).into()
}

/// The card a renewal is charged to: the subscription's own, or the customer's.
pub(crate) fn method_on_file(books: &Books, invoice: &Value) -> Option<String> {
    let field =
        |id: &str, read: fn(&Value) -> Option<&str>| books.objects.get(id).and_then(read).map(str::to_owned);
    let own = field(invoice["parent"]["subscription_details"].text("subscription"), |subscription| {
        subscription.optional_text("default_payment_method")
    });
    own.or_else(|| {
        field(invoice.text("customer"), |customer| {
            customer["invoice_settings"].optional_text("default_payment_method")
        })
    })
}

/// Stops the clock's attempts on an invoice that stays open.
pub(crate) fn stop_advancing(books: &mut Books, id: &str) {
    books.change(id, "invoice.updated", |invoice| {
        invoice["auto_advance"] = false.into();
        invoice["next_payment_attempt"] = Value::Null;
    });
}

/// Ends an open invoice or draft: `void` or `uncollectible`.
pub(crate) fn close_as(books: &mut Books, id: &str, status: &str) -> Value {
    let now = books.now();
    let moment = if status == "void" { "voided_at" } else { "marked_uncollectible_at" };
    let invoice = books.edit(id, |invoice| {
        invoice["status"] = status.into();
        invoice["auto_advance"] = false.into();
        invoice["next_payment_attempt"] = Value::Null;
        invoice["status_transitions"][moment] = now.into();
    });
    if status == "void" {
        books.tell("invoice.voided", &invoice);
        if let Some(intent) = intent_of(books, id) {
            payments::cancel(books, &intent, "void_invoice");
        }
        subscriptions::on_invoice_voided(books, &invoice);
    } else {
        books.tell("invoice.marked_uncollectible", &invoice);
    }
    invoice
}

/// Stripe's error for an invoice that could not be paid.
pub(crate) fn error_of(books: &Books, invoice: &str, verdict: Verdict) -> Value {
    let intent = intent_of(books, invoice).and_then(|id| books.objects.get(&id).cloned()).unwrap_or_default();
    match verdict {
        Verdict::NeedsAuthentication => json!({
            "type": "card_error", "code": "invoice_payment_intent_requires_action",
            "message": "This payment requires additional user action before it can be completed successfully. Payment \
                        can be completed using the PaymentIntent associated with the invoice.",
            "payment_intent": intent,
        }),
        Verdict::Declined("missing_payment_method") => json!({
            "type": "invalid_request_error", "code": "missing",
            "message": "There is no `default_payment_method` set on this Customer or Invoice. Please set a \
                        `default_payment_method`.",
        }),
        _ => {
            let mut error = intent["last_payment_error"].clone();
            error["payment_intent"] = intent;
            error
        }
    }
}
