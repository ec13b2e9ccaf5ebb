use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::{Icon, PortalForm, Symbol};
use crate::ApiError;
use crate::contexts::{OpenConversation, Refusal, use_clock, use_quota, use_standing};
use crate::links::{PRICING_PATH, USAGE_CAPS_PATH, sign_in_path};
use crate::time;
use crate::types::{CapScope, PortalPage};

/// Why a message was not sent, beside the composer that still holds it.
#[component]
pub fn RefusalNote(conversation: OpenConversation) -> impl IntoView {
    let (clock, quota) = (use_clock(), use_quota());
    Effect::new(move |_| {
        let fits_at =
            conversation.refusal.with(|refusal| refusal.as_ref().and_then(|refusal| refusal.fits_at));
        if fits_at.zip(clock.now()).is_some_and(|(at, now)| at <= now) {
            conversation.refusal.set(None);
            conversation.announcement.set("You can send the next request now.".to_owned());
            quota.reload();
        }
    });
    // That replies are paused is said by the composer itself, for as long as it is so.
    let refusal = move || {
        conversation
            .refusal
            .get()
            .filter(|refusal| !matches!(refusal.error, ApiError::Frozen { .. } | ApiError::Suspended))
    };
    move || refusal().map(|refusal| view! { <Note refusal conversation/> })
}

#[component]
fn Note(refusal: Refusal, conversation: OpenConversation) -> impl IntoView {
    let clock = use_clock();
    let Refusal { error, fits_at, .. } = refusal;
    // Kept out of the alert: a screen reader would read every second aloud.
    let countdown = fits_at.map(|at| {
        let text = move || {
            clock
                .now()
                .map(|now| format!("You can send again in {}.", time::wait(time::seconds_until(at, now))))
        };
        view! { <span class="note-countdown" data-testid="composer-countdown">{text}</span> }
    });
    let action = match &error {
        ApiError::SignInRequired => Some(view! { <SignInLink/> }.into_any()),
        ApiError::OutOfCredit { .. } => Some(view! { <MoreCredit/> }.into_any()),
        ApiError::CapReached { cap } => Some(view! { <RaiseCap scope=cap.scope.clone() conversation/> }.into_any()),
        error if error.is_retryable() && fits_at.is_none() => Some(view! {
            <button type="button" class="button button-small" data-testid="send-again" on:click=move |_| conversation.send_again()>
                "Try again"
            </button>
        }.into_any()),
        _ => None,
    };
    view! {
        <div class="note note-error" data-testid="composer-error">
            <Icon symbol=Symbol::Warning/>
            <p><span role="alert">{error.to_string()}</span> " " {countdown}</p>
            {action}
        </div>
    }
}

/// Leads to where the cap can be raised. The message stays in the composer meanwhile.
#[component]
fn RaiseCap(scope: CapScope, conversation: OpenConversation) -> impl IntoView {
    match scope {
        CapScope::Monthly { .. } => view! {
            <a class="button button-small" href=USAGE_CAPS_PATH rel="external" data-testid="raise-cap">"Raise the cap"</a>
        }
        .into_any(),
        CapScope::Thread { .. } => view! {
            <button type="button" class="button button-small" data-testid="raise-cap" on:click=move |_| conversation.shows_spending.set(true)>
                "Raise the cap"
            </button>
        }
        .into_any(),
    }
}

/// Leaves the page for good, so that it comes back with the new session.
#[component]
fn SignInLink() -> impl IntoView {
    let path = use_location().pathname.get_untracked();
    view! { <a class="button button-small" href=sign_in_path(&path) rel="external">"Sign in"</a> }
}

/// To what brings credit soonest.
#[component]
fn MoreCredit() -> impl IntoView {
    let standing = use_standing();
    move || {
        match standing.get().needs_payment() {
        true => view! { <PortalForm page=PortalPage::UnpaidInvoice label="Pay now" class="button button-small"/> }.into_any(),
        false => {
            view! { <a class="button button-small" href=PRICING_PATH data-testid="more-credit">"Get more credit"</a> }
                .into_any()
        }
    }
    }
}
