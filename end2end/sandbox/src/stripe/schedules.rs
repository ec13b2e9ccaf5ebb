//! Subscription schedules: phases that follow each other, as for a downgrade at the end of a period.

use serde_json::{Value, json};

use crate::stripe::books::{Books, take_metadata};
use crate::stripe::catalog;
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::list;
use crate::stripe::objects::Fields;
use crate::stripe::shape::shaped;
use crate::stripe::subscriptions::{self, change, items, period};

/// Makes a schedule of a running subscription; its first phase is the current period.
pub(crate) fn create(books: &mut Books, params: &Params) -> Answer {
    let Some(id) = params.text("from_subscription") else {
        let message = "The sandbox's Stripe makes schedules only with `from_subscription`.".to_owned();
        return Err(StripeError::invalid("from_subscription", message));
    };
    let subscription = books.objects.find_for("subscription", id, "from_subscription")?;
    if !subscription["schedule"].is_null() || !subscriptions::is_running(&subscription) {
        let message =
            "You cannot migrate a subscription that is already attached to a schedule, or that has ended.";
        return Err(StripeError::refused(None, message));
    }
    let (start, end) = items::period_of(&subscription);
    let wanted: Vec<Value> = subscription.elements("items").iter().map(phase_item).collect();
    let schedule = books.create(
        "subscription_schedule",
        json!({
            "customer": subscription["customer"], "subscription": id, "status": "active",
            "phases": [phase(start, end, &json!({"proration_behavior": "create_prorations", "metadata": {}}), wanted)],
            "current_phase": {"start_date": start, "end_date": end}, "created": books.now(),
        }),
    );
    let schedule_id = schedule["id"].clone();
    books.edit(id, |subscription| subscription["schedule"] = schedule_id);
    books.tell("subscription_schedule.created", &schedule);
    Ok(schedule)
}

pub(crate) fn list(books: &Books, params: &Params) -> Answer {
    list::page(books, "subscription_schedule", "/v1/subscription_schedules", params, |schedule| {
        params.allows(schedule, "customer")
    })
}

pub(crate) fn update(books: &mut Books, id: &str, params: &Params) -> Answer {
    let schedule = running(books, id)?;
    let phases = match params.list("phases") {
        sent if sent.is_empty() => schedule["phases"].as_array().cloned().unwrap_or_default(),
        sent => phases(books, &schedule, &sent)?,
    };
    let end_behavior = params.one_of("end_behavior", &["release", "cancel"])?;
    let now = books.now();
    let is_current = |phase: &&Value| phase.integer("start_date") <= now && now < phase.integer("end_date");
    let Some(current) = phases.iter().find(is_current) else {
        return Err(StripeError::invalid("phases", "You must include the current phase.".to_owned()));
    };
    let current = json!({"start_date": current["start_date"], "end_date": current["end_date"]});
    Ok(books.change(id, "subscription_schedule.updated", |schedule| {
        schedule["phases"] = phases.clone().into();
        schedule["current_phase"] = current;
        if let Some(end_behavior) = end_behavior {
            schedule["end_behavior"] = end_behavior.into();
        }
        take_metadata(schedule, params);
    }))
}

/// Takes the schedule off its subscription, which goes on as it is.
pub(crate) fn release(books: &mut Books, id: &str) -> Answer {
    running(books, id)?;
    release_now(books, id, "released");
    books.objects.find("subscription_schedule", id)
}

/// Ends the subscription with its schedule.
pub(crate) fn cancel(books: &mut Books, id: &str) -> Answer {
    let schedule = running(books, id)?;
    subscriptions::cancel_now(books, schedule.text("subscription"), "cancellation_requested");
    books.objects.find("subscription_schedule", id)
}

/// When a schedule has something to do next: the end of its phase.
pub(crate) fn next_moment(schedule: &Value) -> Value {
    schedule["current_phase"]["end_date"].clone()
}

/// Goes on to the next phase, or ends the schedule.
pub(crate) fn advance(books: &mut Books, id: &str) {
    let schedule = books.objects.get(id).cloned().unwrap_or_default();
    let end = schedule["current_phase"].integer("end_date");
    let subscription = schedule.text("subscription");
    let next = schedule.elements("phases").iter().find(|phase| phase.integer("start_date") >= end);
    let Some(next) = next else {
        match schedule.text("end_behavior") {
            "cancel" => subscriptions::cancel_now(books, subscription, "cancellation_requested"),
            _ => release_now(books, id, "completed"),
        }
        return;
    };
    begin_phase(books, subscription, next);
    let current = json!({"start_date": next["start_date"], "end_date": next["end_date"]});
    books.change(id, "subscription_schedule.updated", |schedule| schedule["current_phase"] = current);
}

