use leptos::prelude::*;

use super::{Column, PersonLink, RecordTable};
use crate::components::LocalTime;
use crate::types::AuditEvent;

const COLUMNS: &[Column] = &[
    Column::text("Event"),
    Column::text("When"),
    Column::text("Who"),
    Column::text("Whom"),
    Column::text("From"),
];

/// Events of the audit log.
#[component]
pub fn AuditTable(events: Vec<AuditEvent>) -> impl IntoView {
    let rows = events.into_iter().map(|event| view! { <Row event/> }).collect_view();
    view! { <RecordTable label="Audit log" columns=COLUMNS>{rows}</RecordTable> }
}

#[component]
fn Row(event: AuditEvent) -> impl IntoView {
    let title = event.title();
    let changes =
        event.changes.iter().map(|change| view! { <span class="cell-note">{change.to_string()}</span> });
    let note = |text: String| (!text.is_empty()).then(|| view! { <span class="cell-note">{text}</span> });
    let reason = (!event.reason.is_empty()).then(|| format!("“{}”", event.reason));
    let who = match event.operator {
        Some(operator) => view! { <PersonLink label=operator/> }.into_any(),
        None => view! { <span class="muted">"Themself"</span> }.into_any(),
    };
    view! {
        <tr data-testid="audit-row">
            <th scope="row">
                {title}
                {changes.collect_view()}
                {reason.and_then(note)}
                {note(event.detail)}
            </th>
            <td class="nowrap"><LocalTime at=event.at/></td>
            <td data-label="By">{who}</td>
            <td data-label="For">{event.person.map(|label| view! { <PersonLink label/> })}</td>
            <td>
                {event.address}
                {note(event.request_id)}
            </td>
        </tr>
    }
}
