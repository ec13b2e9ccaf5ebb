use leptos::prelude::*;

use super::{Column, PersonLink, RecordTable};
use crate::api::admin::ResendUsage;
use crate::components::{ButtonForm, LocalTime};
use crate::types::{MoneyBack, Nanos, PersonLabel, RefusedUsage};

/// Usage that Stripe's meter has refused, each with the way to send it again.
#[component]
pub fn RefusedUsageTable(usage: Vec<RefusedUsage>, resend: ServerAction<ResendUsage>) -> impl IntoView {
    const COLUMNS: &[Column] = &[
        Column::text("Whose"),
        Column::text("Used"),
        Column::text("Refused"),
        Column::number("Amount"),
        Column::text("What to do"),
    ];
    let row = move |usage: RefusedUsage| {
        view! {
            <tr data-testid="refused-usage">
                <th scope="row">
                    <Whose person=usage.person/>
                    {usage.error.map(|error| view! { <span class="cell-note error-text">{error}</span> })}
                </th>
                <td class="nowrap" data-label="Used"><LocalTime at=usage.occurred_at/></td>
                <td class="nowrap" data-label="Refused"><LocalTime at=usage.refused_at/></td>
                <td class="number amount">{usage.amount.to_string()}</td>
                <td>
                    <ButtonForm action=resend fields=[("id", usage.id.to_string())] label="Send again" class="button button-small"
                        test_id="resend-usage"/>
                </td>
            </tr>
        }
    };
    view! { <RecordTable label="Refused usage" columns=COLUMNS>{usage.into_iter().map(row).collect_view()}</RecordTable> }
}

/// Refunds and disputes.
#[component]
pub fn MoneyBackTable(rows: Vec<MoneyBack>) -> impl IntoView {
    const COLUMNS: &[Column] = &[
        Column::text("What"),
        Column::text("Whose"),
        Column::text("State"),
        Column::text("When"),
        Column::number("Amount"),
    ];
    let row = |back: MoneyBack| {
        view! {
            <tr data-testid="money-back">
                <th scope="row">
                    {if back.is_dispute { "Dispute" } else { "Refund" }}
                    <span class="cell-note"><code>{back.id}</code></span>
                </th>
                <td data-label="Whose"><Whose person=back.person/></td>
                <td data-label="State">
                    {words(&back.status)}
                    {back.reason.map(|reason| view! { <span class="cell-note">{words(&reason)}</span> })}
                </td>
                <td class="nowrap"><LocalTime at=back.created_at/></td>
                <td class="number amount">{Nanos::from_cents(back.amount_cents).to_string()}</td>
            </tr>
        }
    };
    view! { <RecordTable label="Refunds and disputes" columns=COLUMNS>{rows.into_iter().map(row).collect_view()}</RecordTable> }
}

#[component]
fn Whose(person: Option<PersonLabel>) -> impl IntoView {
    match person {
        Some(label) => view! { <PersonLink label/> }.into_any(),
        None => view! { <span class="muted">"Somebody who is gone"</span> }.into_any(),
    }
}

/// Stripe's `needs_response` as people write it.
fn words(key: &str) -> String {
    key.replace('_', " ")
}
