use leptos::form::ActionForm;
use leptos::prelude::*;

use super::ReasonField;
use crate::api::admin::SetSwitch;
use crate::components::{Fold, LocalTime, SubmitButton};
use crate::types::SwitchState;

/// The switches with what each does, and the form that turns it.
#[component]
pub fn SwitchList(switches: Vec<SwitchState>, set: ServerAction<SetSwitch>) -> impl IntoView {
    let items = switches.into_iter().map(|state| view! { <Item state set/> }).collect_view();
    view! { <ul class="sessions">{items}</ul> }
}

#[component]
fn Item(state: SwitchState, set: ServerAction<SetSwitch>) -> impl IntoView {
    let SwitchState { switch, is_on, changed_at } = state;
    let since = changed_at.map(|at| view! { <span class="limit-note">"Since " <LocalTime at/></span> });
    let (tag, word) = if is_on { ("tag tag-danger", "On") } else { ("tag", "Off") };
    let deed = if is_on { "Turn off" } else { "Turn on" };
    let class = if is_on { "button button-primary" } else { "button button-danger" };
    let id = switch.key();
    view! {
        <li class="switch" data-testid=format!("switch-{id}")>
            <p class="session-device">{switch.title()} <span class=tag>{word}</span> " " {since}</p>
            <p class="field-hint">{switch.explanation()}</p>
            <Fold id label=deed>
                <ActionForm action=set attr:class="deed">
                    <input type="hidden" name="switch" value=id/>
                    <input type="hidden" name="is_on" value=(!is_on).to_string()/>
                    <ReasonField id=format!("{id}-reason")/>
                    <SubmitButton label=deed is_pending=set.pending() class test_id=Some("turn-switch")/>
                </ActionForm>
            </Fold>
        </li>
    }
}
