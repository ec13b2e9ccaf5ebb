use leptos::prelude::*;

use super::{CatalogDeeds, Column, RecordTable};
use crate::components::{ButtonForm, LocalTime};
use crate::types::PriceVersion;

const COLUMNS: &[Column] = &[
    Column::text("Prices"),
    Column::text("From"),
    Column::number("Read"),
    Column::number("Read before"),
    Column::number("Written"),
    Column::text("What to do"),
];

/// What a model costs people, in every version there was and will be.
#[component]
pub fn PriceTable(
    /// Its key.
    model: String,
    /// Its name.
    name: String,
    prices: Vec<PriceVersion>,
    in_force: u32,
    deeds: CatalogDeeds,
) -> impl IntoView {
    let rows = prices.into_iter().map(|version| {
        let PriceVersion { version: number, prices, effective_from, is_to_come } = version;
        let tag = match (is_to_come, number == in_force) {
            (true, _) => Some(view! { <span class="tag">"To come"</span> }),
            (false, true) => Some(view! { <span class="tag">"In force"</span> }),
            (false, false) => None,
        };
        let fields = [("model", model.clone()), ("version", number.to_string())];
        let withdraw = is_to_come.then(|| view! {
            <ButtonForm action=deeds.withdraw fields label="Withdraw" class="button button-small button-danger"
                test_id="withdraw-prices"/>
        });
        view! {
            <tr data-testid="price-row">
                <th scope="row">{format!("Version {number}")} {tag}</th>
                <td class="nowrap"><LocalTime at=effective_from/></td>
                <td class="number" data-label="Read">{prices.input.to_string()}</td>
                <td class="number" data-label="Read before">{prices.cached_input.to_string()}</td>
                <td class="number" data-label="Written">{prices.output.to_string()}</td>
                <td>{withdraw}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <RecordTable label=format!("Prices of {name} for a million tokens") columns=COLUMNS>{rows}</RecordTable> }
}
