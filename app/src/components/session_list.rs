use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{ErrorNote, LocalTime};
use crate::api::RevokeSession;
use crate::types::Session;

/// The browsers this person is signed in with.
#[component]
pub fn SessionList(sessions: Vec<Session>, revoke: ServerAction<RevokeSession>) -> impl IntoView {
    let error = move || revoke.value().get().and_then(Result::err).map(|error| view! { <ErrorNote error/> });
    let rows = sessions.into_iter().map(|session| view! { <SessionRow session revoke/> }).collect_view();
    view! {
        {error}
        <ul class="sessions">{rows}</ul>
    }
}

#[component]
fn SessionRow(session: Session, revoke: ServerAction<RevokeSession>) -> impl IntoView {
    let label = format!("Sign out {}", session.device);
    let end = if session.is_current {
        view! { <p class="badge">"This browser"</p> }.into_any()
    } else {
        view! {
            <ActionForm action=revoke>
                <input type="hidden" name="id" value=session.id.to_string()/>
                <button type="submit" class="button button-small" aria-label=label data-testid="revoke-session">"Sign out"</button>
            </ActionForm>
        }
        .into_any()
    };
    view! {
        <li class="session" data-testid="session-row">
            <div>
                <p class="session-device">{session.device}</p>
                <p class="limit-note">
                    <span>"Last seen " <LocalTime at=session.last_seen_at/></span>
                    <span>"Signed in " <LocalTime at=session.created_at/></span>
                </p>
            </div>
            {end}
        </li>
    }
}
