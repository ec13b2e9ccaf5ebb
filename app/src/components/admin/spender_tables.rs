use leptos::prelude::*;

use super::{Column, RecordTable};
use crate::links::person_path;
use crate::types::{CostExplosion, PersonLabel, PersonVolume};
use crate::wording::figures::money;
use crate::wording::usage::count;

const SPENDERS: &[Column] = &[
    Column::text("Person"),
    Column::text("Plan"),
    Column::number("Replies"),
    Column::number("Tokens in"),
    Column::number("Tokens out"),
    Column::number("Charged"),
    Column::number("Our cost"),
    Column::number("Margin"),
];

/// Who spent most, each with the way to their page.
#[component]
pub fn SpenderTable(people: Vec<PersonVolume>) -> impl IntoView {
    let rows = people.into_iter().map(|PersonVolume { person, plan_name, volume }| {
        view! {
            <tr data-testid="spender-row">
                <th scope="row"><Person person/></th>
                <td>{plan_name}</td>
                <td class="number" data-label="Replies">{count(volume.replies)}</td>
                <td class="number" data-label="In">{count(volume.input_tokens)}</td>
                <td class="number" data-label="Out">{count(volume.output_tokens)}</td>
                <td class="number amount">{money(volume.charged)}</td>
                <td class="number" data-label="Cost">{money(volume.cost)}</td>
                <td class="number" data-label="Margin">{money(volume.margin())}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <RecordTable label="Who spent most" columns=SPENDERS>{rows}</RecordTable> }
}

const EXPLOSIONS: &[Column] = &[
    Column::text("Person"),
    Column::text("Day"),
    Column::number("Usual cost"),
    Column::number("Charged"),
    Column::number("Our cost"),
];

/// Days on which somebody cost far more than usual.
#[component]
pub fn ExplosionTable(explosions: Vec<CostExplosion>) -> impl IntoView {
    let rows = explosions.into_iter().map(|CostExplosion { day, person, charged, cost, usual }| {
        view! {
            <tr data-testid="explosion-row">
                <th scope="row"><Person person/></th>
                <td class="nowrap">{day.format("%-d %B %Y").to_string()}</td>
                <td class="number" data-label="Usual">{money(usual)}</td>
                <td class="number" data-label="Charged">{money(charged)}</td>
                <td class="number amount">{money(cost)}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <RecordTable label="Cost explosions" columns=EXPLOSIONS>{rows}</RecordTable> }
}

#[component]
fn Person(person: PersonLabel) -> impl IntoView {
    let name = if person.name.is_empty() { "Somebody who is gone".to_owned() } else { person.name };
    view! { <a href=person_path(person.id)>{name}</a> }
}
