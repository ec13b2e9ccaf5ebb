use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{LocalDay, PlanLimits, SubmitButton};
use crate::api::BeginCheckout;
use crate::links::{BILLING_PATH, CANCEL_PATH, change_plan_path, pricing_path, sign_in_path};
use crate::plan_choice::{PlanChoice, is_free, price, yearly_saving};
use crate::types::{Interval, PlanOffer};
use crate::wording::billing::dollars;

/// A plan with its price, all it includes, and the one way on from it.
#[component]
pub fn PlanOfferCard(
    offer: PlanOffer,
    interval: Interval,
    choice: PlanChoice,
    begin: ServerAction<BeginCheckout>,
) -> impl IntoView {
    let PlanOffer { plan, models, .. } = offer.clone();
    let (name, credit) = (plan.name.clone(), plan.monthly_credit.to_cents_text());
    let (id, test_id) = (format!("plan-{}", plan.key), format!("offer-{}", plan.key));
    let is_current = choice == PlanChoice::Current;
    let models = (!models.is_empty())
        .then(|| view! { <p class="offer-models"><b>"Models: "</b> {models.join(", ")}</p> });
    view! {
        <article class="plan offer" data-current=is_current.to_string() aria-labelledby=id.clone() data-testid=test_id>
            <div class="offer-head">
                <h2 id=id.clone()>{name}</h2>
                {is_current.then(|| view! { <p class="badge">"Your plan"</p> })}
            </div>
            <OfferPrice offer=offer.clone() interval/>
            <div class="offer-way"><WayOn offer interval choice begin/></div>
            <p class="offer-credit"><b>{credit}</b> " of credit each month"</p>
            <PlanLimits plan/>
            {models}
        </article>
    }
}

#[component]
fn OfferPrice(offer: PlanOffer, interval: Interval) -> impl IntoView {
    // A plan that is not sold at this interval shows the price it has.
    let price = price(&offer, interval).or(offer.prices.first().copied());
    let note = match (price, interval, yearly_saving(&offer)) {
        (None, ..) => "Free for as long as you like".to_owned(),
        (_, Interval::Year, Some(saving)) => {
            format!("Saves {} against paying monthly", dollars(saving))
        }
        (_, Interval::Month, Some(saving)) => format!("Paid yearly, you save {} a year", dollars(saving)),
        (_, _, None) => "Until you cancel".to_owned(),
    };
    let rhythm = price.map(|price| format!(" a {}", price.interval));
    view! {
        <p class="offer-price"><b>{dollars(price.map_or(0, |price| price.amount_cents))}</b> {rhythm}</p>
        <p class="offer-note">{note}</p>
    }
}

#[component]
fn WayOn(
    offer: PlanOffer,
    interval: Interval,
    choice: PlanChoice,
    begin: ServerAction<BeginCheckout>,
) -> impl IntoView {
    let is_free = is_free(&offer);
    let (key, name) = (offer.plan.key, offer.plan.name);
    let link = |href: String, text: String, class: &'static str| {
        view! { <a class=class href=href>{text}</a> }.into_any()
    };
    match choice {
        PlanChoice::SignIn if is_free => link(sign_in_path("/chat"), "Start for free".to_owned(), "button button-wide"),
        PlanChoice::SignIn => {
            link(sign_in_path(&pricing_path(interval)), format!("Sign in to choose {name}"), "button button-primary button-wide")
        }
        PlanChoice::Closed => ().into_any(),
        PlanChoice::Current if is_free => view! { <p class="muted">"You have this now."</p> }.into_any(),
        PlanChoice::Current => link(BILLING_PATH.to_owned(), "Manage under Billing".to_owned(), "button button-wide"),
        PlanChoice::Planned(at) => view! {
            <p>"Yours from " <LocalDay at/> " on. " <a href=BILLING_PATH>"Change that"</a></p>
        }
        .into_any(),
        PlanChoice::Subscribe => view! {
            <ActionForm action=begin>
                <input type="hidden" name="plan" value=key/>
                <input type="hidden" name="interval" value=interval.to_string()/>
                <SubmitButton label=format!("Choose {name}") is_pending=begin.pending() class="button button-primary button-wide" test_id=None/>
            </ActionForm>
        }
        .into_any(),
        PlanChoice::Change => {
            link(change_plan_path(&key, interval), format!("Change to {name}"), "button button-wide")
        }
        PlanChoice::Cancel => link(CANCEL_PATH.to_owned(), format!("Go back to {name}"), "button button-wide"),
        PlanChoice::PayFirst => link(BILLING_PATH.to_owned(), "Pay the open invoice first".to_owned(), "button button-wide"),
        PlanChoice::KeepFirst => link(BILLING_PATH.to_owned(), "Keep your plan first".to_owned(), "button button-wide"),
    }
}
