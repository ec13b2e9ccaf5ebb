//! Subscriptions as the API has them, and what invoices do to their status.

pub(crate) mod change;
pub(crate) mod ending;
pub(crate) mod items;
pub(crate) mod pending;
pub(crate) mod period;
pub(crate) mod renewal;
pub(crate) mod start;

pub(crate) use ending::cancel_now;

use serde_json::{Value, json};

use crate::stripe::books::{AfterRetries, Books, take_metadata};
use crate::stripe::cards::{Presence, Verdict};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::invoices::collection::{self, Attempt};
use crate::stripe::list;
use crate::stripe::objects::Fields;
use crate::stripe::subscriptions::start::{FirstPayment, NewSubscription};

pub(crate) fn create(books: &mut Books, params: &Params) -> Answer {
    let customer = params.required("customer")?;
    let customer = books.objects.find_for("customer", customer, "customer")?.text("id").to_owned();
    let wanted = items::wanted(books, &params.list("items"), "items")?;
    let behavior = params
        .one_of("payment_behavior", &["allow_incomplete", "default_incomplete", "error_if_incomplete"])?
        .unwrap_or("allow_incomplete");
    let new = NewSubscription {
        trial_end: start::trial_end(books, params)?,
        method: method_of(books, params)?,
        without_method: without_method(params).unwrap_or_else(|| "create_invoice".to_owned()),
        metadata: params.raw("metadata").cloned().filter(Value::is_object).unwrap_or_else(|| json!({})),
        description: params.text("description").into(),
        customer,
        wanted,
    };
    let payment = match behavior {
        "default_incomplete" => FirstPayment::Later,
        _ => FirstPayment::Now(Presence::Present),
    };
    let id = books.all_or_nothing(|books| {
        let (id, verdict) = start::start(books, new, payment);
        if behavior == "error_if_incomplete" && verdict != Verdict::Approved {
            return Err(payment_error(books, &id, verdict));
        }
        Ok(id)
    })?;
    if params.flag("cancel_at_period_end")? == Some(true) {
        change::plan_cancellation(books, &id, true);
    }
    books.objects.find("subscription", &id)
}

pub(crate) fn list(books: &Books, params: &Params) -> Answer {
    let status = params.text("status");
    let has_price = |subscription: &Value| {
        params.text("price").is_none_or(|price| {
            subscription.elements("items").iter().any(|item| item["price"].text("id") == price)
        })
    };
    list::page(books, "subscription", "/v1/subscriptions", params, |subscription| {
        let own = subscription.text("status");
        let is_asked = match status {
            None => own != "canceled",
            Some("all") => true,
            Some("ended") => matches!(own, "canceled" | "incomplete_expired"),
            Some(status) => own == status,
        };
        is_asked && params.allows(subscription, "customer") && has_price(subscription)
    })
}

pub(crate) fn update(books: &mut Books, id: &str, params: &Params) -> Answer {
    let subscription = books.objects.find("subscription", id)?;
    if !is_running(&subscription) {
        let message = "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(StripeError::refused(None, message));
    }
    let method = method_of(books, params)?;
    change::change_items(books, id, params)?;
    if let Some(at_end) = params.flag("cancel_at_period_end")? {
        change::plan_cancellation(books, id, at_end);
    }
    let cancel_at = params.integer("cancel_at")?;
    let pause = change::pause_collection(params)?;
    Ok(books.change(id, "customer.subscription.updated", |subscription| {
        take_metadata(subscription, params);
        if let Some(method) = method {
            subscription["default_payment_method"] = method.into();
        }
        if cancel_at.is_some() || params.is_cleared("cancel_at") {
            subscription["cancel_at"] = cancel_at.into();
        }
        if let Some(pause) = pause {
            subscription["pause_collection"] = pause;
        }
        if let Some(without_method) = without_method(params) {
            subscription["trial_settings"]["end_behavior"]["missing_payment_method"] = without_method.into();
        }
        change::take_cancellation_details(subscription, params);
    }))
}

pub(crate) fn cancel(books: &mut Books, id: &str, params: &Params) -> Answer {
    let subscription = books.objects.find("subscription", id)?;
    if !is_running(&subscription) {
        return Err(StripeError::not_found("subscription", id));
    }
    if params.flag("prorate")? == Some(true) {
        change::credit_unused(books, &subscription);
    }
    if params.flag("invoice_now")? == Some(true) {
        let (start, now) = (items::period_of(&subscription).0, books.now());
        let used = items::usage_lines(books, &subscription, (start, now));
        change::bill_change(books, &subscription, used, (start, now));
    }
    books.edit(id, |subscription| change::take_cancellation_details(subscription, params));
    cancel_now(books, id, "cancellation_requested");
    books.objects.find("subscription", id)
}

