use leptos::html;
use leptos::prelude::*;

use super::limit_meter::Bar;
use super::{ButtonForm, CapDeed, CapForms, Fold, LocalTime};
use crate::api::RevokeApiKey;
use crate::types::{ApiKey, ApiKeyId, CapTerms, Nanos, ThreadId};
use crate::wording;

/// The keys that work. Plain forms, so they can be capped and revoked without JavaScript.
#[component]
pub fn ApiKeyRows(
    keys: Vec<ApiKey>,
    revoke: ServerAction<RevokeApiKey>,
    on_cap: Callback<CapDeed>,
) -> impl IntoView {
    if keys.is_empty() {
        return view! { <p class="muted" data-testid="no-keys">"You have no key. Create one above."</p> }
            .into_any();
    }
    let rows = keys.into_iter().map(|key| view! { <Row key revoke on_cap/> }).collect_view();
    view! { <ul class="sessions">{rows}</ul> }.into_any()
}

#[component]
fn Row(key: ApiKey, revoke: ServerAction<RevokeApiKey>, on_cap: Callback<CapDeed>) -> impl IntoView {
    let thread_id = key.thread_id();
    let ApiKey { id, name, hint, created_at, last_used_at, used, cap, .. } = key;
    let last_used = match last_used_at {
        Some(at) => view! { <LocalTime at/> }.into_any(),
        None => "never".into_any(),
    };
    view! {
        <li class="session key" data-testid="key-row">
            <div class="key-facts">
                <p class="session-device">{name.clone()}</p>
                <p class="limit-note">
                    <code>{ApiKey::masked(&hint)}</code>
                    <span>"Created " <LocalTime at=created_at/></span>
                    <span>"Last used " {last_used}</span>
                </p>
                <KeyCap thread_id used cap name=name.clone() on_cap/>
            </div>
            <RevokeForm id name revoke/>
        </li>
    }
}

/// What the key has cost, what it may cost, and the way to change that.
#[component]
fn KeyCap(
    thread_id: ThreadId,
    used: Nanos,
    cap: Option<Nanos>,
    name: String,
    on_cap: Callback<CapDeed>,
) -> impl IntoView {
    let left = cap.map(|cap| (cap - used).or_zero());
    let bar = cap.zip(left).map(|(cap, left)| {
        view! { <Bar value=left.0 most=cap.0 label=format!("What the cap of {name} leaves")/> }
    });
    let terms = cap.map(|limit| CapTerms { limit, is_hard: true });
    let no_plan: Option<Nanos> = None;
    let fold_label = match cap {
        Some(_) => format!("Change what “{name}” may cost"),
        None => format!("Set what “{name}” may cost"),
    };
    view! {
        <p class="limit-note" data-testid="key-spent">{wording::key_spent(used, cap)}</p>
        {bar}
        <Fold id=format!("key-cap-{thread_id}") label=fold_label>
            <CapForms
                thread_id=Some(thread_id)
                prefix=format!("key-{thread_id}")
                label="May cost at most, in dollars"
                terms
                plan_limit=no_plan
                is_hard_only=true
                is_one_of_many=true
                on_done=on_cap
            />
        </Fold>
    }
}

/// Asks before it ends a key. The browser opens and closes the question by itself, with or without JavaScript.
#[component]
fn RevokeForm(id: ApiKeyId, name: String, revoke: ServerAction<RevokeApiKey>) -> impl IntoView {
    let question = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        // What went wrong is said behind it.
        if matches!(revoke.value().get(), Some(Err(_)))
            && let Some(question) = question.get_untracked()
        {
            _ = question.hide_popover();
        }
    });
    let question_id = StoredValue::new(format!("revoke-{id}"));
    let words = StoredValue::new(format!("Revoke “{name}”?"));
    view! {
        <button type="button" class="button button-small" aria-label=format!("Revoke {name}")
            popovertarget=question_id.get_value() data-testid="revoke-key">"Revoke"</button>
        <div id=question_id.get_value() class="dialog question" popover="auto" role="group" aria-label=words.get_value()
            node_ref=question data-testid="revoke-question">
            <p class="session-device">{words.get_value()}</p>
            <p>"Programs that use this key are refused from then on. It cannot be brought back, but you can create another."</p>
            <div class="question-actions">
                <ButtonForm action=revoke fields=[("id", id.to_string())] label="Revoke the key" class="button button-danger"
                    test_id="confirm-revoke"/>
                <button type="button" class="button" popovertarget=question_id.get_value() popovertargetaction="hide">"Keep it"</button>
            </div>
        </div>
    }
}
