//! Steering Stripe: clocks, cards, webhooks, disputes, outages.

mod page;
mod webhooks;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stripe::books::{AfterRetries, Books};
use crate::stripe::cards::CardMode;
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::objects::Fields;
use crate::stripe::outage::Outage;
use crate::stripe::{Stripe, clock, disputes, meters, refunds};

const DAY: i64 = 86_400;

/// The control endpoints, relative to `/control/stripe`.
pub(crate) fn routes(stripe: Arc<Stripe>) -> Router {
    Router::new()
        .route("/", get(page::show).post(page::act))
        .route("/accounts", get(list_accounts))
        .route("/{key}", get(show_account))
        .route("/{key}/advance", post(advance))
        .route("/{key}/settings", post(change_settings))
        .route("/{key}/cards", post(set_card_mode))
        .route("/{key}/outage", post(begin_outage).delete(end_outage))
        .route("/{key}/disputes", post(open_dispute))
        .route("/{key}/disputes/{id}/close", post(close_dispute))
        .route("/{key}/refunds/{id}/fail", post(fail_refund))
        .route("/{key}/meters", get(list_meter_sums))
        .nest("/{key}/webhooks", webhooks::routes())
        .with_state(stripe)
}

/// The keys that were used since the start.
async fn list_accounts(State(stripe): State<Arc<Stripe>>) -> Json<Vec<String>> {
    Json(stripe.all_accounts().iter().map(|account| account.key.clone()).collect())
}

async fn show_account(State(stripe): State<Arc<Stripe>>, Path(key): Path<String>) -> Json<Value> {
    let account = stripe.account(&key);
    Json(stripe.with_books(&account, |books| {
        json!({
            "now": books.now(), "ahead_seconds": books.offset_seconds(), "after_retries": books.after_retries,
            "webhooks": account.courier.faults(),
        })
    }))
}

/// How far the clock moves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(default)]
    seconds: i64,
    #[serde(default)]
    days: i64,
    /// Whether the answer waits until the webhooks of what happened were delivered.
    #[serde(default)]
    settle: bool,
}

async fn advance(
    State(stripe): State<Arc<Stripe>>,
    Path(key): Path<String>,
    Json(by): Json<Advance>,
) -> Response {
    let seconds = by.seconds + by.days * DAY;
    if seconds < 0 {
        return (StatusCode::UNPROCESSABLE_ENTITY, "the clock only moves ahead\n").into_response();
    }
    let account = stripe.account(&key);
    let now = stripe.with_books(&account, |books| {
        books.move_clock(seconds);
        clock::catch_up(books);
        books.now()
    });
    if by.settle {
        account.courier.settle().await;
    }
    Json(json!({"now": now})).into_response()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    after_retries: AfterRetries,
}

async fn change_settings(
    State(stripe): State<Arc<Stripe>>,
    Path(key): Path<String>,
    Json(settings): Json<Settings>,
) -> StatusCode {
    let account = stripe.account(&key);
    stripe.with_books(&account, |books| books.after_retries = settings.after_retries);
    StatusCode::NO_CONTENT
}

/// How a customer's payments go from now on; without a mode, as their cards do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CardSetting {
    customer: String,
    mode: Option<CardMode>,
    times: Option<u32>,
}

async fn set_card_mode(
    State(stripe): State<Arc<Stripe>>,
    Path(key): Path<String>,
    Json(setting): Json<CardSetting>,
) -> StatusCode {
    let account = stripe.account(&key);
    stripe.with_books(&account, |books| books.card_modes.set(&setting.customer, setting.mode, setting.times));
    StatusCode::NO_CONTENT
}

async fn begin_outage(
    State(stripe): State<Arc<Stripe>>,
    Path(key): Path<String>,
    Json(outage): Json<Outage>,
) -> StatusCode {
    stripe.account(&key).outages.begin(outage);
    StatusCode::NO_CONTENT
}

async fn end_outage(State(stripe): State<Arc<Stripe>>, Path(key): Path<String>) -> StatusCode {
    stripe.account(&key).outages.end();
    StatusCode::NO_CONTENT
}

/// A dispute of a charge, for one of Stripe's reasons.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDispute {
    charge: String,
    #[serde(default = "fraudulent")]
    reason: String,
}

fn fraudulent() -> String {
    "fraudulent".to_owned()
}

async fn open_dispute(
    State(stripe): State<Arc<Stripe>>,
    Path(key): Path<String>,
    Json(new): Json<NewDispute>,
) -> Response {
    answer(&stripe, &key, |books| disputes::open(books, &new.charge, &new.reason))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    won: bool,
}

async fn close_dispute(
    State(stripe): State<Arc<Stripe>>,
    Path((key, id)): Path<(String, String)>,
    Json(decision): Json<Decision>,
) -> Response {
    answer(&stripe, &key, |books| disputes::close(books, &id, decision.won))
}

async fn fail_refund(State(stripe): State<Arc<Stripe>>, Path((key, id)): Path<(String, String)>) -> Response {
    answer(&stripe, &key, |books| refunds::fail(books, &id))
}

/// What every customer used of every meter, ever.
async fn list_meter_sums(State(stripe): State<Arc<Stripe>>, Path(key): Path<String>) -> Json<Value> {
    let account = stripe.account(&key);
    Json(stripe.with_books(&account, |books| {
        let mut sums = json!({});
        for meter in books.objects.of_kind("billing.meter") {
            for customer in books.objects.of_kind("customer") {
                let (id, customer) = (meter.text("id"), customer.text("id"));
                let sum = meters::sum_for(books, id, customer, i64::MIN, i64::MAX);
                if sum != 0 {
                    sums[meter.text("event_name")][customer] = sum.into();
                }
            }
        }
        sums
    }))
}

/// Does something with an account's books, and answers with what it came to.
fn answer(stripe: &Stripe, key: &str, work: impl FnOnce(&mut Books) -> Answer) -> Response {
    let account = stripe.account(key);
    stripe
        .with_books(&account, work)
        .map_or_else(StripeError::into_response, |value| Json(value).into_response())
}
