use leptos::form::ActionForm;
use leptos::prelude::*;

use super::ErrorNote;
use crate::contexts::use_session;

/// Ends this session; a plain form, so it works without JavaScript.
#[component]
pub fn SignOutForm(#[prop(default = "sign-out")] test_id: &'static str) -> impl IntoView {
    let action = use_session().sign_out;
    let error = move || action.value().get().and_then(Result::err).map(|error| view! { <ErrorNote error/> });
    view! {
        <ActionForm action>
            <button type="submit" class="button" data-testid=test_id>"Sign out"</button>
        </ActionForm>
        {error}
    }
}

/// Ends every session of this person.
#[component]
pub fn SignOutEverywhereForm() -> impl IntoView {
    let action = use_session().sign_out_everywhere;
    let error = move || action.value().get().and_then(Result::err).map(|error| view! { <ErrorNote error/> });
    view! {
        <ActionForm action>
            <button type="submit" class="button button-danger" data-testid="sign-out-everywhere">"Sign out everywhere"</button>
        </ActionForm>
        {error}
    }
}
