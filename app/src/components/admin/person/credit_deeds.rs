use leptos::form::ActionForm;
use leptos::prelude::*;

use super::Deeds;
use super::deed::{DeedField, DeedFields};
use crate::components::{ActionError, Fold, SubmitButton};
use crate::types::{FormId, UserId};

/// Giving and taking credit.
#[component]
pub fn CreditDeeds(id: UserId, form_id: FormId, deeds: Deeds) -> impl IntoView {
    let Deeds { give, take, .. } = deeds;
    view! {
        <Fold id="give-credit" label="Give credit">
            <ActionForm action=give attr:class="deed">
                <input type="hidden" name="form_id" value=form_id.to_string()/>
                <DeedFields id prefix="give">
                    <DeedField prefix="give" name="amount" label="Dollars" placeholder="5.00" is_required=true/>
                    <DeedField prefix="give" name="days" label="Ends after days (empty: never)"/>
                </DeedFields>
                <SubmitButton label="Give credit" is_pending=give.pending() class="button button-primary" test_id=Some("give-credit")/>
            </ActionForm>
            <ActionError action=give/>
        </Fold>
        <Fold id="take-credit" label="Take credit">
            <p class="field-hint">"Only what no reply in progress has set aside can be taken. What ends first goes first."</p>
            <ActionForm action=take attr:class="deed">
                <input type="hidden" name="form_id" value=form_id.to_string()/>
                <DeedFields id prefix="take">
                    <DeedField prefix="take" name="amount" label="Dollars" placeholder="5.00" is_required=true/>
                </DeedFields>
                <SubmitButton label="Take credit" is_pending=take.pending() class="button button-danger" test_id=Some("take-credit")/>
            </ActionForm>
            <ActionError action=take/>
        </Fold>
    }
}
