//! The hosted pages: plain forms that work without JavaScript.

mod checkout;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::stripe::Stripe;

/// The pages, relative to `/stripe`.
pub(crate) fn routes() -> Router<Arc<Stripe>> {
    Router::new().route("/checkout/{id}", get(checkout::show).post(checkout::submit))
}
