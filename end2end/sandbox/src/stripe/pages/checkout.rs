//! The checkout page.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;

use crate::pages;
use crate::pages::Escaped;
use crate::pages::stripe as looks;
use crate::stripe::Stripe;
use crate::stripe::books::Books;
use crate::stripe::cards::{self, Verdict};
use crate::stripe::checkout;
use crate::stripe::checkout::complete::{Paid, complete, success_url};
use crate::stripe::objects::Fields;
use crate::stripe::pages::{typed_card, with_object};

pub(super) async fn show(State(stripe): State<Arc<Stripe>>, Path(id): Path<String>) -> Response {
    with_session(&stripe, &id, |books, session| Html(render(books, session, None)).into_response())
}

/// What the page sends: first the card, then how 3-D Secure went.
#[derive(Debug, Deserialize)]
pub(super) struct PaymentForm {
    card: String,
    email: Option<String>,
    name: Option<String>,
    challenge: Option<String>,
}

pub(super) async fn submit(
    State(stripe): State<Arc<Stripe>>,
    Path(id): Path<String>,
    Form(form): Form<PaymentForm>,
) -> Response {
    with_session(&stripe, &id, |books, session| pay(books, session, &form))
}

fn pay(books: &mut Books, session: &Value, form: &PaymentForm) -> Response {
    let refused = |books: &Books, message: &str| Html(render(books, session, Some(message))).into_response();
    let (card, presence) = match typed_card(&form.card, form.challenge.as_deref()) {
        Ok(typed) => typed,
        Err(message) => return refused(books, message),
    };
    let email = form.email.as_deref().filter(|email| !email.is_empty());
    let name = form.name.as_deref().filter(|name| !name.is_empty());
    let verdict = complete(books, session.text("id"), Paid { card, email, name, presence });
    match verdict {
        Verdict::Approved => {
            let session = books.objects.get(session.text("id")).cloned().unwrap_or_default();
            Redirect::to(&success_url(&session)).into_response()
        }
        Verdict::Declined(code) => refused(books, cards::decline_details(code).text("message")),
        Verdict::NeedsAuthentication => {
            let hidden = [
                ("card", form.card.as_str()),
                ("email", email.unwrap_or_default()),
                ("name", name.unwrap_or_default()),
            ];
            let amount = format!(" who pays {}", looks::dollars(session.integer("amount_total")));
            Html(looks::challenge("Confirm the payment", &amount, &hidden)).into_response()
        }
    }
}

/// Runs with an open session, or says why there is none.
fn with_session(stripe: &Stripe, id: &str, work: impl FnOnce(&mut Books, &Value) -> Response) -> Response {
    with_object(stripe, "checkout.session", id, |books, session| match session.text("status") {
        "open" => work(books, session),
        "complete" => pages::problem("You're all done here", "You've already completed this payment."),
        _ => pages::problem("This page has expired", "Your checkout session has timed out."),
    })
}

fn render(books: &Books, session: &Value, message: Option<&str>) -> String {
    let items = checkout::line_items(books, session).unwrap_or_default();
    let rows: Vec<_> = items.elements("data").iter().map(row).collect();
    let title = match session.text("mode") {
        "subscription" => "Subscribe",
        "setup" => "Save a card",
        _ => "Pay",
    };
    let total = looks::dollars(session.integer("amount_total"));
    let sections = format!(
        r#"{alert}<section class="card">
<h2>What it is</h2>
{lines}<p>Total today: <strong data-testid="total">{total}</strong></p>
</section>
<section class="card">
<h2 id="pay">Pay with a card</h2>
<form method="post" aria-labelledby="pay">
{email}{fields}<button class="primary">{title}</button>
</form>
</section>
{cancel}{notes}"#,
        alert = looks::alert(message),
        lines = looks::lines(&rows),
        email = email_field(books, session),
        fields = looks::card_fields(),
        cancel = cancel_link(session),
        notes = looks::card_notes(),
    );
    looks::page(title, &sections)
}

fn row(item: &Value) -> (String, String) {
    let recurring = &item["price"]["recurring"];
    let interval =
        if recurring.is_null() { String::new() } else { format!(" / {}", recurring.text("interval")) };
    let quantity = item["quantity"].as_i64().map_or_else(String::new, |quantity| format!("{quantity} × "));
    let price = match item["price"]["unit_amount"].as_i64() {
        Some(cents) => looks::dollars(cents),
        None => format!("{} ¢", item["price"].text("unit_amount_decimal")),
    };
    (format!("{quantity}{}", item.text("description")), format!("{price}{interval}"))
}

fn email_field(books: &Books, session: &Value) -> String {
    let known =
        books.objects.get(session.text("customer")).and_then(|customer| customer.optional_text("email"));
    let email = known.or(session.optional_text("customer_email")).unwrap_or_default();
    format!(
        "<label>E-mail\n<input name=\"email\" type=\"email\" required autocomplete=\"off\" value=\"{}\">\n</label>\n",
        Escaped(email)
    )
}

fn cancel_link(session: &Value) -> String {
    session.optional_text("cancel_url").map_or_else(String::new, |url| {
        format!("<p class=\"note\"><a href=\"{}\">Back without paying</a></p>\n", Escaped(url))
    })
}
