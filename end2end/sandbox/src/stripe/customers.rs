//! Customers and their saved cards.

use serde_json::{Value, json};

use crate::stripe::books::{Books, ids_where, take_metadata, take_texts};
use crate::stripe::cards;
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::list;
use crate::stripe::objects::Fields;
use crate::stripe::subscriptions;

pub(crate) fn create(books: &mut Books, params: &Params) -> Answer {
    let mut customer = books.draft("customer", json!({}));
    let id = customer.text("id").to_owned();
    customer["invoice_prefix"] = books.tag.to_uppercase().into();
    books.objects.insert(customer.clone());
    take_fields(books, &mut customer, params)?;
    let customer = books.edit(&id, |kept| *kept = customer);
    books.tell("customer.created", &customer);
    Ok(customer)
}

/// A customer whom a checkout page makes.
pub(crate) fn create_with_email(books: &mut Books, email: Option<&str>, name: Option<&str>) -> Value {
    let prefix = books.tag.to_uppercase();
    let customer = books.create("customer", json!({"email": email, "name": name, "invoice_prefix": prefix}));
    books.tell("customer.created", &customer);
    customer
}

/// A customer, or the stub that Stripe answers for a deleted one.
pub(crate) fn retrieve(books: &Books, id: &str) -> Answer {
    let customer = books.objects.get(id).filter(|object| object.text("object") == "customer");
    customer.cloned().ok_or_else(|| StripeError::not_found("customer", id))
}

pub(crate) fn update(books: &mut Books, id: &str, params: &Params) -> Answer {
    let mut customer = books.objects.find("customer", id)?;
    take_fields(books, &mut customer, params)?;
    Ok(books.change(id, "customer.updated", |kept| *kept = customer))
}

/// Deleting cancels what the customer subscribed to.
pub(crate) fn delete(books: &mut Books, id: &str) -> Answer {
    let customer = books.objects.find("customer", id)?;
    let is_running = |object: &Value| object.text("customer") == id && subscriptions::is_running(object);
    for subscription in ids_where(books, "subscription", is_running) {
        subscriptions::cancel_now(books, &subscription, "cancellation_requested");
    }
    let stub = json!({"id": id, "object": "customer", "deleted": true});
    books.edit(id, |kept| *kept = stub.clone());
    books.tell("customer.deleted", &customer);
    Ok(stub)
}

pub(crate) fn list(books: &Books, params: &Params) -> Answer {
    list::page(books, "customer", "/v1/customers", params, |customer| params.allows(customer, "email"))
}

fn take_fields(books: &mut Books, customer: &mut Value, params: &Params) -> Answer<()> {
    take_texts(customer, params, &["email", "name", "description", "phone"]);
    take_metadata(customer, params);
    for name in ["address", "shipping"] {
        if let Some(sent) = params.raw(name) {
            customer[name] = if sent.is_object() { sent.clone() } else { Value::Null };
        }
    }
    if let Some(balance) = params.integer("balance")? {
        customer["balance"] = balance.into();
    }
    if let Some(method) = params.text("payment_method") {
        attach(books, method, customer.text("id"))?;
    }
    let settings = params.nested("invoice_settings");
    if let Some(method) = settings.text("default_payment_method") {
        let method =
            books.objects.find_for("payment_method", method, "invoice_settings[default_payment_method]")?;
        if method.text("customer") != customer.text("id") {
            let message =
                "The customer does not have a payment method with the ID given. It must be attached first.";
            return Err(StripeError::refused(Some("resource_missing"), message));
        }
        customer["invoice_settings"]["default_payment_method"] = method["id"].clone();
    }
    Ok(())
}

/// Saves a card for a customer. `pm_card_…` names make a new payment method each time, as at Stripe.
pub(crate) fn attach(books: &mut Books, method: &str, customer: &str) -> Answer {
    let method = match cards::number_of_token(method).and_then(cards::describe) {
        Some(card) => new_method(books, card, None).text("id").to_owned(),
        None => method.to_owned(),
    };
    let found = books.objects.find("payment_method", &method)?;
    if let cards::Verdict::Declined(code) = cards::judge_saving(&found, cards::Presence::Authenticated) {
        return Err(StripeError::card(cards::decline_details(code)));
    }
    let attached = books.edit(&method, |kept| kept["customer"] = customer.into());
    books.tell("payment_method.attached", &attached);
    Ok(attached)
}

pub(crate) fn detach(books: &mut Books, method: &str) -> Answer {
    let found = books.objects.find("payment_method", method)?;
    let customer = found.text("customer").to_owned();
    let detached = books.edit(method, |kept| kept["customer"] = Value::Null);
    books.tell_change("payment_method.detached", &detached, json!({"customer": customer}));
    books.change(&customer, "customer.updated", |customer| {
        if customer["invoice_settings"].text("default_payment_method") == method {
            customer["invoice_settings"]["default_payment_method"] = Value::Null;
        }
    });
    Ok(detached)
}

/// A payment method that belongs to nobody yet.
pub(crate) fn new_method(books: &mut Books, card: Value, email: Option<&str>) -> Value {
    let details = json!({"address": null, "email": email, "name": null, "phone": null, "tax_id": null});
    books.create("payment_method", json!({"card": card, "billing_details": details}))
}

pub(crate) fn list_methods(books: &Books, customer: Option<&str>, params: &Params) -> Answer {
    let customer = customer.or_else(|| params.text("customer")).unwrap_or_default().to_owned();
    list::page(books, "payment_method", "/v1/payment_methods", params, |method| {
        method.text("customer") == customer && params.allows(method, "type")
    })
}
