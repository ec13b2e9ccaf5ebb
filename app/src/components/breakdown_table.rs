use leptos::prelude::*;

use crate::types::Usage;
use crate::wording::usage::{charged, count};

/// A row of a breakdown: what it is about, and what was used for it.
pub type BreakdownRow = (AnyView, Usage);

/// What was used, split up; its rows add up to the total in its last row.
#[component]
pub fn BreakdownTable(
    /// Of the first column, such as "Model"; also the name of the table.
    heading: &'static str,
    rows: Vec<BreakdownRow>,
    total: Usage,
) -> impl IntoView {
    let rows = rows.into_iter().map(|(name, usage)| view! { <Row name usage/> }).collect_view();
    view! {
        <table class="record-table" aria-label=format!("By {}", heading.to_lowercase())>
            <thead>
                <tr>
                    <th scope="col">{heading}</th>
                    <th scope="col" class="number">"Replies"</th>
                    <th scope="col" class="number">"Tokens in"</th>
                    <th scope="col" class="number">"Cached"</th>
                    <th scope="col" class="number">"Tokens out"</th>
                    <th scope="col" class="number">"Charged"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
            <tfoot><Row name="Total".into_any() usage=total/></tfoot>
        </table>
    }
}

#[component]
fn Row(name: AnyView, usage: Usage) -> impl IntoView {
    view! {
        <tr data-testid="breakdown-row">
            <th scope="row">{name}</th>
            <td class="number" data-label="Replies">{count(usage.replies)}</td>
            <td class="number" data-label="In">{count(usage.input_tokens)}</td>
            <td class="number" data-label="Cached">{count(usage.cached_input_tokens)}</td>
            <td class="number" data-label="Out">{count(usage.output_tokens)}</td>
            <td class="number amount">{charged(usage.charged)}</td>
        </tr>
    }
}
