use leptos::html;
use leptos::prelude::*;

use super::{ButtonForm, LocalTime};
use crate::api::RevokeApiKey;
use crate::types::{ApiKey, ApiKeyId};

/// The keys that work. Plain forms, so they can be revoked without JavaScript.
#[component]
pub fn ApiKeyRows(keys: Vec<ApiKey>, revoke: ServerAction<RevokeApiKey>) -> impl IntoView {
    if keys.is_empty() {
        return view! { <p class="muted" data-testid="no-keys">"You have no key. Create one above."</p> }
            .into_any();
    }
    let rows = keys.into_iter().map(|key| view! { <Row key revoke/> }).collect_view();
    view! { <ul class="sessions">{rows}</ul> }.into_any()
}

#[component]
fn Row(key: ApiKey, revoke: ServerAction<RevokeApiKey>) -> impl IntoView {
    let ApiKey { id, name, hint, created_at, last_used_at, .. } = key;
    let last_used = match last_used_at {
        Some(at) => view! { <LocalTime at/> }.into_any(),
        None => "never".into_any(),
    };
    view! {
        <li class="session" data-testid="key-row">
            <div>
                <p class="session-device">{name.clone()}</p>
                <p class="limit-note">
                    <code>{ApiKey::masked(&hint)}</code>
                    <span>"Created " <LocalTime at=created_at/></span>
                    <span>"Last used " {last_used}</span>
                </p>
            </div>
            <RevokeForm id name revoke/>
        </li>
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
