use leptos::prelude::*;

use crate::contexts::site_links;
use crate::types::SiteLinks;

/// Support, terms and privacy, as far as there are any.
#[component]
pub fn HelpLinks() -> impl IntoView {
    let SiteLinks { support, terms, privacy } = site_links();
    [("Support", support), ("Terms", terms), ("Privacy", privacy)]
        .into_iter()
        .filter_map(|(label, url)| url.map(|url| view! { <a href=url rel="external">{label}</a> }))
        .collect_view()
}
