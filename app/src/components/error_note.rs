use leptos::prelude::*;

use super::{Icon, Symbol};
use crate::ApiError;
use crate::contexts::{current_request_id, set_page_title, site_links, use_here};
use crate::links::sign_in_path;

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

/// What stands where a part of a page should be, with the way on where there is one.
#[component]
pub fn LoadError(error: ApiError) -> impl IntoView {
    view! {
        <div class="note note-error" data-testid="load-error">
            <Icon symbol=Symbol::Warning/>
            <p role="alert">{error.to_string()}</p>
            {way_on(&error, "button button-small")}
        </div>
    }
}

/// Without a session: signing in, and back to here. Suspended: whom to ask. Where it may work later: the same page again,
/// all of it.
fn way_on(error: &ApiError, class: &'static str) -> Option<AnyView> {
    let here = use_here();
    match error {
        ApiError::SignInRequired => Some(
            view! { <a class=class href=move || sign_in_path(&here.get()) rel="external">"Sign in"</a> }
                .into_any(),
        ),
        ApiError::Suspended => site_links()
            .support
            .map(|url| view! { <a class=class href=url rel="external">"Contact support"</a> }.into_any()),
        error if error.is_retryable() => {
            Some(view! { <a class=class href=move || here.get() rel="external">"Try again"</a> }.into_any())
        }
        _ => None,
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
    let way_on = way_on(&error, "button button-primary");
    let start_class = if way_on.is_some() { "button" } else { "button button-primary" };
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
                {way_on}
                <a class=start_class href="/chat">"Start a conversation"</a>
                <a class="button" href="/">"Go to the front page"</a>
            </p>
            {number.map(|number| view! {
                <p class="request-number">"If you " <AskUs/> " about this, tell us the number " <code>{number}</code></p>
            })}
        </div>
    }
}

#[component]
fn AskUs() -> impl IntoView {
    match site_links().support {
        Some(url) => view! { <a href=url rel="external">"ask us"</a> }.into_any(),
        None => "ask us".into_any(),
    }
}
