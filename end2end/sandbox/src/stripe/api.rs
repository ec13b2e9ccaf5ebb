//! The API over HTTP: who asks, what they ask, and the headers of every answer.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::stripe::books::{API_VERSION, Books};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::expand::expand;
use crate::stripe::form::Params;
use crate::stripe::outage::OutageMode;
use crate::stripe::routes::dispatch;
use crate::stripe::{KEY_PREFIX, Stripe, pages, parameters};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// The API and the hosted pages, relative to `/stripe`.
pub(crate) fn routes(stripe: Arc<Stripe>) -> Router {
    Router::new().route("/v1/{*path}", any(answer)).merge(pages::routes()).with_state(stripe)
}

async fn answer(
    State(stripe): State<Arc<Stripe>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = match key_of(&headers) {
        Ok(key) => key,
        Err(refusal) => return refusal.into_response(),
    };
    let account = stripe.account(&key);
    let outage = account.outages.meet(uri.path());
    match outage {
        Some((OutageMode::Stall, until)) => {
            tokio::time::sleep_until(until).await;
            return StripeError::down().into_response();
        }
        Some((OutageMode::Unavailable, _)) => return StripeError::down().into_response(),
        _ => {}
    }
    let request = Request { method, uri, idempotency_key: idempotency_key(&headers), body };
    let response = stripe.with_books(&account, |books| request.run(books));
    if outage.is_some() { StripeError::down().into_response() } else { response }
}

struct Request {
    method: Method,
    uri: Uri,
    idempotency_key: Option<String>,
    body: Bytes,
}

impl Request {
    fn run(&self, books: &mut Books) -> Response {
        let id = books.new_id_with("req");
        let (status, body, is_replayed) = self.answer(books, &id);
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(REQUEST_ID, &id);
        set(STRIPE_VERSION, API_VERSION);
        if let Some(key) = &self.idempotency_key {
            set(IDEMPOTENCY_KEY, key);
        }
        if is_replayed {
            set(IDEMPOTENT_REPLAYED, "true");
        }
        response
    }

    fn answer(&self, books: &mut Books, id: &str) -> (StatusCode, Value, bool) {
        let key = self.idempotency_key.as_deref().filter(|_| self.method == Method::POST);
        let identity = [self.uri.path().as_bytes(), b"?", &self.body].concat();
        if let Some(key) = key {
            match books.answers.recall(key, &identity) {
                Ok(Some((status, body))) => return (status, body, true),
                Ok(None) => {}
                Err(refusal) => return (refusal.status, refusal.body(), false),
            }
        }
        books.set_request(Some((id.to_owned(), key.map(str::to_owned))));
        let (status, body) = match self.dispatch(books) {
            Ok(body) => (StatusCode::OK, body),
            Err(refusal) => (refusal.status, refusal.body()),
        };
        books.set_request(None);
        if let Some(key) = key {
            books.answers.keep(key, &identity, status, &body);
        }
        (status, body, false)
    }

    fn dispatch(&self, books: &mut Books) -> Answer {
        let query = self.uri.query().unwrap_or_default().as_bytes();
        let params = Params::parse(if self.body.is_empty() { query } else { &self.body })?;
        let path: Vec<&str> = self
            .uri
            .path()
            .split('/')
            .filter(|part| !part.is_empty())
            .skip_while(|part| *part != "v1")
            .skip(1)
            .collect();
        parameters::refuse_unknown(&self.method, &path, &params)?;
        let mut answer = dispatch(books, &self.method, &path, &params)?;
        expand(books, &mut answer, &params.texts("expand"))?;
        Ok(answer)
    }
}

/// The secret key, as a bearer token or as the user name of basic authentication.
fn key_of(headers: &HeaderMap) -> Result<String, StripeError> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = match header.split_once(' ') {
        Some(("Bearer", key)) => key.trim().to_owned(),
        Some(("Basic", encoded)) => user_name(encoded.trim()),
        _ => String::new(),
    };
    if key.is_empty() {
        let message = "You did not provide an API key. You need to provide your API key in the Authorization header, \
                       using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
        return Err(StripeError::unauthorized(message));
    }
    if !key.starts_with(KEY_PREFIX) || key.len() == KEY_PREFIX.len() {
        let message =
            "Invalid API Key provided. The sandbox's Stripe takes any key that begins with sk_test_.";
        return Err(StripeError::unauthorized(message));
    }
    Ok(key)
}

fn user_name(encoded: &str) -> String {
    let decoded = BASE64_STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.and_then(|pair| pair.split(':').next().map(str::to_owned)).unwrap_or_default()
}

fn idempotency_key(headers: &HeaderMap) -> Option<String> {
    headers.get(&IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
