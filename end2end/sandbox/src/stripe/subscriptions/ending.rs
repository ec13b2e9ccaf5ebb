//! How subscriptions end.

use serde_json::Value;

use crate::stripe::books::{Books, ids_where};
use crate::stripe::cards::Presence;
use crate::stripe::invoices::collection::{self, Attempt};
use crate::stripe::objects::Fields;
use crate::stripe::subscriptions::{items, pending, renewal};

/// Ends a subscription at once. `reason` is Stripe's `cancellation_details.reason`.
pub(crate) fn cancel_now(books: &mut Books, id: &str, reason: &str) {
    let now = books.now();
    end(books, id, |subscription| {
        subscription["canceled_at"] = now.into();
        subscription["cancellation_details"]["reason"] = reason.into();
    });
}

/// Ends a subscription whose customer gave notice; what was used since the last invoice is billed.
pub(crate) fn cancel_at_end(books: &mut Books, id: &str) {
    let subscription = books.objects.get(id).cloned().unwrap_or_default();
    let period = items::period_of(&subscription);
    let used: Vec<Value> = match subscription.text("status") {
        "trialing" => Vec::new(),
        _ => items::usage_lines(books, &subscription, period),
    };
    if used.iter().any(|line| line.integer("amount") > 0)
        && let Some(invoice) = renewal::bill_now(books, &subscription, used, period, "subscription_cycle")
    {
        collection::collect(books, &invoice, None, Presence::Away, Attempt::ByHand);
    }
    end(books, id, |_| {});
}

/// Ends a subscription whose first invoice was not paid in time.
pub(crate) fn expire(books: &mut Books, id: &str) {
    let invoice = books.objects.get(id).map(|subscription| subscription.text("latest_invoice").to_owned());
    let now = books.now();
    books.change(id, "customer.subscription.updated", |subscription| {
        subscription["status"] = "incomplete_expired".into();
        subscription["ended_at"] = now.into();
    });
    if let Some(invoice) = invoice {
        collection::close_as(books, &invoice, "void");
    }
}

fn end(books: &mut Books, id: &str, edit: impl FnOnce(&mut Value)) {
    pending::discard(books, id);
    let now = books.now();
    let subscription = books.edit(id, |subscription| {
        subscription["status"] = "canceled".into();
        subscription["ended_at"] = now.into();
        if subscription["canceled_at"].is_null() {
            subscription["canceled_at"] = now.into();
        }
        edit(subscription);
    });
    stop_invoices(books, id);
    if let Some(schedule) = subscription.optional_text("schedule") {
        let schedule = books.edit(schedule, |schedule| {
            schedule["status"] = "canceled".into();
            schedule["canceled_at"] = now.into();
        });
        books.tell("subscription_schedule.canceled", &schedule);
    }
    books.tell("customer.subscription.deleted", &subscription);
}

/// Open invoices stay open, but nobody tries to collect them any more.
fn stop_invoices(books: &mut Books, subscription: &str) {
    let is_theirs = |invoice: &Value| {
        invoice["parent"]["subscription_details"].text("subscription") == subscription
            && matches!(invoice.text("status"), "open" | "draft")
            && invoice.is("auto_advance")
    };
    for invoice in ids_where(books, "invoice", is_theirs) {
        collection::stop_advancing(books, &invoice);
    }
}
