//! Changing a running subscription: other prices with or without proration, notice, pauses.

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::cards::Verdict;
use crate::stripe::catalog;
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::invoices::{collection, lines};
use crate::stripe::money;
use crate::stripe::objects::Fields;
use crate::stripe::subscriptions::{collect_by_hand, items, pending, renewal};

const PAYMENTS: [&str; 4] =
    ["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"];
const PRORATIONS: [&str; 3] = ["create_prorations", "always_invoice", "none"];

/// Applies `items`, `trial_end` and `billing_cycle_anchor` of an update.
pub(crate) fn change_items(books: &mut Books, id: &str, params: &Params) -> Answer<()> {
    let behavior =
        params.one_of("proration_behavior", &PRORATIONS)?.unwrap_or("create_prorations").to_owned();
    let payment = params.one_of("payment_behavior", &PAYMENTS)?;
    let waits_for_payment = payment == Some("pending_if_incomplete");
    if waits_for_payment {
        pending::refuse_unsupported(params)?;
    }
    let must_be_paid = payment == Some("error_if_incomplete");
    let anchors_now = params.one_of("billing_cycle_anchor", &["now", "unchanged"])? == Some("now");
    let ends_trial = params.text("trial_end") == Some("now");
    if !params.has("items") && !anchors_now && !ends_trial {
        return Ok(());
    }
    let wanted = wanted_items(books, id, params)?;
    let starts_over = anchors_now || ends_trial;
    if waits_for_payment {
        return pending::change_once_paid(books, id, &wanted, &behavior, starts_over);
    }
    books.all_or_nothing(|books| {
        let invoice = set_items(books, id, wanted, &behavior, starts_over)?;
        let Some(invoice) = invoice else { return Ok(()) };
        match collect_by_hand(books, &invoice) {
            Verdict::Approved => Ok(()),
            verdict if must_be_paid => Err(StripeError::card(collection::error_of(books, &invoice, verdict))),
            _ => Ok(()),
        }
    })
}

/// Gives a subscription other items, in the place of those that waited to be paid. The answer is an invoice to collect
/// now, if there is one.
pub(crate) fn set_items(
    books: &mut Books,
    id: &str,
    wanted: Vec<Value>,
    behavior: &str,
    starts_over: bool,
) -> Answer<Option<String>> {
    pending::discard(books, id);
    let before = books.objects.find("subscription", id)?;
    let invoice = bill_items(books, id, wanted, behavior, starts_over)?;
    tell_items(books, &before, id);
    Ok(invoice)
}

/// The same, of which nobody is told yet.
pub(super) fn bill_items(
    books: &mut Books,
    id: &str,
    wanted: Vec<Value>,
    behavior: &str,
    starts_over: bool,
) -> Answer<Option<String>> {
    let before = books.objects.find("subscription", id)?;
    items::require_one_interval(wanted.iter().map(|item| &item["price"]))?;
    let old_interval =
        before.elements("items").first().map(|item| item["price"]["recurring"]["interval"].clone());
    let new_interval = wanted.first().map(|item| item["price"]["recurring"]["interval"].clone());
    let starts_over = starts_over || old_interval != new_interval;
    let is_trialing = before.text("status") == "trialing";
    let prorates = behavior != "none" && !is_trialing;
    books.edit(id, |subscription| subscription["items"] = items::list_object(id, wanted));
    if prorates {
        credit_unused_except(books, &before, id);
    }
    let invoice = if starts_over && (!is_trialing || old_interval == new_interval) {
        let used = items::usage_lines(books, &before, (items::period_of(&before).0, books.now()));
        begin_period_now(books, id);
        let subscription = books.objects.find("subscription", id)?;
        let period = items::period_of(&subscription);
        let mut lines = used;
        lines.extend(items::advance_lines(books, &subscription, period));
        renewal::bill_now(books, &subscription, lines, period, "subscription_update")
    } else {
        if prorates {
            charge_remaining(books, &before, id);
        }
        let subscription = books.objects.find("subscription", id)?;
        let (now, end) = (books.now(), items::period_of(&subscription).1);
        let invoices_now = behavior == "always_invoice" && !is_trialing;
        if invoices_now {
            renewal::bill_now(books, &subscription, Vec::new(), (now, end), "subscription_update")
        } else {
            None
        }
    };
    Ok(invoice)
}

fn tell_items(books: &mut Books, before: &Value, id: &str) {
    let after = books.objects.get(id).cloned().unwrap_or_default();
    let mut previous = json!({"items": before["items"]});
    for name in ["latest_invoice", "status", "trial_end", "billing_cycle_anchor"] {
        if before[name] != after[name] {
            previous[name] = before[name].clone();
        }
    }
    books.tell_change("customer.subscription.updated", &after, previous);
}