/// Takes a paused subscription up again, with a period that begins now.
pub(crate) fn resume(books: &mut Books, id: &str) -> Answer {
    let subscription = books.objects.find("subscription", id)?;
    if subscription.text("status") != "paused" {
        let message = "This subscription is not paused, and cannot be resumed.";
        return Err(StripeError::refused(None, message));
    }
    change::begin_period_now(books, id);
    let subscription = books.objects.find("subscription", id)?;
    let period = items::period_of(&subscription);
    let lines = items::advance_lines(books, &subscription, period);
    change::bill_change(books, &subscription, lines, period);
    books.objects.find("subscription", id)
}

/// A paid invoice makes its subscription active, if it is the latest one.
pub(crate) fn on_invoice_paid(books: &mut Books, invoice: &Value) {
    let Some(subscription) = subscription_of(books, invoice) else { return };
    if pending::is_waiting(&subscription) {
        pending::apply(books, &subscription);
    }
    let id = subscription.text("id");
    let before = subscription.text("status");
    if !matches!(before, "incomplete" | "past_due" | "unpaid" | "paused") {
        return;
    }
    let active = books.change(id, "customer.subscription.updated", |subscription| {
        subscription["status"] = "active".into();
    });
    if before == "paused" {
        books.tell("customer.subscription.resumed", &active);
    }
}

/// An invoice that could not be paid makes its subscription past due, if it was running.
pub(crate) fn on_invoice_failed(books: &mut Books, invoice: &Value) {
    let Some(subscription) = subscription_of(books, invoice) else { return };
    // What was not changed is not owed.
    if !pending::is_waiting(&subscription) && matches!(subscription.text("status"), "active" | "trialing") {
        books.change(subscription.text("id"), "customer.subscription.updated", |subscription| {
            subscription["status"] = "past_due".into();
        });
    }
}

/// A change that has waited for a voided invoice is not made.
pub(crate) fn on_invoice_voided(books: &mut Books, invoice: &Value) {
    if let Some(subscription) = subscription_of(books, invoice).filter(pending::is_waiting) {
        pending::forget(books, &subscription);
    }
}

/// After the last retry, the account's settings decide.
pub(crate) fn on_retries_exhausted(books: &mut Books, invoice: &Value) {
    let Some(subscription) = subscription_of(books, invoice) else { return };
    let id = subscription.text("id");
    if subscription.text("status") != "past_due" {
        return;
    }
    match books.after_retries {
        AfterRetries::Cancel => cancel_now(books, id, "payment_failed"),
        AfterRetries::LeavePastDue => {}
        AfterRetries::MarkUnpaid => drop(books.change(id, "customer.subscription.updated", |subscription| {
            subscription["status"] = "unpaid".into();
        })),
    }
}

/// Whether a subscription has not ended.
pub(crate) fn is_running(subscription: &Value) -> bool {
    !matches!(subscription.text("status"), "canceled" | "incomplete_expired")
}

/// The subscription whose status an invoice decides: only the latest one does.
fn subscription_of(books: &Books, invoice: &Value) -> Option<Value> {
    let id = invoice["parent"]["subscription_details"].optional_text("subscription")?;
    let subscription = books.objects.get(id)?;
    (subscription["latest_invoice"] == invoice["id"]).then(|| subscription.clone())
}

fn payment_error(books: &Books, subscription: &str, verdict: Verdict) -> StripeError {
    let latest = books.objects.get(subscription).map(|found| found.text("latest_invoice").to_owned());
    StripeError::card(collection::error_of(books, &latest.unwrap_or_default(), verdict))
}

fn method_of(books: &Books, params: &Params) -> Answer<Option<String>> {
    let Some(id) = params.text("default_payment_method") else { return Ok(None) };
    books.objects.find_for("payment_method", id, "default_payment_method")?;
    Ok(Some(id.to_owned()))
}

pub(crate) fn without_method(params: &Params) -> Option<String> {
    params.nested("trial_settings").nested("end_behavior").text("missing_payment_method").map(str::to_owned)
}

/// Charges the card on file for an invoice, as the API and the pages do.
pub(crate) fn collect_by_hand(books: &mut Books, invoice: &str) -> Verdict {
    collection::collect(books, invoice, None, Presence::Away, Attempt::ByHand)
}
