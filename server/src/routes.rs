//! HTTP that is not Leptos': sign-in, downloads, webhooks, reports of browsers, the links in mails, probes, and the pages for when nothing else works.

pub(crate) mod admin;
pub(crate) mod auth;
pub(crate) mod chat;
mod download;
pub(crate) mod error_page;
pub(crate) mod health;
pub(crate) mod mail;
pub(crate) mod metrics;
pub(crate) mod reports;
pub(crate) mod stripe;
pub(crate) mod usage;