/// The items as an update leaves them: those it names are changed, removed or added, the others stay.
fn wanted_items(books: &mut Books, id: &str, params: &Params) -> Answer<Vec<Value>> {
    let subscription = books.objects.find("subscription", id)?;
    let period = items::period_of(&subscription);
    let mut wanted = subscription.elements("items").to_vec();
    for change in params.list("items") {
        let Some(item_id) = change.text("id") else {
            let price = catalog::price_of_item(books, &change)?;
            let quantity = items::quantity_of(&price, &change)?;
            if wanted.iter().any(|item| item["price"]["id"] == price["id"]) {
                let message = format!(
                    "Cannot add multiple subscription items with the same plan: {}",
                    price.text("id")
                );
                return Err(StripeError::refused(None, message));
            }
            wanted.push(items::new_item(books, id, &(price, quantity), period));
            continue;
        };
        let Some(index) = wanted.iter().position(|item| item.text("id") == item_id) else {
            return Err(StripeError::no_such("subscription_item", item_id, &change.name_of("id")));
        };
        if change.flag("deleted")? == Some(true) {
            wanted.remove(index);
            continue;
        }
        let item = &mut wanted[index];
        if change.has("price") || change.has("price_data") {
            let price = catalog::price_of_item(books, &change)?;
            item["plan"] = catalog::plan_of(&price);
            item["price"] = price;
        }
        if change.has("quantity") || items::is_metered(&item["price"]) == item["quantity"].is_i64() {
            item["quantity"] = items::quantity_of(&item["price"], &change)?.into();
        }
    }
    Ok(wanted)
}

/// Ends a trial or a period early: the next one begins now.
pub(crate) fn begin_period_now(books: &mut Books, id: &str) {
    let now = books.now();
    books.edit(id, |subscription| {
        subscription["billing_cycle_anchor"] = now.into();
        if subscription.text("status") == "trialing" {
            subscription["status"] = "active".into();
            subscription["trial_end"] = now.into();
        }
        let end = items::period_end(subscription, now);
        items::set_period(subscription, now, end);
    });
}

/// Bills a change at once and charges the card on file.
pub(crate) fn bill_change(books: &mut Books, subscription: &Value, lines: Vec<Value>, period: (i64, i64)) {
    if let Some(invoice) = renewal::bill_now(books, subscription, lines, period, "subscription_update") {
        collect_by_hand(books, &invoice);
    }
}

/// Credits everything that was paid ahead and not used.
pub(crate) fn credit_unused(books: &mut Books, subscription: &Value) {
    for item in subscription.elements("items") {
        prorate(books, subscription, item, -1);
    }
}

/// The same for items that another version of the subscription does not have as they were.
fn credit_unused_except(books: &mut Books, before: &Value, id: &str) {
    let after = books.objects.get(id).cloned().unwrap_or_default();
    for item in before.elements("items").iter().filter(|item| !has_same(&after, item)) {
        prorate(books, before, item, -1);
    }
}

fn charge_remaining(books: &mut Books, before: &Value, id: &str) {
    let after = books.objects.get(id).cloned().unwrap_or_default();
    for item in after.elements("items").iter().filter(|item| !has_same(before, item)) {
        prorate(books, &after, item, 1);
    }
}

fn has_same(subscription: &Value, item: &Value) -> bool {
    let is_same = |other: &Value| {
        other["id"] == item["id"]
            && other["price"]["id"] == item["price"]["id"]
            && other["quantity"] == item["quantity"]
    };
    subscription.elements("items").iter().any(is_same)
}

/// A pending invoice item for what is left of the period, charged (1) or credited (-1).
fn prorate(books: &mut Books, subscription: &Value, item: &Value, sign: i64) {
    let price = &item["price"];
    if items::is_metered(price) {
        return;
    }
    let (start, end) = items::period_of(subscription);
    let now = books.now();
    let quantity = item["quantity"].as_i64().unwrap_or(1);
    let amount = sign * money::share(money::cost(price, quantity), (end - now).max(0), end - start);
    let name = lines::product_name(books, price);
    let description =
        if sign < 0 { format!("Unused time on {name}") } else { format!("Remaining time on {name}") };
    let details = json!({"subscription": subscription["id"], "subscription_item": item["id"]});
    let item = books.create(
        "invoiceitem",
        json!({
            "customer": subscription["customer"], "amount": amount, "net_amount": amount, "date": now,
            "currency": price["currency"], "description": description, "quantity": quantity, "proration": true,
            "period": {"start": now, "end": end}, "pricing": lines::pricing_of(price),
            "parent": {"type": "subscription_details", "subscription_details": details},
        }),
    );
    books.tell("invoiceitem.created", &item);
}

/// Gives notice for the end of the period, or takes it back.
pub(crate) fn plan_cancellation(books: &mut Books, id: &str, at_end: bool) {
    let now = books.now();
    books.change(id, "customer.subscription.updated", |subscription| {
        if subscription.is("cancel_at_period_end") == at_end {
            return;
        }
        let end = items::period_of(subscription).1;
        subscription["cancel_at_period_end"] = at_end.into();
        subscription["cancel_at"] = at_end.then_some(end).into();
        subscription["canceled_at"] = at_end.then_some(now).into();
        subscription["cancellation_details"]["reason"] = at_end.then_some("cancellation_requested").into();
    });
}

/// `pause_collection` of an update: an object, or empty to take collection up again.
pub(crate) fn pause_collection(params: &Params) -> Answer<Option<Value>> {
    if params.is_cleared("pause_collection") {
        return Ok(Some(Value::Null));
    }
    if !params.has("pause_collection") {
        return Ok(None);
    }
    let pause = params.nested("pause_collection");
    pause.required("behavior")?;
    let behavior = pause.one_of("behavior", &["keep_as_draft", "mark_uncollectible", "void"])?;
    Ok(Some(json!({"behavior": behavior, "resumes_at": pause.integer("resumes_at")?})))
}

pub(crate) fn take_cancellation_details(subscription: &mut Value, params: &Params) {
    let details = params.nested("cancellation_details");
    for name in ["comment", "feedback"] {
        if let Some(text) = details.text(name) {
            subscription["cancellation_details"][name] = text.into();
        }
    }
}
