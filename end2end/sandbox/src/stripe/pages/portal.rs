//! The billing portal: another card, notice, another plan, invoices.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::pages::stripe as looks;
use crate::stripe::Stripe;
use crate::stripe::books::{Books, ids_where};
use crate::stripe::cards::{self, Verdict};
use crate::stripe::catalog;
use crate::stripe::customers;
use crate::stripe::error::Answer;
use crate::stripe::objects::Fields;
use crate::stripe::pages::portal_sections as sections;
use crate::stripe::pages::{typed_card, with_object};
use crate::stripe::subscriptions::{self, change, items};

const KIND: &str = "billing_portal.session";

pub(super) async fn show(State(stripe): State<Arc<Stripe>>, Path(id): Path<String>) -> Response {
    with_object(&stripe, KIND, &id, |books, session| {
        Html(sections::render(books, session, None)).into_response()
    })
}

/// What one of the page's forms sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(super) enum PortalForm {
    ChangeCard { card: String, challenge: Option<String> },
    Cancel { subscription: String },
    Resume { subscription: String },
    ChangePlan { subscription: String, price: String },
}

pub(super) async fn submit(
    State(stripe): State<Arc<Stripe>>,
    Path(id): Path<String>,
    Form(form): Form<PortalForm>,
) -> Response {
    with_object(&stripe, KIND, &id, |books, session| act(books, session, &form))
}

fn act(books: &mut Books, session: &Value, form: &PortalForm) -> Response {
    let customer = session.text("customer");
    let done = match form {
        PortalForm::ChangeCard { card, challenge } => {
            match change_card(books, customer, card, challenge.as_deref()) {
                Ok(Verdict::NeedsAuthentication) => {
                    let hidden = [("action", "change_card"), ("card", card.as_str())];
                    return Html(looks::challenge("Confirm the card", "", &hidden)).into_response();
                }
                Ok(Verdict::Declined(code)) => Err(cards::decline_details(code).text("message").to_owned()),
                Ok(Verdict::Approved) => Ok(()),
                Err(message) => Err(message.to_owned()),
            }
        }
        PortalForm::Cancel { subscription } => {
            own(books, customer, subscription).map(|()| cancel(books, session, subscription))
        }
        PortalForm::Resume { subscription } => {
            own(books, customer, subscription).map(|()| change::plan_cancellation(books, subscription, false))
        }
        PortalForm::ChangePlan { subscription, price } => own(books, customer, subscription).and_then(|()| {
            change_plan(books, session, subscription, price)
                .map_err(|error| error.error.text("message").to_owned())
        }),
    };
    match done {
        Ok(()) => Redirect::to(&address_after(session)).into_response(),
        Err(message) => Html(sections::render(books, session, Some(&message))).into_response(),
    }
}

/// Where a flow ends, or the portal's first page.
fn address_after(session: &Value) -> String {
    let redirect = session["flow"]["after_completion"]["redirect"].text("return_url");
    if redirect.is_empty() { session.text("url").to_owned() } else { redirect.to_owned() }
}

fn own(books: &Books, customer: &str, subscription: &str) -> Result<(), String> {
    let found = books.objects.live("subscription", subscription);
    let is_own =
        found.is_some_and(|found| found.text("customer") == customer && subscriptions::is_running(found));
    if is_own { Ok(()) } else { Err("This subscription has ended.".to_owned()) }
}

/// The new card is the customer's and the running subscriptions' from now on.
fn change_card(
    books: &mut Books,
    customer: &str,
    number: &str,
    challenge: Option<&str>,
) -> Result<Verdict, &'static str> {
    let (card, presence) = typed_card(number, challenge)?;
    let verdict = cards::judge_saving(&json!({"card": card}), presence);
    if verdict != Verdict::Approved {
        return Ok(verdict);
    }
    let method = customers::new_method(books, card, None).text("id").to_owned();
    let attached = books.edit(&method, |method| method["customer"] = customer.into());
    books.tell("payment_method.attached", &attached);
    books.change(customer, "customer.updated", |customer| {
        customer["invoice_settings"]["default_payment_method"] = method.clone().into();
    });
    let is_theirs = |found: &Value| found.text("customer") == customer && subscriptions::is_running(found);
    for subscription in ids_where(books, "subscription", is_theirs) {
        books.change(&subscription, "customer.subscription.updated", |subscription| {
            subscription["default_payment_method"] = method.clone().into();
        });
    }
    Ok(Verdict::Approved)
}

fn cancel(books: &mut Books, session: &Value, subscription: &str) {
    let configuration = books.objects.get(session.text("configuration")).cloned().unwrap_or_default();
    if configuration["features"]["subscription_cancel"].text("mode") == "immediately" {
        subscriptions::cancel_now(books, subscription, "cancellation_requested");
    } else {
        change::plan_cancellation(books, subscription, true);
    }
}

fn change_plan(books: &mut Books, session: &Value, id: &str, price: &str) -> Answer<()> {
    let price = books.objects.find("price", price)?;
    let configuration = books.objects.get(session.text("configuration")).cloned().unwrap_or_default();
    let behavior = configuration["features"]["subscription_update"].text("proration_behavior").to_owned();
    let subscription = books.objects.find("subscription", id)?;
    let mut wanted = subscription.elements("items").to_vec();
    if let Some(item) = wanted.iter_mut().find(|item| !items::is_metered(&item["price"])) {
        item["plan"] = catalog::plan_of(&price);
        item["price"] = price;
    }
    if let Some(invoice) = change::set_items(books, id, wanted, &behavior, false)? {
        subscriptions::collect_by_hand(books, &invoice);
    }
    Ok(())
}
