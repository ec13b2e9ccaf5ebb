//! HTTP that is not Leptos': sign-in, forms whose answer is a page, downloads, the site's files, the API for programs, webhooks, reports of
//! browsers, the links in mails, probes, and the pages for when nothing else works.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod api_keys;
pub(crate) mod auth;
pub(crate) mod chat;
mod download;
pub(crate) mod error_page;
pub(crate) mod files;
pub(crate) mod functions;
pub(crate) mod health;
pub(crate) mod mail;
pub(crate) mod metrics;
pub(crate) mod reports;
pub(crate) mod stripe;
pub(crate) mod usage;
pub(crate) mod v1;
