use leptos::prelude::*;

use super::limit_meter::Bar;
use super::{LimitMeter, UtcDay};
use crate::types::{Credit, Nanos, Quota};

/// All limits and the month's credit in full.
#[component]
pub fn QuotaPanel(quota: Quota) -> impl IntoView {
    let limits = quota.limits.into_iter().map(|limit| view! { <LimitMeter limit/> }).collect_view();
    view! {
        <section class="panel" aria-labelledby="credit-heading">
            <CreditPanel credit=quota.credit/>
        </section>
        <section class="panel" aria-labelledby="limits-heading">
            <div class="panel-head">
                <h2 id="limits-heading">"Limits"</h2>
                <p class="badge">{quota.plan_name} " plan"</p>
            </div>
            <ul class="limits">{limits}</ul>
        </section>
    }
}

#[component]
fn CreditPanel(credit: Credit) -> impl IntoView {
    let spent = credit.used();
    let Credit { granted, held, available, resets_at, overage } = credit;
    let is_short = available < Nanos::ZERO;
    view! {
        <div class="panel-head">
            <h2 id="credit-heading">"Credit this month"</h2>
            <p class="limit-left"><b>{available.or_zero().to_cents_text()}</b> " of " {granted.to_cents_text()} " left"</p>
        </div>
        <Bar value=available.0 most=granted.0 label="Credit this month".to_owned()/>
        <dl class="facts facts-row">
            <div><dt>"Spent"</dt><dd>{spent.to_string()}</dd></div>
            <div><dt>"Held for replies in progress"</dt><dd>{held.to_string()}</dd></div>
            <div><dt>"New credit on"</dt><dd><UtcDay at=resets_at/></dd></div>
        </dl>
        {overage.map(|overage| view! {
            <p class="limit-note" data-testid="overage-note">
                {format!("Pay as you go: {} used, {} of your cap of {} left. ", overage.used, overage.left().to_cents_text(), overage.cap)}
                <a href="/billing#pay-as-you-go">"Change it under Billing"</a>
            </p>
        })}
        {is_short.then(|| view! {
            <p class="limit-note">
                {format!("The last reply cost {} more than was left. New credit pays for that first.", -available)}
            </p>
        })}
    }
}
