use leptos::prelude::*;

use crate::types::Plan;

/// A plan with its exact limits.
#[component]
pub fn PlanCard(plan: Plan) -> impl IntoView {
    let fact = |number: String, text: &'static str| view! { <li><b>{number}</b> " " {text}</li> };
    view! {
        <article class="plan">
            <h3>{plan.name}</h3>
            <p class="plan-credit"><b>{plan.monthly_credit.to_cents_text()}</b> " of credit, given anew each month"</p>
            <ul>
                {fact(plan.requests_per_minute.to_string(), "requests in any minute")}
                {fact(plan.requests_per_day.to_string(), "requests in any 24 hours")}
                {fact(plan.tokens_per_minute.to_string(), "tokens in any minute")}
                {fact(plan.concurrent_replies.to_string(), if plan.concurrent_replies == 1 { "reply at a time" } else { "replies at a time" })}
                {plan.monthly_cap.map(|cap| fact(cap.limit.to_cents_text(), "a month at most, until you set a cap of your own"))}
            </ul>
        </article>
    }
}
