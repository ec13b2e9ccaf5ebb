//! The sandbox's Stripe, as the product uses it: the API by key, the hosted pages, the clock, the webhooks.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in test functions, not in what they call")]

#[path = "stripe/account.rs"]
mod account;
#[path = "stripe/api.rs"]
mod api;
#[path = "stripe/lifecycle.rs"]
mod lifecycle;
#[path = "stripe/money.rs"]
mod money;
#[path = "stripe/pages.rs"]
mod pages;
#[path = "stripe/plans.rs"]
mod plans;
#[path = "stripe/shapes.rs"]
mod shapes;
#[path = "stripe/webhooks.rs"]
mod webhooks;
