//! Steering the way of the webhooks.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stripe::Stripe;
use crate::stripe::control::answer;
use crate::stripe::webhooks::endpoints;
use crate::stripe::webhooks::faults::Faults;

/// The endpoints, relative to `/control/stripe/{key}/webhooks`.
pub(super) fn routes() -> Router<Arc<Stripe>> {
    Router::new()
        .route("/endpoints", post(add_endpoint))
        .route("/faults", get(show_faults).put(set_faults).delete(clear_faults))
        .route("/release", post(release))
        .route("/redeliver", post(redeliver))
        .route("/settle", post(settle))
        .route("/journal", get(list_journal))
}

/// A webhook endpoint whose secret the caller chose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEndpoint {
    url: String,
    secret: String,
    #[serde(default = "every_event")]
    enabled_events: Vec<String>,
}

fn every_event() -> Vec<String> {
    vec!["*".to_owned()]
}

async fn add_endpoint(
    State(stripe): State<Arc<Stripe>>,
    Path(key): Path<String>,
    Json(new): Json<NewEndpoint>,
) -> Response {
    answer(&stripe, &key, |books| Ok(endpoints::add(books, &new.url, &new.enabled_events, &new.secret)))
}

async fn show_faults(State(stripe): State<Arc<Stripe>>, Path(key): Path<String>) -> Json<Faults> {
    Json(stripe.account(&key).courier.faults())
}

async fn set_faults(
    State(stripe): State<Arc<Stripe>>,
    Path(key): Path<String>,
    Json(faults): Json<Faults>,
) -> StatusCode {
    stripe.account(&key).courier.set_faults(faults);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(stripe): State<Arc<Stripe>>, Path(key): Path<String>) -> StatusCode {
    stripe.account(&key).courier.set_faults(Faults::default());
    StatusCode::NO_CONTENT
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Release {
    shuffled: bool,
}

async fn release(
    State(stripe): State<Arc<Stripe>>,
    Path(key): Path<String>,
    Json(release): Json<Release>,
) -> StatusCode {
    stripe.account(&key).courier.release(release.shuffled);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Redelivery {
    event: String,
}

async fn redeliver(
    State(stripe): State<Arc<Stripe>>,
    Path(key): Path<String>,
    Json(again): Json<Redelivery>,
) -> StatusCode {
    let is_known = stripe.account(&key).courier.redeliver(&again.event);
    if is_known { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

/// Answers when nothing is on its way any more.
async fn settle(State(stripe): State<Arc<Stripe>>, Path(key): Path<String>) -> StatusCode {
    stripe.account(&key).courier.settle().await;
    StatusCode::NO_CONTENT
}

async fn list_journal(State(stripe): State<Arc<Stripe>>, Path(key): Path<String>) -> Json<Value> {
    Json(json!(stripe.account(&key).courier.journal()))
}
