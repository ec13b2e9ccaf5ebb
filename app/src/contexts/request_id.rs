//! What our log calls the request that this page answered.

#[cfg(not(feature = "ssr"))]
use crate::browser;

/// From the request on the server, from the page it made in the browser: both agree.
pub fn current_request_id() -> Option<String> {
    #[cfg(feature = "ssr")]
    {
        use crate::types::Actor;
        use leptos::prelude::use_context;

        let parts = use_context::<http::request::Parts>()?;
        parts.extensions.get::<Actor>().map(|actor| actor.request_id.clone())
    }
    #[cfg(not(feature = "ssr"))]
    browser::page_request_id()
}
