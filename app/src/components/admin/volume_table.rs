use leptos::prelude::*;

use super::{Column, RecordTable};
use crate::types::{NamedVolume, Volume};
use crate::wording::figures::money;
use crate::wording::usage::count;

/// What a row is about, and what was used for it.
pub type VolumeRow = (AnyView, Volume);

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
    let columns: Vec<_> = std::iter::once(Column::text(heading)).chain(NUMBERS).collect();
    let rows = rows.into_iter().map(|(name, volume)| view! { <Row name volume/> }).collect_view();
    let total = total.map(|volume| view! { <tfoot><Row name="Total".into_any() volume/></tfoot> });
    view! { <RecordTable label=format!("By {}", heading.to_lowercase()) columns foot=total.into_any()>{rows}</RecordTable> }
}

/// Rows of replies that have something in common.
pub fn named_rows(parts: Vec<NamedVolume>) -> Vec<VolumeRow> {
    let name = |part: NamedVolume| {
        let note = part.note.map(|note| view! { <span class="cell-note">{note}</span> });
        (view! { {part.name} {note} }.into_any(), part.volume)
    };
    parts.into_iter().map(name).collect()
}

#[component]
fn Row(name: AnyView, volume: Volume) -> impl IntoView {
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
        </tr>
    }
}
