//! The hosted pages: plain forms that work without JavaScript.

mod checkout;
mod invoice;
mod portal;
mod portal_sections;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

use crate::pages;
use crate::pages::stripe as looks;
use crate::stripe::Stripe;
use crate::stripe::books::Books;
use crate::stripe::cards::{self, Presence};
use crate::stripe::objects::Fields;

const NOT_AUTHENTICATED: &str = "We are unable to authenticate your payment method. Please choose a different payment \
                                 method and try again.";
const NO_TEST_CARD: &str = "Your card number is invalid: only test cards are accepted.";

/// The pages, relative to `/stripe`.
pub(crate) fn routes() -> Router<Arc<Stripe>> {
    Router::new()
        .route("/checkout/{id}", get(checkout::show).post(checkout::submit))
        .route("/portal/{id}", get(portal::show).post(portal::submit))
        .route("/invoices/{id}", get(invoice::show).post(invoice::submit))
        .route("/invoices/{id}/pdf", get(invoice::show))
        .route("/receipts/{id}", get(show_receipt))
}

async fn show_receipt(State(stripe): State<Arc<Stripe>>, Path(id): Path<String>) -> Response {
    with_object(&stripe, "charge", &id, |_, charge| {
        let row = (charge.text("description").to_owned(), looks::dollars(charge.integer("amount")));
        let section = format!("<section class=\"card\">\n{}</section>", looks::lines(&[row]));
        Html(looks::page("Receipt", &section)).into_response()
    })
}

/// Runs with the object that a page is about, or says that there is none.
fn with_object(
    stripe: &Stripe,
    kind: &str,
    id: &str,
    work: impl FnOnce(&mut Books, &Value) -> Response,
) -> Response {
    let unknown =
        || pages::problem("Nothing here", "The sandbox does not know this address. A restart forgets them.");
    let Some(account) = stripe.account_of_object(id) else { return unknown() };
    stripe.with_books(&account, |books| match books.objects.live(kind, id).cloned() {
        Some(object) => work(books, &object),
        None => unknown(),
    })
}

/// A card that somebody typed in, and whether 3-D Secure was passed.
fn typed_card(number: &str, challenge: Option<&str>) -> Result<(Value, Presence), &'static str> {
    let card = cards::describe(number).ok_or(NO_TEST_CARD)?;
    Ok((card, presence_of(challenge)?))
}

fn presence_of(challenge: Option<&str>) -> Result<Presence, &'static str> {
    match challenge {
        None => Ok(Presence::Present),
        Some("complete") => Ok(Presence::Authenticated),
        Some(_) => Err(NOT_AUTHENTICATED),
    }
}
