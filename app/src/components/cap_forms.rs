use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{CapFields, ErrorNote, after_success};
use crate::ApiError;
use crate::api::{RemoveCap, SetCap, UsePlanCap};
use crate::types::{CapTerms, Nanos, ThreadId};

/// What somebody has done to a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapDeed {
    Set,
    Removed,
    /// The plan's counts again.
    PlanUsed,
}

impl CapDeed {
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Set => "The cap is set.",
            Self::Removed => "The cap is removed.",
            Self::PlanUsed => "Your plan's cap is set.",
        }
    }
}

/// Sets a cap, changes it, removes it and takes the plan's. Plain forms, so they work without JavaScript. Drawn once, so that
/// the focus stays where it is.
#[component]
pub fn CapForms(
    /// Without one it is the cap of the month.
    #[prop(optional_no_strip)]
    thread_id: Option<ThreadId>,
    /// Before the ids of the fields: unique on the page.
    #[prop(into)]
    prefix: String,
    /// Of the amount.
    label: &'static str,
    /// As they are now.
    #[prop(into)]
    terms: Signal<Option<CapTerms>>,
    /// Of the plan's cap, where the person has decided otherwise.
    #[prop(into)]
    plan_limit: Signal<Option<Nanos>>,
    /// It always refuses.
    #[prop(optional)]
    is_hard_only: bool,
    /// The page has more of these forms. What a form sent without JavaScript came to is then said above them all: nothing
    /// tells which of them it was.
    #[prop(optional)]
    is_one_of_many: bool,
    #[prop(into)] on_done: Callback<CapDeed>,
) -> impl IntoView {
    let (set, remove) = (ServerAction::<SetCap>::new(), ServerAction::<RemoveCap>::new());
    let use_plan = ServerAction::<UsePlanCap>::new();
    let done = RwSignal::new("");
    let finish = move |deed: CapDeed| {
        done.set(deed.sentence());
        on_done.run(deed);
    };
    after_success(set, move || finish(CapDeed::Set));
    after_success(remove, move || finish(CapDeed::Removed));
    after_success(use_plan, move || finish(CapDeed::PlanUsed));
    Effect::new(move |_| {
        if set.pending().get() || remove.pending().get() || use_plan.pending().get() {
            done.set("");
        }
    });
    let is_ours = move |version: RwSignal<usize>| !is_one_of_many || version.get() > 0;
    let error =
        Signal::derive(move || set.value().get().and_then(Result::err).filter(|_| is_ours(set.version())));
    let other_error = move || {
        let removing = remove.value().get().and_then(Result::err).filter(|_| is_ours(remove.version()));
        let failed: Option<ApiError> = removing
            .or_else(|| use_plan.value().get().and_then(Result::err).filter(|_| is_ours(use_plan.version())));
        failed.map(|error| view! { <ErrorNote error/> })
    };
    view! {
        <div class="cap-forms">
            <ActionForm action=set>
                <ThreadField thread_id/>
                <CapFields prefix label terms error is_hard_only/>
                <div class="cap-actions">
                    <button type="submit" class="button button-primary">
                        {move || if terms.get().is_some() { "Change the cap" } else { "Set a cap" }}
                    </button>
                    <p class="muted" role="status" data-testid="cap-saved">{done}</p>
                </div>
            </ActionForm>
            <div class="cap-actions">
                {move || terms.get().map(|_| view! {
                    <ActionForm action=remove>
                        <ThreadField thread_id/>
                        <button type="submit" class="button">"Remove the cap"</button>
                    </ActionForm>
                })}
                {move || plan_limit.get().map(|limit| view! {
                    <ActionForm action=use_plan>
                        <ThreadField thread_id/>
                        <button type="submit" class="button">{format!("Use your plan's cap of {limit}")}</button>
                    </ActionForm>
                })}
            </div>
            {other_error}
        </div>
    }
}

/// Of the cap of the month, the form has none.
#[component]
fn ThreadField(thread_id: Option<ThreadId>) -> impl IntoView {
    thread_id.map(|id| view! { <input type="hidden" name="thread_id" value=id.to_string()/> })
}
