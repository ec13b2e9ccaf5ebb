use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::api::{BeginCheckout, list_offers, read_billing};
use crate::components::{
    ActionError, IntervalSwitch, LoadError, PackOffers, PageFrame, PlanOfferCard, SkeletonLines,
};
use crate::contexts::use_session;
use crate::plan_choice::{PlanChoice, Reader};
use crate::types::{Billing, Interval, Offers};

/// What can be had and what it costs, for everybody.
#[component]
pub fn PricingPage() -> impl IntoView {
    let query = use_query_map();
    let interval =
        Memo::new(move |_| Interval::from_query(query.with(|query| query.get("interval")).as_deref()));
    let session = use_session();
    let offers = Resource::new(|| (), |()| list_offers());
    let billing = Resource::new(
        || (),
        move |()| async move {
            match session.user.await? {
                Some(_) => read_billing().await.map(Some),
                None => Ok(None),
            }
        },
    );
    let begin = ServerAction::<BeginCheckout>::new();
    view! {
        <PageFrame title="Pricing" class="pricing">
            <header class="page-head pricing-head">
                <h1>"Plans and prices"</h1>
                <p class="muted">"Start for free. Pay when you need more, by the month or the year, or once for a pack of credit."</p>
            </header>
            <Suspense fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match (offers.await, billing.await) {
                        (Ok(offers), Ok(billing)) => view! { <Offered offers billing interval begin/> }.into_any(),
                        (Err(error), _) | (_, Err(error)) => view! { <LoadError error/> }.into_any(),
                    }
                })}
            </Suspense>
        </PageFrame>
    }
}

#[component]
fn Offered(
    offers: Offers,
    billing: Option<Billing>,
    interval: Memo<Interval>,
    begin: ServerAction<BeginCheckout>,
) -> impl IntoView {
    let is_signed_in = billing.is_some();
    let is_open = offers.is_open;
    let has_yearly =
        offers.plans.iter().any(|offer| offer.prices.iter().any(|price| price.interval == Interval::Year));
    let packs = (is_open && !offers.packs.is_empty()).then(|| view! {
        <section class="pricing-section" id="packs" aria-labelledby="packs-heading">
            <h2 id="packs-heading">"Credit packs"</h2>
            <p class="muted">"For when the month's credit is not enough. It is used after the credit of your plan, and you need no plan for it."</p>
            <PackOffers packs=offers.packs.clone() is_signed_in/>
        </section>
    });
    let cards = move || {
        let interval = interval.get();
        let reader = billing.as_ref().map_or(Reader::SignedOut, Reader::SignedIn);
        let card = |offer| {
            let choice = PlanChoice::new(&offers, offer, interval, reader);
            view! { <li><PlanOfferCard offer=offer.clone() interval choice begin/></li> }
        };
        offers.plans.iter().map(card).collect_view()
    };
    view! {
        {(!is_open).then(|| view! { <Closed/> })}
        {has_yearly.then(|| view! { <IntervalSwitch current=interval/> })}
        <ActionError action=begin/>
        <ul class="offers">{cards}</ul>
        {packs}
        {is_open.then(|| view! { <SmallPrint/> })}
    }
}

/// Where no payments are set up.
#[component]
fn Closed() -> impl IntoView {
    view! {
        <div class="note" data-testid="billing-closed">
            <p>
                "Nothing can be bought here: payments are not set up. What is free stays free. Whoever runs this site finds in docs/configuration.md how to open them."
            </p>
        </div>
    }
}

#[component]
fn SmallPrint() -> impl IntoView {
    let answer =
        |question: &'static str, text: &'static str| view! { <div><dt>{question}</dt><dd>{text}</dd></div> };
    view! {
        <section class="pricing-section" aria-labelledby="questions-heading">
            <h2 id="questions-heading">"Before you pay"</h2>
            <dl class="questions">
                {answer(
                    "When am I charged?",
                    "When you subscribe, and then on the same day of each month or year until you cancel. A larger plan is charged when you change to it, less what is left of the period you have paid for; a smaller one begins with the next period. A pack is charged once.",
                )}
                {answer(
                    "What happens to unused credit?",
                    "The credit of a plan is for its month: when the next month's credit comes, what is left of the old one ends. A yearly plan gives its credit month by month, too. Credit from a pack never expires, and is used only after the rest.",
                )}
                {answer(
                    "How do I cancel?",
                    "Under Billing, in two clicks. You keep what you paid for until the end of the period, then you are on Free. Your conversations and the credit of your packs stay, and until that day you can take it back.",
                )}
                {answer(
                    "What if a payment fails?",
                    "You keep your plan for some days, with a smaller budget, and every page says until when. If it is still not paid then, replies pause; reading, export and billing stay open. As soon as it is paid, all is as before.",
                )}
            </dl>
            <p class="muted pricing-end">"Prices are in US dollars. Payments are taken by Stripe; your card number never reaches us."</p>
        </section>
    }
}
