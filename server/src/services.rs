//! The rules: what may happen, in what order, and what it costs.

pub mod account;
mod account_queue;
pub mod billing;
pub mod catalog;
pub mod chat;
pub mod generation;
pub mod money_audit;
pub mod plans;
pub mod quota;
pub mod sign_in;
pub mod simulation;
pub mod usage;
