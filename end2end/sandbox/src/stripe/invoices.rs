//! Invoices as the API has them.

pub(crate) mod collection;
pub(crate) mod draft;
pub(crate) mod lines;

use serde_json::{Value, json};

use crate::stripe::books::{Books, take_metadata, take_texts};
use crate::stripe::cards::{Presence, Verdict};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::invoices::collection::Attempt;
use crate::stripe::list;
use crate::stripe::objects::Fields;

pub(crate) fn list(books: &Books, params: &Params) -> Answer {
    list::page(books, "invoice", "/v1/invoices", params, |invoice| {
        ["customer", "subscription", "status", "collection_method"]
            .iter()
            .all(|name| params.allows(invoice, name))
    })
}

pub(crate) fn list_lines(books: &Books, id: &str, params: &Params) -> Answer {
    let invoice = books.objects.find("invoice", id)?;
    let lines = invoice.elements("lines").to_vec();
    list::page_of(lines, "line_item", &format!("/v1/invoices/{id}/lines"), params)
}

/// An invoice of the customer's pending invoice items.
pub(crate) fn create(books: &mut Books, params: &Params) -> Answer {
    let customer = params.required("customer")?;
    let customer = books.objects.find_for("customer", customer, "customer")?.text("id").to_owned();
    let subscription = match params.text("subscription") {
        Some(id) => books.objects.find_for("subscription", id, "subscription")?,
        None => Value::Null,
    };
    let now = books.now();
    let advances = params.flag("auto_advance")?.unwrap_or(false);
    let (lines, period) = (Vec::new(), (now, now));
    let draft = draft::Draft {
        customer: &customer,
        subscription: &subscription,
        reason: "manual",
        lines,
        period,
        advances,
    };
    let id = draft::open(books, draft);
    Ok(books.edit(&id, |invoice| {
        take_texts(invoice, params, &["description"]);
        take_metadata(invoice, params);
    }))
}

pub(crate) fn update(books: &mut Books, id: &str, params: &Params) -> Answer {
    let mut invoice = books.objects.find("invoice", id)?;
    take_texts(&mut invoice, params, &["description", "default_payment_method"]);
    take_metadata(&mut invoice, params);
    if let Some(advances) = params.flag("auto_advance")? {
        invoice["auto_advance"] = advances.into();
    }
    Ok(books.change(id, "invoice.updated", |kept| *kept = invoice))
}

pub(crate) fn finalize(books: &mut Books, id: &str) -> Answer {
    draft::finalize(books, id)?;
    books.objects.find("invoice", id)
}

/// Pays an invoice now, from the card on file or the one given.
pub(crate) fn pay(books: &mut Books, id: &str, params: &Params) -> Answer {
    let invoice = books.objects.find("invoice", id)?;
    match invoice.text("status") {
        "draft" => draft::finalize(books, id)?,
        "open" | "uncollectible" => {}
        "paid" => return Err(StripeError::refused(None, "Invoice is already paid")),
        status => return Err(StripeError::refused(None, format!("Invoice is {status} and cannot be paid"))),
    }
    if params.flag("paid_out_of_band")? == Some(true) {
        collection::mark_paid(books, id, invoice.integer("amount_due"));
        return books.objects.find("invoice", id);
    }
    let presence =
        if params.flag("off_session")? == Some(false) { Presence::Present } else { Presence::Away };
    match collection::collect(books, id, params.text("payment_method"), presence, Attempt::ByHand) {
        Verdict::Approved => books.objects.find("invoice", id),
        verdict => Err(StripeError::card(collection::error_of(books, id, verdict))),
    }
}

pub(crate) fn void(books: &mut Books, id: &str) -> Answer {
    close(books, id, "void")
}

pub(crate) fn mark_uncollectible(books: &mut Books, id: &str) -> Answer {
    close(books, id, "uncollectible")
}

fn close(books: &mut Books, id: &str, status: &str) -> Answer {
    let invoice = books.objects.find("invoice", id)?;
    if !matches!(invoice.text("status"), "open" | "uncollectible") {
        let message = format!(
            "You can only pass in open invoices. This invoice isn't open: it is {}.",
            invoice.text("status")
        );
        return Err(StripeError::refused(None, message));
    }
    Ok(collection::close_as(books, id, status))
}

/// Drafts can be deleted, final invoices cannot.
pub(crate) fn delete(books: &mut Books, id: &str) -> Answer {
    let invoice = books.objects.find("invoice", id)?;
    if invoice.text("status") != "draft" {
        return Err(StripeError::refused(None, "You can only delete draft invoices."));
    }
    let stub = json!({"id": id, "object": "invoice", "deleted": true});
    books.edit(id, |kept| *kept = stub.clone());
    books.tell("invoice.deleted", &invoice);
    Ok(stub)
}

/// A one-off item that waits for the next invoice, or goes into a draft.
pub(crate) fn create_item(books: &mut Books, params: &Params) -> Answer {
    let customer = params.required("customer")?;
    books.objects.find_for("customer", customer, "customer")?;
    params.required("amount")?;
    let (now, amount) = (books.now(), params.integer("amount")?.unwrap_or_default());
    let parent = match params.text("subscription") {
        Some(id) => {
            books.objects.find_for("subscription", id, "subscription")?;
            json!({"type": "subscription_details", "subscription_details": {"subscription": id, "subscription_item": null}})
        }
        None => Value::Null,
    };
    let mut item = books.create(
        "invoiceitem",
        json!({
            "customer": customer, "amount": amount, "net_amount": amount, "date": now,
            "currency": params.text("currency").unwrap_or("usd"), "period": {"start": now, "end": now},
            "description": params.text("description"), "parent": parent,
        }),
    );
    take_metadata(&mut item, params);
    let id = item.text("id").to_owned();
    let item = books.edit(&id, |kept| *kept = item);
    books.tell("invoiceitem.created", &item);
    Ok(item)
}

pub(crate) fn list_items(books: &Books, params: &Params) -> Answer {
    let pending = params.flag("pending")?;
    list::page(books, "invoiceitem", "/v1/invoiceitems", params, |item| {
        params.allows(item, "customer")
            && params.allows(item, "invoice")
            && pending.is_none_or(|pending| item["invoice"].is_null() == pending)
    })
}

pub(crate) fn list_payments(books: &Books, params: &Params) -> Answer {
    let intent = params.nested("payment").text("payment_intent").map(str::to_owned);
    list::page(books, "invoice_payment", "/v1/invoice_payments", params, |payment| {
        params.allows(payment, "invoice")
            && params.allows(payment, "status")
            && intent.as_deref().is_none_or(|intent| payment["payment"].text("payment_intent") == intent)
    })
}
