use leptos::prelude::*;

use super::{Column, ErasureTag, RecordTable};
use crate::components::LocalTime;
use crate::links::person_path;
use crate::types::{PersonSummary, StandingName};

const COLUMNS: &[Column] = &[
    Column::text("Person"),
    Column::text("Plan"),
    Column::text("Last seen"),
    Column::number("This month"),
    Column::number("Balance"),
];

/// People, each with the way to their page.
#[component]
pub fn PeopleTable(people: Vec<PersonSummary>) -> impl IntoView {
    let rows = people.into_iter().map(|person| view! { <Row person/> }).collect_view();
    view! { <RecordTable label="People" columns=COLUMNS>{rows}</RecordTable> }
}

#[component]
fn Row(person: PersonSummary) -> impl IntoView {
    let unpaid = StandingName::of(person.standing).filter(|_| person.standing.needs_payment());
    view! {
        <tr data-testid="person-row">
            <th scope="row">
                <a href=person_path(person.id)>{person.display_name}</a>
                {person.email.map(|email| view! { <span class="cell-note">{email}</span> })}
            </th>
            <td>
                {person.plan_name}
                {unpaid.map(|standing| view! { <span class="tag tag-danger">{standing.title()}</span> })}
                {person.is_suspended.then(|| view! { <span class="tag tag-danger">"Suspended"</span> })}
                <ErasureTag erase_at=person.erase_at erased_at=person.erased_at/>
                {person.is_operator.then(|| view! { <span class="tag">"Operator"</span> })}
            </td>
            <td class="nowrap"><LocalTime at=person.last_seen_at/></td>
            <td class="number" data-label="This month">{person.spent_this_month.to_cents_text()}</td>
            <td class="number amount">{person.balance.to_cents_text()}</td>
        </tr>
    }
}
