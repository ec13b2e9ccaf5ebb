//! Where to reach whoever runs the product.

#[cfg(not(feature = "ssr"))]
use crate::browser;
use crate::types::SiteLinks;

/// From the backend on the server, from the page it made in the browser: both agree.
pub fn site_links() -> SiteLinks {
    #[cfg(feature = "ssr")]
    {
        use crate::api::Backend;
        use leptos::prelude::use_context;

        use_context::<Backend>().map(|backend| backend.links).unwrap_or_default()
    }
    #[cfg(not(feature = "ssr"))]
    SiteLinks {
        support: browser::page_fact("support-url"),
        terms: browser::page_fact("terms-url"),
        privacy: browser::page_fact("privacy-url"),
    }
}
