//! Making invoices: drafts, and what becomes of them when they are final.

use serde_json::{Value, json};

use crate::stripe::books::{Books, ids_where};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::invoices::{collection, lines};
use crate::stripe::objects::Fields;
use crate::stripe::payments::{self, Payment};
use crate::stripe::shape::list_of;

/// A draft is finalised an hour after it was made.
pub(crate) const DRAFT_SECONDS: i64 = 3_600;

/// What an invoice is about.
pub(crate) struct Draft<'a> {
    pub(crate) customer: &'a str,
    /// `null` for an invoice of its own.
    pub(crate) subscription: &'a Value,
    pub(crate) reason: &'a str,
    pub(crate) lines: Vec<Value>,
    pub(crate) period: (i64, i64),
    /// Whether the clock finalises and collects it.
    pub(crate) advances: bool,
}

/// Opens a draft, with the pending invoice items of the subscription or customer, and gives its id.
pub(crate) fn open(books: &mut Books, draft: Draft<'_>) -> String {
    let mut invoice = books.draft("invoice", json!({}));
    let id = invoice.text("id").to_owned();
    let mut lines = take_pending_items(books, draft.customer, draft.subscription, &id);
    lines.extend(draft.lines);
    for line in &mut lines {
        line["invoice"] = id.clone().into();
    }
    let total: i64 = lines.iter().map(|line| line.integer("amount")).sum();
    let customer = books.objects.get(draft.customer).cloned().unwrap_or_default();
    let now = books.now();
    let fields = json!({
        "customer": draft.customer, "customer_email": customer["email"], "customer_name": customer["name"],
        "customer_address": customer["address"], "customer_phone": customer["phone"],
        "billing_reason": draft.reason, "parent": parent_of(draft.subscription),
        "subscription": draft.subscription["id"], "auto_advance": draft.advances,
        "automatically_finalizes_at": draft.advances.then_some(now + DRAFT_SECONDS),
        "next_payment_attempt": draft.advances.then_some(now + DRAFT_SECONDS),
        "period_start": draft.period.0, "period_end": draft.period.1, "starting_balance": customer["balance"],
        "subtotal": total, "subtotal_excluding_tax": total, "total": total, "total_excluding_tax": total,
        "amount_due": total.max(0), "amount_remaining": total.max(0),
        "currency": lines.first().map_or("usd".into(), |line| line["currency"].clone()),
        "lines": list_of(&format!("/v1/invoices/{id}/lines"), lines),
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        invoice[name] = value.clone();
    }
    books.objects.insert(invoice.clone());
    books.tell("invoice.created", &invoice);
    if let Some(subscription) = draft.subscription.optional_text("id") {
        books.edit(subscription, |subscription| subscription["latest_invoice"] = id.clone().into());
    }
    id
}

/// Makes a draft final: it gets a number, a page and a payment. Nothing to pay means paid.
pub(crate) fn finalize(books: &mut Books, id: &str) -> Answer<()> {
    let invoice = books.objects.find("invoice", id)?;
    if invoice.text("status") != "draft" {
        let message = "This invoice is already finalized, you can't re-finalize a non-draft invoice.";
        return Err(StripeError::refused(Some("invoice_not_editable"), message));
    }
    let amount_due = use_balance(books, &invoice);
    let customer = invoice.text("customer").to_owned();
    let number = next_number(books, &customer);
    let (now, page) = (books.now(), format!("{}/invoices/{id}", books.pages));
    let pdf = format!("{page}/pdf");
    let invoice = books.edit(id, |invoice| {
        invoice["status"] = "open".into();
        invoice["number"] = number.into();
        invoice["hosted_invoice_url"] = page.into();
        invoice["invoice_pdf"] = pdf.into();
        invoice["amount_due"] = amount_due.into();
        invoice["amount_remaining"] = amount_due.into();
        invoice["effective_at"] = now.into();
        invoice["automatically_finalizes_at"] = Value::Null;
        invoice["status_transitions"]["finalized_at"] = now.into();
    });
    if amount_due > 0 {
        open_payment(books, &invoice, amount_due);
    }
    books.tell("invoice.finalized", &invoice);
    if amount_due == 0 {
        collection::mark_paid(books, id, 0);
    }
    Ok(())
}

/// What is left to pay after the customer's credit, which is used up, or grows by a negative total.
fn use_balance(books: &mut Books, invoice: &Value) -> i64 {
    let customer = invoice.text("customer").to_owned();
    let balance = books.objects.get(&customer).map_or(0, |customer| customer.integer("balance"));
    let due = invoice.integer("total") + balance;
    let ending = due.min(0);
    books.edit(invoice.text("id"), |invoice| {
        invoice["starting_balance"] = balance.into();
        invoice["ending_balance"] = ending.into();
    });
    books.change(&customer, "customer.updated", |customer| customer["balance"] = ending.into());
    due.max(0)
}

fn open_payment(books: &mut Books, invoice: &Value, amount: i64) {
    let intent = payments::open(
        books,
        Payment {
            customer: invoice.optional_text("customer"),
            amount,
            currency: invoice.text("currency"),
            description: Some(description_of(invoice)),
            metadata: json!({}),
        },
    );
    books.create(
        "invoice_payment",
        json!({
            "invoice": invoice["id"], "amount_requested": amount, "currency": invoice["currency"],
            "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        }),
    );
}

fn description_of(invoice: &Value) -> &'static str {
    match invoice.text("billing_reason") {
        "subscription_create" => "Subscription creation",
        "subscription_cycle" | "subscription_update" => "Subscription update",
        _ => "Payment for Invoice",
    }
}

fn next_number(books: &mut Books, customer: &str) -> String {
    let mut number = 0;
    let customer = books.edit(customer, |customer| {
        number = customer.integer("next_invoice_sequence").max(1);
        customer["next_invoice_sequence"] = (number + 1).into();
    });
    format!("{}-{}-{number:04}", customer.text("invoice_prefix"), last6(customer.text("id")))
}

fn last6(id: &str) -> &str {
    &id[id.len().saturating_sub(6)..]
}

fn parent_of(subscription: &Value) -> Value {
    if subscription.is_null() {
        return Value::Null;
    }
    let details = json!({"metadata": subscription["metadata"], "subscription": subscription["id"]});
    json!({"type": "subscription_details", "quote_details": null, "subscription_details": details})
}

fn take_pending_items(books: &mut Books, customer: &str, subscription: &Value, invoice: &str) -> Vec<Value> {
    let is_pending = |item: &Value| {
        item["invoice"].is_null()
            && item.text("customer") == customer
            && item["parent"]["subscription_details"]["subscription"] == subscription["id"]
    };
    let pending = ids_where(books, "invoiceitem", is_pending);
    let take = |id: &String| {
        let item = books.edit(id, |item| item["invoice"] = invoice.into());
        lines::line_of_invoice_item(books, &item)
    };
    pending.iter().map(take).collect()
}
