use leptos::prelude::*;

use super::{Column, RecordTable};
use crate::types::{NamedVolume, Ratings, Volume};
use crate::wording::figures::{money, percent, share};
use crate::wording::usage::count;

/// What was used for something, and where that is counted, what people thought of it.
pub struct VolumeRow {
    pub name: AnyView,
    pub volume: Volume,
    pub ratings: Option<Ratings>,
}

const NUMBERS: [Column; 7] = [
    Column::number("Replies"),
    Column::number("Failed"),
    Column::number("Tokens in"),
    Column::number("Tokens out"),
    Column::number("Charged"),
    Column::number("Our cost"),
    Column::number("Margin"),
];

/// What was used, split up.
#[component]
pub fn VolumeTable(
    /// Of the first column, such as "Model"; also the name of the table.
    heading: &'static str,
    rows: Vec<VolumeRow>,
    /// Of all rows, where they add up to something.
    #[prop(optional)]
    total: Option<Volume>,
) -> impl IntoView {
    let rated: Option<Vec<_>> = rows.iter().map(|row| row.ratings).collect();
    let rated = rated.filter(|ratings| !ratings.is_empty());
    let last = rated.is_some().then(|| Column::number("Rated good"));
    let columns: Vec<_> = std::iter::once(Column::text(heading)).chain(NUMBERS).chain(last).collect();
    let total = total.map(|volume| {
        let ratings = rated.map(|ratings| ratings.into_iter().sum());
        VolumeRow { name: "Total".into_any(), volume, ratings }
    });
    let total = total.map(|row| view! { <tfoot><Row row/></tfoot> });
    let rows = rows.into_iter().map(|row| view! { <Row row/> }).collect_view();
    view! { <RecordTable label=format!("By {}", heading.to_lowercase()) columns foot=total.into_any()>{rows}</RecordTable> }
}

/// Rows of replies that have something in common.
pub fn named_rows(parts: Vec<NamedVolume>) -> Vec<VolumeRow> {
    let row = |part: NamedVolume| {
        let NamedVolume { name, note, volume, ratings } = part;
        let note = note.map(|note| view! { <span class="cell-note">{note}</span> });
        VolumeRow { name: view! { {name} {note} }.into_any(), volume, ratings }
    };
    parts.into_iter().map(row).collect()
}

#[component]
fn Row(row: VolumeRow) -> impl IntoView {
    let VolumeRow { name, volume, ratings } = row;
    view! {
        <tr data-testid="volume-row">
            <th scope="row">{name}</th>
            <td class="number" data-label="Replies">{count(volume.replies)}</td>
            <td class="number" data-label="Failed">{count(volume.failed)}</td>
            <td class="number" data-label="In">{count(volume.input_tokens)}</td>
            <td class="number" data-label="Out">{count(volume.output_tokens)}</td>
            <td class="number amount">{money(volume.charged)}</td>
            <td class="number" data-label="Cost">{money(volume.cost)}</td>
            <td class="number" data-label="Margin">{money(volume.margin())}</td>
            {ratings.map(|ratings| view! { <td class="number" data-label="Rated good">{rated_good(ratings)}</td> })}
        </tr>
    }
}

/// Nothing where nobody rated anything.
fn rated_good(ratings: Ratings) -> Option<impl IntoView> {
    let share = percent(share(ratings.good, ratings.count())?);
    Some(view! { {share} <span class="cell-note">{format!("of {}", count(ratings.count()))}</span> })
}
