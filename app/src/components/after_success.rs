use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::ApiError;

/// Runs `then` each time this form has been accepted.
pub fn after_success<S>(action: ServerAction<S>, then: impl Fn() + 'static)
where
    S: ServerFn<Output = (), Error = ApiError> + Clone + Send + Sync + 'static,
{
    Effect::new(move |_| {
        if action.value().get() == Some(Ok(())) {
            then();
        }
    });
}
