use leptos::prelude::*;

use super::PortalForm;
use crate::types::{Card, PortalPage};
use crate::wording::billing::card_expiry;

/// The card that is charged.
#[component]
pub fn CardPanel(card: Option<Card>) -> impl IntoView {
    let label = if card.is_some() { "Change card" } else { "Add a card" };
    let content = match card {
        Some(card) => view! {
            <dl class="facts facts-row">
                <div><dt>"Card"</dt><dd data-testid="card">{card.name()}</dd></div>
                <div><dt>"Valid until"</dt><dd>{card_expiry(&card)}</dd></div>
            </dl>
        }
        .into_any(),
        None => view! { <p class="muted">"No card is kept."</p> }.into_any(),
    };
    view! {
        <section class="panel" aria-labelledby="card-heading">
            <div class="panel-head"><h2 id="card-heading">"Card"</h2></div>
            {content}
            <div class="panel-actions"><PortalForm page=PortalPage::Card label test_id="change-card"/></div>
        </section>
    }
}
