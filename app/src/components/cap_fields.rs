use leptos::prelude::*;

use super::ErrorNote;
use crate::ApiError;
use crate::types::CapTerms;

/// The fields of a form that sets a cap: how much, and what happens then. With what is wrong with them, if anything.
#[component]
pub fn CapFields(
    /// Before the ids of the fields: unique on the page.
    #[prop(into)]
    prefix: String,
    /// Of the amount.
    label: &'static str,
    /// Filled in, and again when they change; what somebody writes meanwhile stays.
    #[prop(into)]
    terms: Signal<Option<CapTerms>>,
    #[prop(into)] error: Signal<Option<ApiError>>,
    /// There is no choice: it always refuses.
    #[prop(optional)]
    is_hard_only: bool,
) -> impl IntoView {
    let amount = move || {
        terms
            .get()
            .map(|terms| terms.limit.to_string().trim_start_matches('$').to_owned())
            .unwrap_or_default()
    };
    let is_hard = move || terms.get().is_none_or(|terms| terms.is_hard);
    let (amount_id, error_id) = (format!("{prefix}-amount"), format!("{prefix}-error"));
    let described_by = error_id.clone();
    view! {
        <div class="cap-fields">
            <div class="field">
                <label for=amount_id.clone()>{label}</label>
                <input
                    id=amount_id
                    class="text-field"
                    name="amount"
                    inputmode="decimal"
                    autocomplete="off"
                    placeholder="5.00"
                    required
                    value=amount
                    prop:value=amount
                    aria-invalid=move || error.with(Option::is_some).to_string()
                    aria-describedby=described_by
                />
            </div>
            {match is_hard_only {
                true => view! { <input type="hidden" name="is_hard" value="true"/> }.into_any(),
                false => view! { <EffectField is_hard=Signal::derive(is_hard)/> }.into_any(),
            }}
        </div>
        <div class="cap-error" id=error_id>{move || error.get().map(|error| view! { <ErrorNote error/> })}</div>
    }
}

#[component]
fn EffectField(is_hard: Signal<bool>) -> impl IntoView {
    view! {
        <fieldset class="choices">
            <legend>"When it is reached"</legend>
            <label>
                <input type="radio" name="is_hard" value="true" checked=is_hard prop:checked=is_hard/>
                "Refuse new replies"
            </label>
            <label>
                <input type="radio" name="is_hard" value="false" checked=move || !is_hard.get() prop:checked=move || !is_hard.get()/>
                "Only warn me"
            </label>
        </fieldset>
    }
}
