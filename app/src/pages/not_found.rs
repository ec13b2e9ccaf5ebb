use leptos::prelude::*;

use crate::ApiError;
use crate::components::{ErrorPage, PageFrame};

/// For an address that leads nowhere.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    answer_not_found();
    view! {
        <PageFrame title="Not found">
            <ErrorPage error=ApiError::NotFound/>
        </PageFrame>
    }
}

/// Gives the page the status its text has.
pub fn answer_not_found() {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
}
