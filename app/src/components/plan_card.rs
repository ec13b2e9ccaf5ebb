use leptos::prelude::*;

use crate::types::Plan;
use crate::wording::usage::count;

/// A plan with its exact limits.
#[component]
pub fn PlanCard(plan: Plan) -> impl IntoView {
    let (name, credit) = (plan.name.clone(), plan.monthly_credit.to_cents_text());
    view! {
        <article class="plan">
            <h3>{name}</h3>
            <p class="plan-credit"><b>{credit}</b> " of credit, given anew each month"</p>
            <PlanLimits plan/>
        </article>
    }
}

/// How much and how fast one may ask.
#[component]
pub fn PlanLimits(plan: Plan) -> impl IntoView {
    let fact = |number: u32, text: &'static str| view! { <li><b>{count(number.into())}</b> " " {text}</li> };
    view! {
        <ul>
            {fact(plan.requests_per_minute, "requests in any minute")}
            {fact(plan.requests_per_day, "requests in any 24 hours")}
            {fact(plan.tokens_per_minute, "tokens in any minute")}
            {fact(plan.concurrent_replies, if plan.concurrent_replies == 1 { "reply at a time" } else { "replies at a time" })}
            {plan.monthly_cap.map(|cap| view! {
                <li><b>{cap.limit.to_cents_text()}</b> " a month at most, until you set a cap of your own"</li>
            })}
            {plan.thread_cap.map(|cap| view! {
                <li><b>{cap.limit.to_cents_text()}</b> " a conversation at most, until you set a cap of its own"</li>
            })}
        </ul>
    }
}
