use leptos::prelude::*;
use leptos_router::components::Redirect;

use crate::components::admin::OperatorsOnly;

/// Leads operators to the first area.
#[component]
pub fn AdminHomePage() -> impl IntoView {
    view! { <OperatorsOnly><Redirect path="/admin/people"/></OperatorsOnly> }
}
