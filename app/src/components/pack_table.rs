use leptos::prelude::*;

use super::LocalDay;
use crate::types::{Nanos, PackPurchase};

/// The credit that was bought.
#[component]
pub fn PackTable(packs: Vec<PackPurchase>) -> impl IntoView {
    if packs.is_empty() {
        return view! { <p class="muted">"None yet. Credit from a pack never expires."</p> }.into_any();
    }
    let rows = packs.into_iter().map(|pack| view! { <Row pack/> }).collect_view();
    view! {
        <table class="record-table" aria-label="Credit packs">
            <thead>
                <tr>
                    <th scope="col">"Pack"</th>
                    <th scope="col">"Bought"</th>
                    <th scope="col">"Credit"</th>
                    <th scope="col">"Documents"</th>
                    <th scope="col" class="number">"Amount"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Row(pack: PackPurchase) -> impl IntoView {
    let PackPurchase { name, credit, amount_cents, refunded_cents, bought_at, receipt_url } = pack;
    let receipt = receipt_url.map(|url| view! {
        <a href=url rel="external noopener">"Receipt" <span class="visually-hidden">{format!(" of {name}")}</span></a>
    });
    let refund = (refunded_cents > 0).then(|| format!(", {} given back", Nanos::from_cents(refunded_cents)));
    view! {
        <tr data-testid="pack-row">
            <th scope="row">{name.clone()}</th>
            <td class="nowrap"><LocalDay at=bought_at/></td>
            <td data-label="Credit">{credit.to_cents_text()} {refund}</td>
            <td class="papers">{receipt}</td>
            <td class="number amount">{Nanos::from_cents(amount_cents).to_string()}</td>
        </tr>
    }
}
