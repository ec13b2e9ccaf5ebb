//! Meters, meter events and their sums.

use serde_json::{Value, json};

use crate::stripe::books::{Books, take_texts};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::list;
use crate::stripe::objects::Fields;
use crate::stripe::shape::shaped;

const DAY: i64 = 86_400;
const OLDEST_EVENT: i64 = 35 * DAY;
const NEWEST_EVENT: i64 = 300;

pub(crate) fn create(books: &mut Books, params: &Params) -> Answer {
    let (name, event_name) = (params.required("display_name")?, params.required("event_name")?);
    let is_taken = |meter: &Value| meter.text("event_name") == event_name && meter.text("status") == "active";
    if books.objects.of_kind("billing.meter").any(is_taken) {
        let message = format!("A meter already exists with the event name `{event_name}`.");
        return Err(StripeError::refused(Some("resource_already_exists"), message));
    }
    let aggregation = params.nested("default_aggregation");
    aggregation.required("formula")?;
    let formula = aggregation.one_of("formula", &["sum", "count", "last"])?;
    let mapping = params.nested("customer_mapping");
    let value = params.nested("value_settings");
    let now = books.now();
    let meter = books.create(
        "billing.meter",
        json!({
            "display_name": name, "event_name": event_name, "default_aggregation": {"formula": formula},
            "customer_mapping": {
                "event_payload_key": mapping.text("event_payload_key").unwrap_or("stripe_customer_id"), "type": "by_id",
            },
            "value_settings": {"event_payload_key": value.text("event_payload_key").unwrap_or("value")},
            "created": now, "updated": now,
        }),
    );
    Ok(meter)
}

pub(crate) fn update(books: &mut Books, id: &str, params: &Params) -> Answer {
    books.objects.find("billing.meter", id)?;
    let now = books.now();
    Ok(books.edit(id, |meter| {
        take_texts(meter, params, &["display_name"]);
        meter["updated"] = now.into();
    }))
}

pub(crate) fn list(books: &Books, params: &Params) -> Answer {
    list::page(books, "billing.meter", "/v1/billing/meters", params, |meter| params.allows(meter, "status"))
}

/// Takes a meter event. Unlike Stripe, which checks some of it later, everything is checked at once.
pub(crate) fn create_event(books: &mut Books, params: &Params) -> Answer {
    let event_name = params.required("event_name")?;
    let meter = books.objects.of_kind("billing.meter").find(|meter| meter.text("event_name") == event_name);
    let Some(meter) = meter.cloned() else {
        let message = format!("No active meter found for event name {event_name}.");
        return Err(StripeError::refused(Some("meter_event_no_active_meter"), message));
    };
    let payload = params.nested("payload");
    let customer = payload.required(meter["customer_mapping"].text("event_payload_key"))?.to_owned();
    if books.objects.live("customer", &customer).is_none() {
        return Err(StripeError::no_such("customer", &customer, "payload[stripe_customer_id]"));
    }
    let value_key = meter["value_settings"].text("event_payload_key");
    if meter["default_aggregation"].text("formula") != "count" {
        payload.required(value_key)?;
        payload.integer(value_key)?;
    }
    let timestamp = timestamp(books, params)?;
    let identifier =
        params.text("identifier").map(str::to_owned).unwrap_or_else(|| books.new_id_with("mtrev"));
    refuse_repeated(books, event_name, &identifier)?;
    let event = shaped(
        "billing.meter_event",
        json!({
            "id": books.new_id_with("mtrev"), "created": books.now(), "event_name": event_name,
            "identifier": identifier, "payload": params.raw("payload"), "timestamp": timestamp,
        }),
    );
    books.objects.insert(event.clone());
    Ok(event)
}

fn timestamp(books: &Books, params: &Params) -> Answer<i64> {
    let now = books.now();
    let timestamp = params.integer("timestamp")?.unwrap_or(now);
    if timestamp < now - OLDEST_EVENT {
        let message = "The timestamp must be within the past 35 calendar days.";
        return Err(StripeError::invalid("timestamp", message.to_owned()));
    }
    if timestamp > now + NEWEST_EVENT {
        let message = "The timestamp must not be more than 5 minutes in the future.";
        return Err(StripeError::invalid("timestamp", message.to_owned()));
    }
    Ok(timestamp)
}

fn refuse_repeated(books: &Books, event_name: &str, identifier: &str) -> Answer<()> {
    let since = books.now() - DAY;
    let is_same = |event: &Value| {
        event.text("identifier") == identifier
            && event.text("event_name") == event_name
            && event.integer("created") > since
    };
    if books.objects.of_kind("billing.meter_event").any(is_same) {
        let message = format!("An event already exists with identifier {identifier}.");
        return Err(StripeError::refused(Some("resource_already_exists"), message));
    }
    Ok(())
}

/// What a customer used of a meter from `start` until before `end`.
pub(crate) fn sum_for(books: &Books, meter: &str, customer: &str, start: i64, end: i64) -> i64 {
    let Some(meter) = books.objects.get(meter) else { return 0 };
    let (customer_key, value_key) = (
        meter["customer_mapping"].text("event_payload_key"),
        meter["value_settings"].text("event_payload_key"),
    );
    let is_counted = |event: &&Value| {
        event.text("event_name") == meter.text("event_name")
            && event["payload"].text(customer_key) == customer
            && (start..end).contains(&event.integer("timestamp"))
    };
    let events = books.objects.of_kind("billing.meter_event").filter(is_counted);
    let mut values = events.map(|event| event["payload"].text(value_key).parse::<i64>().unwrap_or_default());
    match meter["default_aggregation"].text("formula") {
        "count" => i64::try_from(values.count()).unwrap_or(i64::MAX),
        "last" => values.next_back().unwrap_or_default(),
        _ => values.sum(),
    }
}

/// One summary for the whole range asked for.
pub(crate) fn list_summaries(books: &mut Books, id: &str, params: &Params) -> Answer {
    books.objects.find("billing.meter", id)?;
    let customer = params.required("customer")?.to_owned();
    if books.objects.live("customer", &customer).is_none() {
        return Err(StripeError::no_such("customer", &customer, "customer"));
    }
    params.required("start_time")?;
    params.required("end_time")?;
    let (start, end) = (params.integer("start_time")?.unwrap_or(0), params.integer("end_time")?.unwrap_or(0));
    if start % 60 != 0 || end % 60 != 0 {
        let message = "start_time and end_time must be aligned with minute boundaries.";
        return Err(StripeError::invalid("start_time", message.to_owned()));
    }
    let summaries: Vec<Value> = ranges(start, end, params)?
        .into_iter()
        .map(|(start, end)| {
            let sum = sum_for(books, id, &customer, start, end);
            let fields = json!({"meter": id, "start_time": start, "end_time": end, "aggregated_value": sum});
            books.draft("billing.meter_event_summary", fields)
        })
        .collect();
    list::page_of(
        summaries,
        "billing.meter_event_summary",
        &format!("/v1/billing/meters/{id}/event_summaries"),
        params,
    )
}

/// The whole range, or its hours or days, newest first.
fn ranges(start: i64, end: i64, params: &Params) -> Answer<Vec<(i64, i64)>> {
    let step = match params.one_of("value_grouping_window", &["hour", "day"])? {
        Some("hour") => 3_600,
        Some(_) => DAY,
        None => return Ok(vec![(start, end)]),
    };
    let count = (end - start).max(0) / step;
    Ok((0..count).rev().map(|index| (start + index * step, start + (index + 1) * step)).collect())
}
