use leptos::prelude::*;

use super::LocalTime;
use crate::links::receipt_path;
use crate::types::StatementEntry;
use crate::wording::usage::signed;

/// Entries of the ledger with the balance after each. What is about a reply leads to its receipt, for those who can open it.
#[component]
pub fn StatementTable(
    entries: Vec<StatementEntry>,
    label: &'static str,
    #[prop(default = true)] has_receipts: bool,
) -> impl IntoView {
    let rows = entries.into_iter().map(|entry| view! { <Row entry has_receipts/> }).collect_view();
    view! {
        <table class="record-table" aria-label=label>
            <thead>
                <tr>
                    <th scope="col">"Entry"</th>
                    <th scope="col">"When"</th>
                    <th scope="col" class="number">"Amount"</th>
                    <th scope="col" class="number">"Balance after"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

#[component]
fn Row(entry: StatementEntry, has_receipts: bool) -> impl IntoView {
    let words = entry.reason.to_string();
    let words = match entry.reason.generation_id().filter(|_| has_receipts) {
        Some(id) => view! { <a href=receipt_path(id)>{words}</a> }.into_any(),
        None => words.into_any(),
    };
    view! {
        <tr data-testid="statement-row">
            <th scope="row">{words}</th>
            <td class="nowrap"><LocalTime at=entry.created_at/></td>
            <td class="number amount">{signed(entry.amount)}</td>
            <td class="number" data-label="Balance">{entry.balance.to_string()}</td>
        </tr>
    }
}
