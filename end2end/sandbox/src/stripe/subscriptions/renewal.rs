//! What happens to a subscription when one of its periods ends.

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::cards::Presence;
use crate::stripe::invoices::collection::{self, Attempt};
use crate::stripe::invoices::draft::{self, Draft};
use crate::stripe::objects::Fields;
use crate::stripe::subscriptions::{ending, items};

/// Ends the period a subscription is in: it is canceled, paused, or renewed with a draft invoice.
pub(crate) fn end_period(books: &mut Books, id: &str) {
    let Some(subscription) = books.objects.get(id).cloned() else { return };
    if subscription.is("cancel_at_period_end") {
        ending::cancel_at_end(books, id);
        return;
    }
    let has_method = collection::method_on_file(books, &as_bill(&subscription)).is_some();
    let missing = subscription["trial_settings"]["end_behavior"].text("missing_payment_method").to_owned();
    match (subscription.text("status"), missing.as_str()) {
        ("trialing", "cancel") if !has_method => ending::cancel_now(books, id, "payment_failed"),
        ("trialing", "pause") if !has_method => pause(books, id),
        _ => renew(books, id),
    }
}

fn pause(books: &mut Books, id: &str) {
    let paused = books.change(id, "customer.subscription.updated", |subscription| {
        subscription["status"] = "paused".into();
    });
    books.tell("customer.subscription.paused", &paused);
}

fn renew(books: &mut Books, id: &str) {
    let before = books.objects.get(id).cloned().unwrap_or_default();
    let past = items::period_of(&before);
    let next = (past.1, items::period_end(&before, past.1));
    let subscription = books.edit(id, |subscription| {
        items::set_period(subscription, next.0, next.1);
        if subscription.text("status") == "trialing" {
            subscription["status"] = "active".into();
        }
    });
    let mut lines = items::advance_lines(books, &subscription, next);
    // What is used during a trial is free.
    if before.text("status") != "trialing" {
        lines.extend(items::usage_lines(books, &subscription, past));
    }
    bill(books, &subscription, lines, past, "subscription_cycle");
    let after = books.objects.get(id).cloned().unwrap_or_default();
    let previous = json!({
        "items": before["items"], "latest_invoice": before["latest_invoice"], "status": before["status"],
    });
    books.tell_change("customer.subscription.updated", &after, previous);
}

/// An invoice that the clock finalises, unless the subscription is unpaid: then it stays a draft.
fn bill(
    books: &mut Books,
    subscription: &Value,
    lines: Vec<Value>,
    period: (i64, i64),
    reason: &str,
) -> String {
    let draft = Draft {
        customer: subscription.text("customer"),
        subscription,
        reason,
        lines,
        period,
        advances: subscription.text("status") != "unpaid",
    };
    draft::open(books, draft)
}

/// Finalises a draft whose hour is over, and charges the card on file.
pub(crate) fn finalize_and_collect(books: &mut Books, invoice: &str) {
    let bill = books.objects.get(invoice).cloned().unwrap_or_default();
    let id = bill["parent"]["subscription_details"].text("subscription");
    let pause = books
        .objects
        .get(id)
        .map(|subscription| subscription["pause_collection"].text("behavior").to_owned());
    if pause.as_deref() == Some("keep_as_draft") {
        collection::stop_advancing(books, invoice);
        books.edit(invoice, |invoice| invoice["automatically_finalizes_at"] = Value::Null);
        return;
    }
    if draft::finalize(books, invoice).is_err() {
        return;
    }
    match pause.as_deref() {
        Some("void") => drop(collection::close_as(books, invoice, "void")),
        Some("mark_uncollectible") => drop(collection::close_as(books, invoice, "uncollectible")),
        _ => drop(collection::collect(books, invoice, None, Presence::Away, Attempt::Scheduled)),
    }
}

/// An invoice that is final at once, as for a change or a last bill.
pub(crate) fn bill_now(
    books: &mut Books,
    subscription: &Value,
    lines: Vec<Value>,
    period: (i64, i64),
    reason: &str,
) -> Option<String> {
    let invoice = bill(books, subscription, lines, period, reason);
    draft::finalize(books, &invoice).ok()?;
    Some(invoice)
}

/// What `method_on_file` needs of an invoice, before there is one.
fn as_bill(subscription: &Value) -> Value {
    json!({
        "customer": subscription["customer"],
        "parent": {"subscription_details": {"subscription": subscription["id"]}},
    })
}
