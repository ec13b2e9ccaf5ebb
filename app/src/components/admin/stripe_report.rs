use leptos::prelude::*;

use super::PersonLink;
use crate::components::LocalTime;
use crate::types::{Comparison, StripeReport};

/// What waits in the inbox and for Stripe's meter.
#[component]
pub fn StripeFigures(report: StripeReport) -> impl IntoView {
    let StripeReport { inbox, meter, .. } = report;
    let since =
        inbox.waiting_since.map(|at| view! { <span class="cell-note">"Since " <LocalTime at/></span> });
    view! {
        <dl class="facts facts-wide">
            <div>
                <dt>"Events not dealt with"</dt>
                <dd data-testid="events-waiting">{inbox.waiting} {since}</dd>
            </div>
            <div><dt>"Of them failed"</dt><dd data-testid="events-failed">{inbox.failed}</dd></div>
            <div>
                <dt>"Overage on its way"</dt>
                <dd>{meter.waiting_amount.to_cents_text()} <span class="cell-note">{events(meter.waiting)}</span></dd>
            </div>
            <div>
                <dt>"Overage never billed"</dt>
                <dd>
                    {meter.refused_amount.to_cents_text()}
                    <span class="cell-note">{events(meter.refused)} " refused by Stripe"</span>
                </dd>
            </div>
        </dl>
    }
}

fn events(count: u32) -> String {
    if count == 1 { "1 meter event".to_owned() } else { format!("{count} meter events") }
}

/// What was compared, and what differed.
#[component]
pub fn ComparisonList(comparisons: Vec<Comparison>) -> impl IntoView {
    if comparisons.is_empty() {
        return view! { <p class="muted">"Nothing was compared yet."</p> }.into_any();
    }
    let items = comparisons.into_iter().map(|comparison| {
        let customers = comparison.customers;
        let person = |finding: &str| {
            let customer = customers.iter().find(|customer| finding.starts_with(&customer.id))?;
            Some(view! { <PersonLink label=customer.person.clone()/> " · " })
        };
        let findings =
            comparison.findings.into_iter().map(|finding| view! { <li>{person(&finding)} {finding}</li> });
        let findings = findings.collect::<Vec<_>>();
        let result = match findings.is_empty() {
            true => view! { <p class="muted">"All agreed."</p> }.into_any(),
            false => view! { <ul class="error-text">{findings}</ul> }.into_any(),
        };
        view! {
            <li class="session" data-testid="comparison">
                <div>
                    <p class="session-device">{comparison.title}</p>
                    {result}
                </div>
                <p class="limit-note nowrap"><LocalTime at=comparison.at/></p>
            </li>
        }
    });
    view! { <ul class="sessions">{items.collect_view()}</ul> }.into_any()
}
