use leptos::form::ActionForm;
use leptos::prelude::*;

use super::limit_meter::Bar;
use super::{CapDeed, CapForms, ErrorNote, LoadError, UtcDay, after_success};
use crate::api::RemoveCap;
use crate::browser;
use crate::contexts::use_quota;
use crate::links::thread_path;
use crate::types::{Cap, CapScope, Nanos, Quota};
use crate::wording::{cap_effect, spent_sentence};

/// The caps of the month and of conversations. Plain forms, so they work without JavaScript.
#[component]
pub fn SpendingCaps() -> impl IntoView {
    let quota = use_quota();
    let has_failed = Memo::new(move |_| quota.get().and_then(Result::err));
    view! {
        <section class="panel" id="caps" aria-labelledby="caps-heading">
            <div class="panel-head"><h2 id="caps-heading">"Spending caps"</h2></div>
            {move || match has_failed.get() {
                Some(error) => view! { <LoadError error/> }.into_any(),
                None => view! { <MonthlyCap/> <ThreadCaps/> }.into_any(),
            }}
        </section>
    }
}

/// What of the quota a part of this section shows; drawn anew only when that has changed.
fn of_quota<T: PartialEq + Send + Sync + 'static>(
    part: impl Fn(Quota) -> T + Send + Sync + 'static,
) -> Memo<Option<T>> {
    let quota = use_quota();
    Memo::new(move |_| quota.get().and_then(Result::ok).map(&part))
}

#[component]
fn MonthlyCap() -> impl IntoView {
    let cap = of_quota(|quota| quota.monthly_cap().cloned());
    view! {
        <div class="cap-month">
            <h3>"This month"</h3>
            {move || cap.get().flatten().map_or_else(
                || view! { <p class="muted">"No cap is set: you can spend all the credit you have."</p> }.into_any(),
                |cap| view! { <Standing cap/> }.into_any(),
            )}
            <MonthlyCapForms/>
        </div>
    }
}

#[component]
fn MonthlyCapForms() -> impl IntoView {
    let quota = use_quota();
    let known = of_quota(|quota| quota.monthly_cap().map(Cap::terms));
    let terms = Signal::derive(move || known.get().flatten());
    let plan = of_quota(|quota| other_plan_limit(&quota));
    let plan_limit = Signal::derive(move || plan.get().flatten());
    let done = move |deed: CapDeed| {
        quota.reload();
        // The button that was pressed may go away, with the focus on it.
        if deed != CapDeed::Set {
            browser::focus("month-cap-amount");
        }
    };
    view! { <CapForms prefix="month-cap" label="Spend at most a month, in dollars" terms plan_limit on_done=done/> }
}

/// Of the plan's cap, where the person has decided otherwise.
fn other_plan_limit(quota: &Quota) -> Option<Nanos> {
    let is_plans =
        quota.monthly_cap().is_some_and(|cap| matches!(cap.scope, CapScope::Monthly { is_own: false }));
    quota.plan_cap.filter(|_| !is_plans).map(|terms| terms.limit)
}

#[component]
fn Standing(cap: Cap) -> impl IntoView {
    let is_plans = matches!(cap.scope, CapScope::Monthly { is_own: false });
    let whose = is_plans.then_some("Your plan's cap. ");
    let held = (cap.held > Nanos::ZERO).then(|| format!("{} held for replies in progress.", cap.held));
    view! {
        <p class="limit-left" data-testid="month-cap-left"><b>{cap.remaining.to_cents_text()}</b> {format!(" of {} left", cap.limit)}</p>
        <Bar value=cap.remaining.0 most=cap.limit.0 label="What the month's cap leaves".to_owned()/>
        <p class="limit-note">
            <span>{whose} {cap_effect(cap.is_hard)} ". " {cap.used.to_string()} " spent. " {held}</span>
            {cap.resets_at.map(|at| view! { <span>"Begins anew on " <UtcDay at/></span> })}
        </p>
    }
}

#[component]
fn ThreadCaps() -> impl IntoView {
    let quota = use_quota();
    let remove = ServerAction::<RemoveCap>::new();
    after_success(remove, move || quota.reload());
    // What came of a form without JavaScript is said with the cap of the month, whose form looks the same.
    let is_ours = move || remove.version().get() > 0;
    let error = move || {
        let failed = remove.value().get().and_then(Result::err).filter(|_| is_ours());
        failed.map(|error| view! { <ErrorNote error/> })
    };
    let caps =
        of_quota(|quota| quota.caps.into_iter().filter(|cap| cap.thread_id().is_some()).collect::<Vec<_>>());
    let plans_note = of_quota(|quota| quota.plan_thread_cap.map(|cap| cap.limit));
    let plans_note = move || {
        let limit = plans_note.get().flatten()?;
        Some(view! {
            <p class="limit-note">{format!("Your plan's cap of {limit} counts for each conversation that has no other.")}</p>
        })
    };
    view! {
        <div class="cap-threads">
            <h3>"Conversations"</h3>
            {error}
            {plans_note}
            {move || caps.get().map(|caps| match caps.is_empty() {
                true => view! {
                    <p class="muted">"No conversation has its own cap. To set one, open a conversation and choose “Spending” at its top."</p>
                }.into_any(),
                false => view! {
                    <ul class="sessions">{caps.into_iter().map(|cap| view! { <ThreadCap cap remove/> }).collect_view()}</ul>
                }.into_any(),
            })}
        </div>
    }
}

#[component]
fn ThreadCap(cap: Cap, remove: ServerAction<RemoveCap>) -> impl IntoView {
    let sentence = format!("{}. {}.", spent_sentence(&cap), cap_effect(cap.is_hard));
    let CapScope::Thread { thread_id, title, .. } = cap.scope else { return ().into_any() };
    let label = format!("Remove the cap of {title}");
    view! {
        <li class="session" data-testid="thread-cap">
            <div>
                <p class="session-device"><a href=thread_path(thread_id)>{title}</a></p>
                <p class="limit-note">{sentence}</p>
            </div>
            <ActionForm action=remove>
                <input type="hidden" name="thread_id" value=thread_id.to_string()/>
                <button type="submit" class="button button-small" aria-label=label data-testid="remove-thread-cap">"Remove"</button>
            </ActionForm>
        </li>
    }
    .into_any()
}
