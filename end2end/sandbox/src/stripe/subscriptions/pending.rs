//! Changes that wait for their invoice to be paid (`pending_if_incomplete`).

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::cards::Verdict;
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::invoices::collection;
use crate::stripe::objects::Fields;
use crate::stripe::subscriptions::change;
use crate::stripe::subscriptions::{collect_by_hand, items};

/// For so long a change waits, or until the period ends.
const LONGEST_SECONDS: i64 = 23 * 3_600;

/// What such an update may not change besides, of what the sandbox knows.
const UNSUPPORTED: [&str; 5] =
    ["cancel_at", "cancel_at_period_end", "default_payment_method", "metadata", "pause_collection"];

/// # Errors
/// The update asks for something that cannot wait.
pub(crate) fn refuse_unsupported(params: &Params) -> Answer<()> {
    let named = UNSUPPORTED.into_iter().find(|name| params.has(name)).map(str::to_owned);
    let removed =
        params.list("items").iter().find(|item| item.has("deleted")).map(|item| item.name_of("deleted"));
    match named.or(removed) {
        None => Ok(()),
        Some(name) => {
            let message =
                format!("You cannot pass `{name}` when `payment_behavior` is `pending_if_incomplete`.");
            Err(StripeError::invalid(&name, message))
        }
    }
}

/// Makes a change if it can be paid at once; otherwise its invoice stays open, and the change waits for it.
pub(crate) fn change_once_paid(
    books: &mut Books,
    id: &str,
    wanted: &[Value],
    behavior: &str,
    starts_over: bool,
) -> Answer<()> {
    discard(books, id);
    let mut verdict = Verdict::Approved;
    let made = books.all_or_nothing(|books| {
        if let Some(invoice) = change::set_items(books, id, wanted.to_vec(), behavior, starts_over)? {
            verdict = collect_by_hand(books, &invoice);
            if verdict != Verdict::Approved {
                return Err(StripeError::card(collection::error_of(books, &invoice, verdict)));
            }
        }
        Ok(())
    });
    if verdict == Verdict::Approved {
        return made;
    }
    let before = books.objects.find("subscription", id)?;
    let Some(invoice) = change::bill_items(books, id, wanted.to_vec(), behavior, starts_over)? else {
        return Ok(());
    };
    let after = books.objects.find("subscription", id)?;
    let expires_at = (books.now() + LONGEST_SECONDS).min(items::period_of(&before).1);
    let has_moved = before["billing_cycle_anchor"] != after["billing_cycle_anchor"];
    let waiting = json!({
        "billing_cycle_anchor": has_moved.then(|| after["billing_cycle_anchor"].clone()), "expires_at": expires_at,
        "subscription_items": after.elements("items"), "trial_end": null, "trial_from_plan": null,
    });
    let subscription = books.edit(id, |subscription| {
        *subscription = before.clone();
        subscription["latest_invoice"] = invoice.clone().into();
        subscription["pending_update"] = waiting;
    });
    // Nobody tries again by himself.
    books.edit(&invoice, |invoice| invoice["auto_advance"] = false.into());
    let previous = json!({"latest_invoice": before["latest_invoice"], "pending_update": null});
    books.tell_change("customer.subscription.updated", &subscription, previous);
    collect_by_hand(books, &invoice);
    Ok(())
}

/// Makes the change that has waited for this invoice.
pub(super) fn apply(books: &mut Books, subscription: &Value) {
    let (id, waiting) = (subscription.text("id"), &subscription["pending_update"]);
    let wanted = waiting["subscription_items"].as_array().cloned().unwrap_or_default();
    let subscription = books.change(id, "customer.subscription.updated", |subscription| {
        subscription["items"] = items::list_object(id, wanted);
        if !waiting["billing_cycle_anchor"].is_null() {
            subscription["billing_cycle_anchor"] = waiting["billing_cycle_anchor"].clone();
        }
        subscription["pending_update"] = Value::Null;
    });
    books.tell("customer.subscription.pending_update_applied", &subscription);
}

/// Gives up a change that waits: its invoice is voided.
pub(crate) fn discard(books: &mut Books, id: &str) {
    let Some(subscription) = books.objects.get(id).filter(|found| is_waiting(found)) else { return };
    let invoice = subscription.text("latest_invoice").to_owned();
    collection::close_as(books, &invoice, "void");
}

/// An invoice was voided: nothing waits for it any more.
pub(super) fn forget(books: &mut Books, subscription: &Value) {
    let subscription =
        books.change(subscription.text("id"), "customer.subscription.updated", |subscription| {
            subscription["pending_update"] = Value::Null;
        });
    books.tell("customer.subscription.pending_update_expired", &subscription);
}

pub(super) fn is_waiting(subscription: &Value) -> bool {
    !subscription["pending_update"].is_null()
}
