use leptos::prelude::*;

use super::{Column, RecordTable};
use crate::api::admin::ReplayStripeEvent;
use crate::components::{ButtonForm, LocalTime};
use crate::links::stripe_event_path;
use crate::types::{StripeEvent, StripeEventDetail};

const COLUMNS: &[Column] = &[
    Column::text("Event"),
    Column::text("Customer"),
    Column::text("Received"),
    Column::text("Dealt with"),
    Column::number("Tries"),
    Column::text("What to do"),
];

/// What Stripe told us, each with the way to all it sent.
#[component]
pub fn EventTable(events: Vec<StripeEvent>, replay: ServerAction<ReplayStripeEvent>) -> impl IntoView {
    let rows = events.into_iter().map(|event| view! { <Row event replay/> }).collect_view();
    view! { <RecordTable label="Events" columns=COLUMNS>{rows}</RecordTable> }
}

#[component]
fn Row(event: StripeEvent, replay: ServerAction<ReplayStripeEvent>) -> impl IntoView {
    let path = stripe_event_path(&event.id);
    let done = match event.processed_at {
        Some(at) => view! { <LocalTime at/> }.into_any(),
        None => view! { <span class="tag tag-danger">"Not yet"</span> }.into_any(),
    };
    view! {
        <tr data-testid="event-row">
            <th scope="row">
                <a href=path>{event.kind}</a>
                <span class="cell-note">{event.id.clone()}</span>
                {event.error.map(|error| view! { <span class="cell-note error-text">{error}</span> })}
            </th>
            <td data-label="Customer">{event.customer_id}</td>
            <td class="nowrap" data-label="Received"><LocalTime at=event.received_at/></td>
            <td class="nowrap" data-label="Dealt with">{done}</td>
            <td class="number" data-label="Tries">{event.attempts}</td>
            <td>
                <ButtonForm action=replay fields=[("id", event.id)] label="Replay" class="button button-small"
                    test_id="replay-event"/>
            </td>
        </tr>
    }
}

/// All that Stripe sent of one event.
#[component]
pub fn EventDetail(detail: StripeEventDetail) -> impl IntoView {
    let StripeEventDetail { event, api_version, is_live, payload } = detail;
    let mode = if is_live { "live" } else { "test" };
    let version = api_version.map(|version| format!(", API version {version}"));
    view! {
        <h2 id="event">{event.kind}</h2>
        <p class="muted">{event.id} ", " {mode} " mode" {version}</p>
        <pre class="payload" tabindex="0" aria-label="What Stripe sent" data-testid="event-payload">{payload}</pre>
    }
}
