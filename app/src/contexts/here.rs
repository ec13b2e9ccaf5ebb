//! Where the reader is.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// The address of the page within the product, with its query: what a way back leads to.
pub fn use_here() -> Signal<String> {
    let location = use_location();
    let (path, search) = (location.pathname, location.search);
    Signal::derive(move || {
        let (path, search) = (path.get(), search.get());
        if search.is_empty() { path } else { format!("{path}?{search}") }
    })
}
