//! Everything outside that is reached over HTTP: models, identity providers and Stripe.

pub mod identity;
pub mod llm;
pub mod stripe;