fn begin_phase(books: &mut Books, id: &str, phase: &Value) {
    let Some(subscription) = books.objects.live("subscription", id).cloned() else { return };
    let period = items::period_of(&subscription);
    let kept = subscription.elements("items").first().cloned().unwrap_or_default();
    let mut wanted = Vec::new();
    for (index, planned) in phase.elements("items").iter().enumerate() {
        let price = books.objects.get(planned.text("price")).cloned().unwrap_or_default();
        let mut item = items::new_item(books, id, &(price, planned["quantity"].as_i64()), period);
        if index == 0 {
            item["id"] = kept["id"].clone();
        }
        wanted.push(item);
    }
    // At the end of a period the renewal bills the new prices; before, the change itself does.
    if books.now() >= period.1 {
        books.change(id, "customer.subscription.updated", |subscription| {
            let before = interval_of(subscription);
            subscription["items"] = items::list_object(id, wanted);
            anchor(subscription, phase, before, period.1);
        });
    } else if let Ok(Some(invoice)) =
        change::set_items(books, id, wanted, phase.text("proration_behavior"), false)
    {
        subscriptions::collect_by_hand(books, &invoice);
    }
    books.edit(id, |subscription| {
        if let (Some(kept), Some(new)) =
            (subscription["metadata"].as_object_mut(), phase["metadata"].as_object())
        {
            kept.extend(new.clone());
        }
    });
}

/// A phase begins a period of its own when it says so. Otherwise one of another interval is in the middle of a period that is
/// counted from the old anchor, and nothing is billed before the end of that.
fn anchor(subscription: &mut Value, phase: &Value, interval_before: Value, start: i64) {
    if phase.text("billing_cycle_anchor") == "phase_start" {
        subscription["billing_cycle_anchor"] = start.into();
    } else if interval_of(subscription) != interval_before {
        let end = items::period_end(subscription, start);
        items::set_period(subscription, start, end);
    }
}

fn interval_of(subscription: &Value) -> Value {
    let first = subscription.elements("items").first();
    first.map(|item| item["price"]["recurring"]["interval"].clone()).unwrap_or_default()
}

fn release_now(books: &mut Books, id: &str, how: &str) {
    let now = books.now();
    let subscription = books.objects.get(id).map(|schedule| schedule.text("subscription").to_owned());
    let subscription = subscription.unwrap_or_default();
    books.edit(&subscription, |subscription| subscription["schedule"] = Value::Null);
    let schedule = books.edit(id, |schedule| {
        schedule["status"] = how.into();
        schedule["current_phase"] = Value::Null;
        schedule["released_subscription"] = subscription.into();
        schedule["subscription"] = Value::Null;
        schedule[if how == "completed" { "completed_at" } else { "released_at" }] = now.into();
    });
    books.tell(&format!("subscription_schedule.{how}"), &schedule);
}

fn running(books: &Books, id: &str) -> Answer {
    let schedule = books.objects.find("subscription_schedule", id)?;
    if !matches!(schedule.text("status"), "active" | "not_started") {
        let message = format!(
            "You cannot change a subscription schedule that is in the `{}` status.",
            schedule.text("status")
        );
        return Err(StripeError::refused(None, message));
    }
    Ok(schedule)
}

fn phases(books: &mut Books, schedule: &Value, sent: &[Params]) -> Answer<Vec<Value>> {
    let mut phases: Vec<Value> = Vec::new();
    for params in sent {
        let mut wanted = Vec::new();
        for item in params.list("items") {
            let price = catalog::price_of_item(books, &item)?;
            let quantity = items::quantity_of(&price, &item)?;
            wanted.push(json!({"price": price, "quantity": quantity}));
        }
        let first_start = schedule["phases"][0].integer("start_date");
        let start = match params.text("start_date") {
            Some("now") => books.now(),
            Some(_) => params.integer("start_date")?.unwrap_or(first_start),
            None => phases.last().map_or(first_start, |phase| phase.integer("end_date")),
        };
        let end = phase_end(params, &wanted, start)?;
        let fields = json!({
            "proration_behavior": params.text("proration_behavior").unwrap_or("create_prorations"),
            "billing_cycle_anchor": params.one_of("billing_cycle_anchor", &["automatic", "phase_start"])?,
            "metadata": params.raw("metadata").cloned().unwrap_or_else(|| json!({})),
        });
        phases.push(phase(start, end, &fields, wanted.iter().map(phase_item).collect()));
    }
    Ok(phases)
}

/// `end_date`, `duration`, or one period of the price.
fn phase_end(params: &Params, wanted: &[Value], start: i64) -> Answer<i64> {
    if let Some(end) = params.integer("end_date")? {
        return Ok(end);
    }
    let duration = params.nested("duration");
    let recurring = wanted.first().map(|item| item["price"]["recurring"].clone()).unwrap_or_default();
    let every = match duration.text("interval") {
        Some(interval) => {
            json!({"interval": interval, "interval_count": duration.integer("interval_count")?.unwrap_or(1)})
        }
        None => recurring,
    };
    Ok(period::period_end(start, &every, start))
}

fn phase(start: i64, end: i64, fields: &Value, items: Vec<Value>) -> Value {
    let mut phase =
        shaped("subscription_schedule.phase", json!({"start_date": start, "end_date": end, "items": items}));
    for (name, value) in fields.as_object().into_iter().flatten() {
        phase[name] = value.clone();
    }
    phase
}

/// An item of a phase, from one that carries its whole price.
fn phase_item(item: &Value) -> Value {
    shaped(
        "subscription_schedule.item",
        json!({
            "price": item["price"]["id"], "plan": item["price"]["id"], "quantity": item["quantity"],
        }),
    )
}
