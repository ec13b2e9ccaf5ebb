use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::components::LocalDay;

/// That somebody's account is erased, or will be.
#[component]
pub fn ErasureTag(erase_at: Option<DateTime<Utc>>, erased_at: Option<DateTime<Utc>>) -> impl IntoView {
    match (erased_at, erase_at) {
        (Some(at), _) => Some(view! { <span class="tag" data-testid="erased">"Erased on " <LocalDay at/></span> }.into_any()),
        (None, Some(at)) => {
            Some(view! { <span class="tag tag-danger" data-testid="to-be-erased">"To be erased on " <LocalDay at/></span> }.into_any())
        }
        (None, None) => None,
    }
}
