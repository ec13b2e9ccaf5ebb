use leptos::prelude::*;

use super::{CreditDeeds, Deeds, LimitDeeds, PlanDeeds};
use crate::components::admin::{Column, RecordTable};
use crate::components::{InvoiceTable, LimitMeter, LocalDay, LocalTime, PackTable};
use crate::types::{Billing, LiveGrant, OpenHold, Person, Standing};
use crate::wording::billing::{card_expiry, price};

/// What a person pays, has and may use, each with what can be done about it.
#[component]
pub fn PersonMoney(person: Person, deeds: Deeds) -> impl IntoView {
    let Person {
        summary, billing, quota, limit_override, plans, grants, holds, grace_until, form_id, ..
    } = person;
    let limits = quota.limits.into_iter().map(|limit| view! { <LimitMeter limit/> }).collect_view();
    let (credit, is_override) = (quota.credit, limit_override.is_some());
    let plan_override = billing.plan_override.clone();
    let can_change = summary.erased_at.is_none();
    view! {
        <div class="panels">
            <section class="panel" aria-labelledby="credit-heading">
                <div class="panel-head">
                    <h2 id="credit-heading">"Credit"</h2>
                    <p class="limit-left"><b data-testid="person-available">{credit.available.to_cents_text()}</b> " to spend"</p>
                </div>
                <dl class="facts facts-row">
                    <div><dt>"Balance"</dt><dd>{summary.balance.to_string()}</dd></div>
                    <div><dt>"Held"</dt><dd>{credit.held.to_string()}</dd></div>
                    <div><dt>"Spent this month"</dt><dd>{summary.spent_this_month.to_string()}</dd></div>
                </dl>
                <Grants grants/>
                <Holds holds/>
                {can_change.then(|| view! { <div class="deeds"><CreditDeeds id=summary.id form_id deeds/></div> })}
            </section>
            <section class="panel" aria-labelledby="limits-heading">
                <div class="panel-head">
                    <h2 id="limits-heading">"Limits"</h2>
                    <p class="badge">{quota.plan_name} {if is_override { ", overridden" } else { " plan" }}</p>
                </div>
                <ul class="limits">{limits}</ul>
                {can_change.then(|| view! {
                    <div class="deeds"><PlanDeeds id=summary.id plan_override plans deeds/> <LimitDeeds id=summary.id limit_override deeds/></div>
                })}
            </section>
        </div>
        <Paying billing standing=summary.standing grace_until/>
    }
}

#[component]
fn Grants(grants: Vec<LiveGrant>) -> impl IntoView {
    const COLUMNS: &[Column] =
        &[Column::text("What"), Column::text("Ends"), Column::number("Given"), Column::number("Left")];
    if grants.is_empty() {
        return view! { <p class="muted">"No credit is left, and none was given this month yet."</p> }
            .into_any();
    }
    let row = |grant: LiveGrant| {
        let end = match grant.expires_at {
            Some(at) => view! { <LocalDay at/> }.into_any(),
            None => "Never".into_any(),
        };
        view! {
            <tr>
                <th scope="row">{grant.reason.to_string()} <span class="cell-note"><code>{grant.cause}</code></span></th>
                <td class="nowrap" data-label="Ends">{end}</td>
                <td class="number" data-label="Given">{grant.amount.to_cents_text()}</td>
                <td class="number amount">{grant.remaining.to_cents_text()}</td>
            </tr>
        }
    };
    view! { <RecordTable label="Credit" columns=COLUMNS>{grants.into_iter().map(row).collect_view()}</RecordTable> }
        .into_any()
}

#[component]
fn Holds(holds: Vec<OpenHold>) -> impl IntoView {
    const COLUMNS: &[Column] =
        &[Column::text("Held for the reply"), Column::text("Until"), Column::number("Amount")];
    let row = |hold: OpenHold| {
        view! {
            <tr>
                <th scope="row"><code>{hold.generation_id.to_string()}</code></th>
                <td class="nowrap"><LocalTime at=hold.expires_at/></td>
                <td class="number amount">{hold.amount.to_string()}</td>
            </tr>
        }
    };
    (!holds.is_empty()).then(|| view! {
        <RecordTable label="Holds" columns=COLUMNS>{holds.into_iter().map(row).collect_view()}</RecordTable>
    })
}

#[component]
fn Paying(
    billing: Billing,
    standing: Standing,
    grace_until: Option<chrono::DateTime<chrono::Utc>>,
) -> impl IntoView {
    let Billing { subscription, card, invoices, packs, overage, .. } = billing;
    let sentence = match standing {
        Standing::Free => view! { "Nothing is paid." }.into_any(),
        Standing::Active | Standing::Suspended => view! { "Everything is paid." }.into_any(),
        Standing::PastDue { since, grace_ends_at } => view! {
            "A payment is due since " <LocalDay at=since/> ". Replies go on until " <LocalTime at=grace_ends_at/> "."
        }
        .into_any(),
        Standing::Frozen { since } => view! { "Frozen since " <LocalDay at=since/> ": a payment is overdue." }.into_any(),
    };
    let subscription = subscription.map(|subscription| view! {
        <div><dt>"Plan"</dt><dd>{format!("{}, {}", subscription.plan_name, price(subscription.amount_cents, subscription.interval))}</dd></div>
        <div>
            <dt>{if subscription.ends_at.is_some() { "Ends" } else { "Renews" }}</dt>
            <dd><LocalDay at=subscription.ends_at.unwrap_or(subscription.renews_at)/></dd>
        </div>
        {subscription.changes_to.map(|to| view! { <div><dt>"Changes to"</dt><dd>{to.plan_name} " on " <LocalDay at=to.at/></dd></div> })}
    });
    let card = card.map(|card| view! { <div><dt>"Card"</dt><dd>{format!("{}, {}", card.name(), card_expiry(&card))}</dd></div> });
    let overage = overage.map(|terms| {
        let cap = terms.cap.map_or_else(|| "off".to_owned(), |cap| format!("up to {cap}"));
        view! { <div><dt>"Pay as you go"</dt><dd>{format!("{cap}, {} used", terms.used)}</dd></div> }
    });
    let has_packs = !packs.is_empty();
    view! {
        <section class="panel" aria-labelledby="paying-heading">
            <div class="panel-head"><h2 id="paying-heading">"Paying"</h2></div>
            <p data-testid="person-standing">{sentence}</p>
            {grace_until.map(|at| view! { <p class="limit-note"><span>"An operator has extended the grace until " <LocalTime at/> "."</span></p> })}
            <dl class="facts facts-row">{subscription} {card} {overage}</dl>
            {(!invoices.is_empty()).then(|| view! { <h3 class="report-heading">"Invoices"</h3> <InvoiceTable invoices/> })}
            {has_packs.then(|| view! { <h3 class="report-heading">"Packs"</h3> <PackTable packs/> })}
        </section>
    }
}
