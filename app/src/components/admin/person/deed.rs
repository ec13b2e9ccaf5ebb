use leptos::prelude::*;

use crate::api::admin::{
    BeginVisit, EndLimitOverride, EndPlanOverride, ExtendGrace, GiveCredit, OverrideLimits, OverridePlan,
    ResumePerson, ResyncPerson, RevokePersonApiKey, SignOutPerson, SuspendPerson, TakeCredit,
};
use crate::browser;
use crate::components::admin::{DeedOutcome, ReasonField};
use crate::components::after_success;
use crate::links::VISIT_PATH;
use crate::types::UserId;

/// Everything an operator can do about a person. Made once at the top of the page, so that what failed is still there
/// when the rest is drawn anew.
#[derive(Clone, Copy)]
pub struct Deeds {
    pub give: ServerAction<GiveCredit>,
    pub take: ServerAction<TakeCredit>,
    pub suspend: ServerAction<SuspendPerson>,
    pub resume: ServerAction<ResumePerson>,
    pub sign_out: ServerAction<SignOutPerson>,
    pub revoke_key: ServerAction<RevokePersonApiKey>,
    pub override_limits: ServerAction<OverrideLimits>,
    pub end_override: ServerAction<EndLimitOverride>,
    pub override_plan: ServerAction<OverridePlan>,
    pub end_plan_override: ServerAction<EndPlanOverride>,
    pub extend_grace: ServerAction<ExtendGrace>,
    pub resync: ServerAction<ResyncPerson>,
    pub visit: ServerAction<BeginVisit>,
    pub outcome: DeedOutcome,
}

impl Deeds {
    pub fn new() -> Self {
        let deeds = Self {
            give: ServerAction::new(),
            take: ServerAction::new(),
            suspend: ServerAction::new(),
            resume: ServerAction::new(),
            sign_out: ServerAction::new(),
            revoke_key: ServerAction::new(),
            override_limits: ServerAction::new(),
            end_override: ServerAction::new(),
            override_plan: ServerAction::new(),
            end_plan_override: ServerAction::new(),
            extend_grace: ServerAction::new(),
            resync: ServerAction::new(),
            visit: ServerAction::new(),
            outcome: DeedOutcome::new(),
        };
        deeds.outcome.say_when_done(deeds.give, "The credit is given.");
        deeds.outcome.say_when_done(deeds.take, "The credit is taken.");
        deeds.outcome.say_when_done(deeds.suspend, "The account is suspended.");
        deeds.outcome.say_when_done(deeds.resume, "The account is open again.");
        deeds.outcome.say_when_done(deeds.sign_out, "Every session is ended.");
        deeds.outcome.say_when_done(deeds.revoke_key, "The key is revoked.");
        deeds.outcome.say_when_done(deeds.override_limits, "The new limits hold.");
        deeds.outcome.say_when_done(deeds.end_override, "The plan’s limits hold again.");
        deeds.outcome.say_when_done(deeds.override_plan, "The plan is changed.");
        deeds.outcome.say_when_done(deeds.end_plan_override, "The account’s own plan holds again.");
        deeds.outcome.say_when_done(deeds.extend_grace, "The grace is extended.");
        deeds.outcome.say_when_done(deeds.resync, "Stripe is asked. Reload in a moment to see what it says.");
        after_success(deeds.visit, || browser::load(VISIT_PATH));
        deeds
    }
}

/// What every form about a person has: whom it is about, its own fields, and why.
#[component]
pub fn DeedFields(
    id: UserId,
    /// Before the ids of the fields: unique on the page.
    prefix: &'static str,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <input type="hidden" name="id" value=id.to_string()/>
        {children.map(|children| view! { <div class="deed-fields">{children()}</div> })}
        <ReasonField id=format!("{prefix}-reason")/>
    }
}

/// A number, or an amount of money.
#[component]
pub fn DeedField(
    prefix: &'static str,
    name: &'static str,
    label: &'static str,
    #[prop(default = "")] placeholder: &'static str,
    #[prop(default = false)] is_required: bool,
) -> impl IntoView {
    let id = format!("{prefix}-{name}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input id=id class="text-field" name=name inputmode="decimal" autocomplete="off" placeholder=placeholder required=is_required/>
        </div>
    }
}
