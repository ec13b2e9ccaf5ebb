//! Webhooks: the account's endpoints, and the courier that brings events to them.

pub(crate) mod courier;
pub(crate) mod delivery;
pub(crate) mod endpoints;
pub(crate) mod faults;
mod signature;
