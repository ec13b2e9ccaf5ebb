use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{ActionError, SubmitButton};
use crate::api::BuyPack;
use crate::links::{PRICING_PATH, sign_in_path};
use crate::types::PackOffer;
use crate::wording::billing::dollars;

/// Credit that can be bought once.
#[component]
pub fn PackOffers(packs: Vec<PackOffer>, is_signed_in: bool) -> impl IntoView {
    let buy = ServerAction::<BuyPack>::new();
    let packs = packs.into_iter().map(|pack| view! { <Pack pack is_signed_in buy/> }).collect_view();
    view! {
        <ul class="packs">{packs}</ul>
        <ActionError action=buy/>
    }
}

#[component]
fn Pack(pack: PackOffer, is_signed_in: bool, buy: ServerAction<BuyPack>) -> impl IntoView {
    let price = dollars(pack.amount_cents);
    let label = format!("Buy for {price}");
    let button = match is_signed_in {
        true => view! {
            <ActionForm action=buy>
                <input type="hidden" name="pack" value=pack.key/>
                <SubmitButton label is_pending=buy.pending() test_id=None/>
            </ActionForm>
        }
        .into_any(),
        false => {
            view! { <a class="button" href=sign_in_path(PRICING_PATH)>{format!("Sign in to buy for {price}")}</a> }
                .into_any()
        }
    };
    view! {
        <li class="pack" data-testid="pack-offer">
            <div>
                <h3>{pack.name}</h3>
                <p class="muted">{pack.credit.to_cents_text()} " for " {price} ", once. It never expires."</p>
            </div>
            {button}
        </li>
    }
}
