use chrono::{DateTime, Utc};
use leptos::form::ActionForm;
use leptos::prelude::*;

use super::Deeds;
use super::deed::DeedFields;
use crate::components::admin::{Column, RecordTable};
use crate::components::{ActionError, Fold, LocalTime, SubmitButton};
use crate::types::{ApiKey, UserId};

/// The keys that programs use the account with, and how to end one.
#[component]
pub fn PersonApiKeys(id: UserId, keys: Vec<ApiKey>, deeds: Deeds) -> impl IntoView {
    let working = keys.iter().filter(|key| key.revoked_at.is_none()).cloned().collect::<Vec<_>>();
    view! {
        <section class="panel" aria-labelledby="keys-heading">
            <div class="panel-head"><h2 id="keys-heading">"API keys"</h2></div>
            <Keys keys/>
            <div class="deeds"><RevokeDeed id working deeds/></div>
        </section>
    }
}

#[component]
fn Keys(keys: Vec<ApiKey>) -> impl IntoView {
    const COLUMNS: &[Column] =
        &[Column::text("Key"), Column::text("Created"), Column::text("Last used"), Column::text("Revoked")];
    if keys.is_empty() {
        return view! { <p class="muted">"None yet."</p> }.into_any();
    }
    let row = |key: ApiKey| {
        view! {
            <tr data-testid="key-row">
                <th scope="row"><code>{ApiKey::masked(&key.hint)}</code></th>
                <td class="nowrap" data-label="Created"><LocalTime at=key.created_at/></td>
                <td class="nowrap" data-label="Last used">{when(key.last_used_at, "Never")}</td>
                <td class="nowrap" data-label="Revoked">{when(key.revoked_at, "No")}</td>
            </tr>
        }
    };
    view! { <RecordTable label="API keys" columns=COLUMNS>{keys.into_iter().map(row).collect_view()}</RecordTable> }
        .into_any()
}

fn when(at: Option<DateTime<Utc>>, otherwise: &'static str) -> AnyView {
    match at {
        Some(at) => view! { <LocalTime at/> }.into_any(),
        None => otherwise.into_any(),
    }
}

#[component]
fn RevokeDeed(id: UserId, working: Vec<ApiKey>, deeds: Deeds) -> impl IntoView {
    let revoke = deeds.revoke_key;
    let option = |key: ApiKey| {
        let hint = ApiKey::masked(&key.hint);
        view! { <option value=key.id.to_string()>{hint}</option> }
    };
    (!working.is_empty()).then(|| view! {
        <Fold id="revoke-key" label="Revoke a key">
            <p class="field-hint">"Programs that use it are refused from then on. It cannot be brought back."</p>
            <ActionForm action=revoke attr:class="deed">
                <DeedFields id prefix="revoke-key">
                    <div class="field">
                        <label for="revoke-key-key">"Key"</label>
                        <select id="revoke-key-key" class="text-field" name="key_id">
                            {working.into_iter().map(option).collect_view()}
                        </select>
                    </div>
                </DeedFields>
                <SubmitButton label="Revoke the key" is_pending=revoke.pending() class="button button-danger" test_id=Some("revoke-key")/>
            </ActionForm>
            <ActionError action=revoke/>
        </Fold>
    })
}
