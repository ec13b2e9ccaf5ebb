//! Everything outside that is reached over HTTP: models and identity providers.

pub mod identity;
pub mod llm;
