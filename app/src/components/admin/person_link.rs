use leptos::prelude::*;

use crate::links::person_path;
use crate::types::PersonLabel;

/// The way to a person's page. One that is gone is named by their id.
#[component]
pub fn PersonLink(label: PersonLabel) -> impl IntoView {
    let name = if label.name.is_empty() { label.id.to_string() } else { label.name };
    view! { <a href=person_path(label.id)>{name}</a> }
}
