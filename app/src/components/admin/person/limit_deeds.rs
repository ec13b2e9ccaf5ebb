use leptos::form::ActionForm;
use leptos::prelude::*;

use super::Deeds;
use super::deed::{DeedField, DeedFields};
use crate::components::{ActionError, Fold, LocalTime, SubmitButton};
use crate::types::{LimitOverride, UserId};

/// Other limits for a while, and the plan's again.
#[component]
pub fn LimitDeeds(id: UserId, limit_override: Option<LimitOverride>, deeds: Deeds) -> impl IntoView {
    let Deeds { override_limits, end_override, .. } = deeds;
    view! {
        {limit_override.map(|limits| view! { <p class="note" data-testid="limit-override"><span>"Overridden until " <LocalTime at=limits.ends_at/> "."</span></p> })}
        <Fold id="override-limits" label="Override limits">
            <p class="field-hint">"What is left empty is as the plan says. It ends by itself."</p>
            <ActionForm action=override_limits attr:class="deed">
                <DeedFields id prefix="override">
                    <DeedField prefix="override" name="per_minute" label="Requests a minute"/>
                    <DeedField prefix="override" name="per_day" label="Requests a day"/>
                    <DeedField prefix="override" name="tokens" label="Tokens a minute"/>
                    <DeedField prefix="override" name="concurrent" label="Replies at a time"/>
                    <DeedField prefix="override" name="days" label="For days" placeholder="7" is_required=true/>
                </DeedFields>
                <SubmitButton label="Override limits" is_pending=override_limits.pending() class="button button-primary" test_id=Some("override-limits")/>
            </ActionForm>
            <ActionError action=override_limits/>
        </Fold>
        {limit_override.map(|_| view! {
            <Fold id="end-override" label="Back to the plan’s limits">
                <ActionForm action=end_override attr:class="deed">
                    <DeedFields id prefix="end-override"/>
                    <SubmitButton label="Use the plan’s limits" is_pending=end_override.pending() test_id=Some("end-override")/>
                </ActionForm>
                <ActionError action=end_override/>
            </Fold>
        })}
    }
}
