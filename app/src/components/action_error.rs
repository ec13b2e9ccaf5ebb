use leptos::prelude::*;
use server_fn::ServerFn;

use super::ErrorNote;
use crate::ApiError;

/// Why the last try of a form failed.
#[component]
pub fn ActionError<S>(action: ServerAction<S>) -> impl IntoView
where
    S: ServerFn<Output = (), Error = ApiError> + Clone + Send + Sync + 'static,
{
    let value = action.value();
    move || value.get().and_then(Result::err).map(|error| view! { <ErrorNote error/> })
}
