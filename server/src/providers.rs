//! Everything outside: models, identity providers and Stripe over HTTP, and the mail server.

pub mod identity;
pub mod llm;
pub mod mail;
pub mod stripe;
