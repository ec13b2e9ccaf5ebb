use leptos::form::ActionForm;
use leptos::prelude::*;

use super::Deeds;
use super::deed::DeedFields;
use crate::components::{ActionError, Fold, LocalTime, SubmitButton};
use crate::types::{PlanOverride, UserId};

/// Another plan for a while, whatever is paid for, and the account's own again.
#[component]
pub fn PlanDeeds(
    id: UserId,
    plan_override: Option<PlanOverride>,
    /// Key and name of each.
    plans: Vec<(String, String)>,
    deeds: Deeds,
) -> impl IntoView {
    let Deeds { override_plan, end_plan_override, .. } = deeds;
    let options =
        plans.into_iter().map(|(key, name)| view! { <option value=key>{name}</option> }).collect_view();
    let is_overridden = plan_override.is_some();
    view! {
        {plan_override.map(|plan| view! {
            <p class="note" data-testid="plan-override"><span>{plan.plan_name} ", by an operator, until " <LocalTime at=plan.ends_at/> "."</span></p>
        })}
        <Fold id="override-plan" label="Change the plan">
            <p class="field-hint">
                "Limits and models are those of this plan, and so is the month’s credit of somebody who pays nothing. \
                 A subscription at Stripe stays as it is: it is paid, and gives its credit, as before."
            </p>
            <ActionForm action=override_plan attr:class="deed">
                <DeedFields id prefix="override-plan">
                    <div class="field">
                        <label for="override-plan-plan">"Plan"</label>
                        <select id="override-plan-plan" class="text-field" name="plan">{options}</select>
                    </div>
                    <div class="field">
                        <label for="override-plan-until">"Last day (UTC)"</label>
                        <input id="override-plan-until" class="text-field" type="date" name="until" required/>
                    </div>
                </DeedFields>
                <SubmitButton label="Change the plan" is_pending=override_plan.pending() class="button button-primary" test_id=Some("override-plan")/>
            </ActionForm>
            <ActionError action=override_plan/>
        </Fold>
        {is_overridden.then(|| view! {
            <Fold id="end-plan-override" label="Back to the account’s own plan">
                <ActionForm action=end_plan_override attr:class="deed">
                    <DeedFields id prefix="end-plan-override"/>
                    <SubmitButton label="Use the own plan" is_pending=end_plan_override.pending() test_id=Some("end-plan-override")/>
                </ActionForm>
                <ActionError action=end_plan_override/>
            </Fold>
        })}
    }
}
