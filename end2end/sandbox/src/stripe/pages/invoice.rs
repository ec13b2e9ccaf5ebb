//! The page of an invoice, where it can be paid.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;

use crate::pages::stripe as looks;
use crate::stripe::Stripe;
use crate::stripe::books::Books;
use crate::stripe::cards::{self, Verdict};
use crate::stripe::customers;
use crate::stripe::invoices::collection::{self, Attempt};
use crate::stripe::objects::Fields;
use crate::stripe::pages::{presence_of, typed_card, with_object};

pub(super) async fn show(State(stripe): State<Arc<Stripe>>, Path(id): Path<String>) -> Response {
    with_object(&stripe, "invoice", &id, |books, invoice| Html(render(books, invoice, None)).into_response())
}

/// What the page sends: a card, or none for the one on file.
#[derive(Debug, Deserialize)]
pub(super) struct PaymentForm {
    card: Option<String>,
    challenge: Option<String>,
}

pub(super) async fn submit(
    State(stripe): State<Arc<Stripe>>,
    Path(id): Path<String>,
    Form(form): Form<PaymentForm>,
) -> Response {
    with_object(&stripe, "invoice", &id, |books, invoice| pay(books, invoice, &form))
}

fn pay(books: &mut Books, invoice: &Value, form: &PaymentForm) -> Response {
    let id = invoice.text("id");
    let refused = |books: &Books, message: &str| {
        let invoice = books.objects.get(id).cloned().unwrap_or_default();
        Html(render(books, &invoice, Some(message))).into_response()
    };
    if invoice.text("status") != "open" {
        return refused(books, "This invoice is not open.");
    }
    let number = form.card.as_deref().filter(|number| !number.is_empty());
    let paid = match number {
        Some(number) => {
            typed_card(number, form.challenge.as_deref()).map(|(card, presence)| (Some(card), presence))
        }
        None => presence_of(form.challenge.as_deref()).map(|presence| (None, presence)),
    };
    let (card, presence) = match paid {
        Ok(paid) => paid,
        Err(message) => return refused(books, message),
    };
    let method = card.map(|card| customers::new_method(books, card, invoice.optional_text("customer_email")));
    let method = method.as_ref().map(|method| method.text("id"));
    match collection::collect(books, id, method, presence, Attempt::ByHand) {
        Verdict::Approved => {
            if let Some(method) = method {
                keep_for_renewals(books, invoice, method);
            }
            Redirect::to(invoice.text("hosted_invoice_url")).into_response()
        }
        Verdict::Declined(code) => refused(books, cards::decline_details(code).text("message")),
        Verdict::NeedsAuthentication => {
            let hidden = number.map(|number| ("card", number));
            Html(looks::challenge("Confirm the payment", "", hidden.as_slice())).into_response()
        }
    }
}

/// The card that paid is charged from now on, or the next renewal would fail as this one did.
fn keep_for_renewals(books: &mut Books, invoice: &Value, method: &str) {
    let attached = books.edit(method, |method| method["customer"] = invoice["customer"].clone());
    books.tell("payment_method.attached", &attached);
    let subscription = invoice["parent"]["subscription_details"].text("subscription");
    books.change(subscription, "customer.subscription.updated", |subscription| {
        subscription["default_payment_method"] = method.into();
    });
}

fn render(books: &Books, invoice: &Value, message: Option<&str>) -> String {
    let row = |line: &Value| (line.text("description").to_owned(), looks::dollars(line.integer("amount")));
    let rows: Vec<_> = invoice.elements("lines").iter().map(row).collect();
    let sections = format!(
        r#"{alert}<section class="card">
<h2>Invoice {number}</h2>
{lines}<p>Total: <strong>{total}</strong>, left to pay: <strong data-testid="left">{left}</strong></p>
<p>Status: <strong data-testid="status">{status}</strong></p>
</section>
{form}"#,
        alert = looks::alert(message),
        number = invoice.text("number"),
        lines = looks::lines(&rows),
        total = looks::dollars(invoice.integer("total")),
        left = looks::dollars(invoice.integer("amount_remaining")),
        status = invoice.text("status"),
        form = if invoice.text("status") == "open" { forms(books, invoice) } else { String::new() },
    );
    looks::page("Invoice", &sections)
}

fn forms(books: &Books, invoice: &Value) -> String {
    let on_file = collection::method_on_file(books, invoice).and_then(|id| books.objects.get(&id).cloned());
    let on_file = on_file.map_or_else(String::new, |method| {
        format!(
            "<form method=\"post\"><button>Pay with the card on file (•••• {})</button></form>\n",
            method["card"].text("last4")
        )
    });
    format!(
        r#"<section class="card">
<h2 id="pay">Pay with another card</h2>
<form method="post" aria-labelledby="pay">
{fields}<button class="primary">Pay invoice</button>
</form>
{on_file}</section>
{notes}"#,
        fields = looks::card_fields(),
        notes = looks::card_notes(),
    )
}
