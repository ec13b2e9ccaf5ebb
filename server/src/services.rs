//! The rules: what may happen, in what order, and what it costs.

pub mod account;
mod account_queue;
pub mod admin;
pub(crate) mod api_keys;
pub mod billing;
mod cached;
pub mod caps;
pub mod catalog;
pub mod ceiling;
pub mod chat;
pub(crate) mod completions;
pub mod day_totals;
pub(crate) mod failed_requests;
pub mod four_way;
pub mod generation;
pub mod money_audit;
pub(crate) mod monitoring;
pub mod notices;
pub mod plans;
pub mod provider_usage;
pub mod quota;
pub mod ratings;
pub mod sign_in;
pub mod simulation;
pub(crate) mod switches;
pub mod usage;
