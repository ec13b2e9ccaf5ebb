//! HTTP that is not Leptos': sign-in, probes, and the pages for when nothing else works.

pub(crate) mod auth;
pub(crate) mod error_page;
pub(crate) mod health;
