use leptos::prelude::*;

use super::Icon;
use super::Symbol;
use crate::ApiError;
use crate::contexts::{current_request_id, set_page_title};

/// An error in words, read out at once.
#[component]
pub fn ErrorNote(#[prop(into)] error: Signal<ApiError>) -> impl IntoView {
    view! {
        <p class="note note-error" role="alert">
            <Icon symbol=Symbol::Warning/>
            <span>{move || error.with(ToString::to_string)}</span>
        </p>
    }
}

/// What stands where a page or a conversation should be.
#[component]
pub fn ErrorPage(error: ApiError) -> impl IntoView {
    let is_missing = error == ApiError::NotFound;
    let heading = if is_missing { "Nothing hangs here" } else { "This page could not be shown" };
    set_page_title(heading);
    // An error of ours says it itself, and of its own request.
    let number = current_request_id().filter(|_| !matches!(error, ApiError::Internal { .. }));
    view! {
        <div class="error-page" data-testid="error-page">
            <svg class="error-art" viewBox="0 0 120 120" aria-hidden="true" focusable="false">
                <path class="art-bar" d="M20 8h80"></path>
                <path class="art-string" d="M60 8c0 14 5 22 -2 40"></path>
                <path class="art-bob" d="M48 92h24l-2.7 10L60 116l-9.3-14z"></path>
            </svg>
            <h1>{heading}</h1>
            <p role="alert">{error.to_string()}</p>
            <p class="error-actions">
                <a class="button button-primary" href="/chat">"Start a conversation"</a>
                <a class="button" href="/">"Go to the front page"</a>
            </p>
            {number.map(|number| view! {
                <p class="request-number">"If you ask us about this, tell us the number " <code>{number}</code></p>
            })}
        </div>
    }
}
