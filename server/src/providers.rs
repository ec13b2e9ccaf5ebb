//! Everything outside: models, identity providers, Stripe and Langfuse over HTTP, and the mail server.

pub mod identity;
pub mod langfuse;
pub mod llm;
pub mod mail;
pub mod stripe;
