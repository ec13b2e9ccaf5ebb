//! Checkout sessions: what is to be bought, until the hosted page is done with it.

pub(crate) mod complete;

use serde_json::{Value, json};

use crate::stripe::books::{Books, take_metadata, take_texts};
use crate::stripe::catalog;
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::list;
use crate::stripe::money;
use crate::stripe::objects::Fields;
use crate::stripe::shape::list_of;
use crate::stripe::subscriptions::items::{self, Wanted};
use crate::stripe::subscriptions::{start, without_method};

const USUAL_SECONDS: i64 = 24 * 3_600;
const SHORTEST_SECONDS: i64 = 30 * 60;

/// What a session was opened for, as far as the session object does not say it.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    wanted: Vec<Wanted>,
    line_items: Vec<Value>,
    trial_end: Option<i64>,
    without_method: String,
    description: Value,
    /// Goes to the subscription or the payment intent.
    metadata: Value,
    saves_card: bool,
}

pub(crate) fn create(books: &mut Books, params: &Params) -> Answer {
    params.required("mode")?;
    let mode = params.one_of("mode", &["subscription", "payment", "setup"])?.unwrap_or_default();
    params.required("success_url")?;
    let customer = match params.text("customer") {
        Some(id) => Some(books.objects.find_for("customer", id, "customer")?),
        None => None,
    };
    if customer.is_some() && params.text("customer_email").is_some() {
        let message = "You may only specify one of these parameters: customer, customer_email.";
        return Err(StripeError::refused(None, message));
    }
    let order = order(books, params, mode)?;
    let total: i64 = order.line_items.iter().map(|item| item.integer("amount_total")).sum();
    let mut session = books.draft("checkout.session", json!({}));
    let id = session.text("id").to_owned();
    let email = customer.as_ref().map(|customer| customer["email"].clone()).unwrap_or_default();
    let fields = json!({
        "mode": mode, "customer": customer.map(|customer| customer["id"].clone()),
        "customer_details": details(&email), "amount_total": total, "amount_subtotal": total,
        "currency": order.line_items.first().map(|item| item["currency"].clone()),
        "expires_at": expires_at(books, params)?, "url": format!("{}/checkout/{id}", books.pages),
        "payment_status": if mode == "setup" { "no_payment_required" } else { "unpaid" },
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        session[name] = value.clone();
    }
    let texts = [
        "success_url",
        "cancel_url",
        "client_reference_id",
        "customer_email",
        "customer_creation",
        "locale",
        "payment_method_collection",
        "submit_type",
        "billing_address_collection",
    ];
    take_texts(&mut session, params, &texts);
    take_metadata(&mut session, params);
    session["allow_promotion_codes"] = params.flag("allow_promotion_codes")?.into();
    books.objects.insert(session.clone());
    books.orders.insert(id, order);
    Ok(session)
}

fn order(books: &mut Books, params: &Params, mode: &str) -> Answer<Order> {
    let list = params.list("line_items");
    let wanted = match mode {
        "subscription" => items::wanted(books, &list, "line_items")?,
        "payment" => one_time(books, &list)?,
        _ => Vec::new(),
    };
    let data =
        params.nested(if mode == "subscription" { "subscription_data" } else { "payment_intent_data" });
    let trial_end = if mode == "subscription" { start::trial_end(books, &data)? } else { None };
    let line_items = wanted.iter().map(|wanted| line_item(books, wanted, trial_end.is_some())).collect();
    Ok(Order {
        line_items,
        trial_end,
        wanted,
        without_method: without_method(&data).unwrap_or_else(|| "create_invoice".to_owned()),
        description: data.text("description").into(),
        metadata: data.raw("metadata").cloned().filter(Value::is_object).unwrap_or_else(|| json!({})),
        saves_card: data.text("setup_future_usage").is_some(),
    })
}

fn one_time(books: &mut Books, list: &[Params]) -> Answer<Vec<Wanted>> {
    if list.is_empty() {
        return Err(StripeError::missing_parameter("line_items"));
    }
    let mut wanted = Vec::new();
    for item in list {
        let price = catalog::price_of_item(books, item)?;
        if !price["recurring"].is_null() {
            let message = "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.";
            return Err(StripeError::refused(None, message));
        }
        wanted.push((price, Some(item.integer("quantity")?.unwrap_or(1))));
    }
    Ok(wanted)
}

fn line_item(books: &mut Books, (price, quantity): &Wanted, is_trial: bool) -> Value {
    let amount = if is_trial { 0 } else { money::cost(price, quantity.unwrap_or(0)) };
    let description = crate::stripe::invoices::lines::product_name(books, price);
    books.draft(
        "item",
        json!({
            "price": price, "quantity": quantity, "currency": price["currency"], "description": description,
            "amount_subtotal": amount, "amount_total": amount,
        }),
    )
}

fn expires_at(books: &Books, params: &Params) -> Answer<i64> {
    let now = books.now();
    match params.integer("expires_at")? {
        None => Ok(now + USUAL_SECONDS),
        Some(at) if (now + SHORTEST_SECONDS..=now + USUAL_SECONDS).contains(&at) => Ok(at),
        Some(_) => {
            let message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.";
            Err(StripeError::invalid("expires_at", message.to_owned()))
        }
    }
}

fn details(email: &Value) -> Value {
    if email.is_null() {
        return Value::Null;
    }
    json!({
        "address": null, "business_name": null, "email": email, "individual_name": null, "name": null,
        "phone": null, "tax_exempt": "none", "tax_ids": [],
    })
}

pub(crate) fn list(books: &Books, params: &Params) -> Answer {
    list::page(books, "checkout.session", "/v1/checkout/sessions", params, |session| {
        ["customer", "subscription", "payment_intent", "status"]
            .iter()
            .all(|name| params.allows(session, name))
    })
}

/// The `line_items` of a session, as a list object.
pub(crate) fn line_items(books: &Books, session: &Value) -> Answer {
    let id = session.text("id");
    let items = books.orders.get(id).map(|order| order.line_items.clone()).unwrap_or_default();
    Ok(list_of(&format!("/v1/checkout/sessions/{id}/line_items"), items))
}

pub(crate) fn list_line_items(books: &Books, id: &str, params: &Params) -> Answer {
    let session = books.objects.find("checkout.session", id)?;
    let items = line_items(books, &session)?.elements("data").to_vec();
    list::page_of(items, "item", &format!("/v1/checkout/sessions/{id}/line_items"), params)
}

pub(crate) fn expire(books: &mut Books, id: &str) -> Answer {
    let session = books.objects.find("checkout.session", id)?;
    if session.text("status") != "open" {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {}.",
            session.text("status")
        );
        return Err(StripeError::refused(None, message));
    }
    expire_now(books, id);
    books.objects.find("checkout.session", id)
}

pub(crate) fn expire_now(books: &mut Books, id: &str) {
    let session = books.edit(id, |session| {
        session["status"] = "expired".into();
        session["url"] = Value::Null;
    });
    books.tell("checkout.session.expired", &session);
}
