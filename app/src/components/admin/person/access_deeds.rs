use leptos::form::ActionForm;
use leptos::prelude::*;

use super::Deeds;
use super::deed::{DeedField, DeedFields};
use crate::components::{ActionError, Fold, SubmitButton};
use crate::types::Person;

/// What an operator can do about a person's access: look, suspend, sign out, bear a late payment, ask Stripe.
#[component]
pub fn AccessDeeds(person: Person, deeds: Deeds) -> impl IntoView {
    let Deeds { visit, suspend, resume, sign_out, extend_grace, resync, .. } = deeds;
    let id = person.summary.id;
    let suspension = match person.summary.is_suspended {
        false => view! {
            <Fold id="suspend" label="Suspend">
                <p class="field-hint">"The account gets no more replies, starting with its next request. Reading, export and billing stay open, and the person is told."</p>
                <ActionForm action=suspend attr:class="deed">
                    <DeedFields id prefix="suspend"/>
                    <SubmitButton label="Suspend the account" is_pending=suspend.pending() class="button button-danger" test_id=Some("suspend")/>
                </ActionForm>
                <ActionError action=suspend/>
            </Fold>
        }
        .into_any(),
        true => view! {
            <Fold id="resume" label="Lift the suspension">
                <ActionForm action=resume attr:class="deed">
                    <DeedFields id prefix="resume"/>
                    <SubmitButton label="Lift the suspension" is_pending=resume.pending() class="button button-primary" test_id=Some("resume")/>
                </ActionForm>
                <ActionError action=resume/>
            </Fold>
        }
        .into_any(),
    };
    let grace = person.is_payment_due().then(|| view! {
        <Fold id="extend-grace" label="Extend the grace">
            <p class="field-hint">"Replies go on for so many days, counted from now, though the payment is due. It never shortens a grace, and gives no credit."</p>
            <ActionForm action=extend_grace attr:class="deed">
                <DeedFields id prefix="grace">
                    <DeedField prefix="grace" name="days" label="Days" placeholder="7" is_required=true/>
                </DeedFields>
                <SubmitButton label="Extend the grace" is_pending=extend_grace.pending() class="button button-primary" test_id=Some("extend-grace")/>
            </ActionForm>
            <ActionError action=extend_grace/>
        </Fold>
    });
    let stripe = person.customer_id.is_some().then(|| view! {
        <Fold id="resync" label="Read again from Stripe">
            <ActionForm action=resync attr:class="deed">
                <DeedFields id prefix="resync"/>
                <SubmitButton label="Read again from Stripe" is_pending=resync.pending() test_id=Some("resync")/>
            </ActionForm>
            <ActionError action=resync/>
        </Fold>
    });
    view! {
        <Fold id="visit" label="See the product as this person">
            <p class="field-hint">
                "For half an hour, in this browser. Nothing can be changed meanwhile, and what people write stays hidden."
            </p>
            <ActionForm action=visit attr:class="deed">
                <DeedFields id prefix="visit"/>
                <SubmitButton label="Begin the visit" is_pending=visit.pending() class="button button-primary" test_id=Some("begin-visit")/>
            </ActionForm>
            <ActionError action=visit/>
        </Fold>
        {suspension}
        <Fold id="sign-out-person" label="Sign out everywhere">
            <ActionForm action=sign_out attr:class="deed">
                <DeedFields id prefix="sign-out"/>
                <SubmitButton label="End every session" is_pending=sign_out.pending() class="button button-danger" test_id=Some("sign-out-person")/>
            </ActionForm>
            <ActionError action=sign_out/>
        </Fold>
        {grace}
        {stripe}
    }
}
