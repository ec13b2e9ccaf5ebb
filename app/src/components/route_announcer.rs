use std::time::Duration;

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::contexts::PageTitle;

/// Tells screen readers which page opened, as a full page load would.
#[component]
pub fn RouteAnnouncer() -> impl IntoView {
    let path = use_location().pathname;
    let title = expect_context::<PageTitle>();
    let announcement = RwSignal::new(String::new());
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path) {
            // The new page sets its title after this effect.
            let title = title.text.clone();
            set_timeout(move || announcement.set(title.get_untracked()), Duration::from_millis(300));
        }
        path
    });
    view! { <p class="visually-hidden" role="status">{announcement}</p> }
}
