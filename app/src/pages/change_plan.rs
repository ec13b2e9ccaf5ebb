use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::ApiResult;
use crate::api::{ChangePlan, list_offers, read_billing};
use crate::components::{ActionError, LoadError, PageFrame, SignedInOnly, SkeletonLines, SubmitButton};
use crate::contexts::{use_clock, use_session};
use crate::links::{BILLING_PATH, PRICING_PATH};
use crate::plan_choice::{PlanChoice, Reader, begins_at_once, price};
use crate::types::{Billing, Card, Interval, Offers, PlanOffer, Subscription};
use crate::wording::billing::{ChangeWords, change_at_once, change_later};

/// Says what a change of plan does and when, and asks once.
#[component]
pub fn ChangePlanPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        let interval = query.with(|query| query.get("interval"));
        (query.with(|query| query.get("plan")).unwrap_or_default(), Interval::from_query(interval.as_deref()))
    });
    let session = use_session();
    let billing = session.resource(|| (), |()| read_billing());
    let offers = session.resource(|| (), |()| list_offers());
    let change = ServerAction::<ChangePlan>::new();
    view! { <SignedInOnly><Loaded wanted billing offers change/></SignedInOnly> }
}

#[component]
fn Loaded(
    wanted: Memo<(String, Interval)>,
    billing: Resource<ApiResult<Billing>>,
    offers: Resource<ApiResult<Offers>>,
    change: ServerAction<ChangePlan>,
) -> impl IntoView {
    view! {
        <PageFrame title="Change plan" class="page-narrow">
            <Suspense fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    let (billing, offers) = match (billing.await, offers.await) {
                        (Ok(billing), Ok(offers)) => (billing, offers),
                        (Err(error), _) | (_, Err(error)) => {
                            return view! { <h1>"Change plan"</h1> <LoadError error/> }.into_any();
                        }
                    };
                    let (key, interval) = wanted.get_untracked();
                    match Move::find(&billing, &offers, &key, interval) {
                        Ok(found) => view! { <Question found card=billing.card change/> }.into_any(),
                        Err(why) => view! { <NothingToChange why/> }.into_any(),
                    }
                })}
            </Suspense>
        </PageFrame>
    }
}

/// A change that can be made now.
#[derive(Clone)]
struct Move {
    current: Subscription,
    offer: PlanOffer,
    interval: Interval,
    amount_cents: u32,
    is_at_once: bool,
}

impl Move {
    /// Or why there is none.
    fn find(billing: &Billing, offers: &Offers, key: &str, interval: Interval) -> Result<Self, &'static str> {
        const NOTHING: &str = "You already have this plan, or it is not available right now.";

        let offer = offers.plans.iter().find(|offer| offer.plan.key == key).ok_or(NOTHING)?.clone();
        let current = billing.subscription.clone().ok_or(NOTHING)?;
        match PlanChoice::new(offers, &offer, interval, Reader::SignedIn(billing)) {
            PlanChoice::Change => {}
            PlanChoice::PayFirst => {
                return Err("A payment is due. Pay it first, under Billing; then choose again.");
            }
            PlanChoice::KeepFirst => {
                return Err(
                    "Your plan is about to end or to change. Keep it first, under Billing; then choose again.",
                );
            }
            _ => return Err(NOTHING),
        }
        let amount_cents = price(&offer, interval).ok_or(NOTHING)?.amount_cents;
        let is_at_once = begins_at_once(offers, &current, key, interval);
        Ok(Self { current, offer, interval, amount_cents, is_at_once })
    }
}

#[component]
fn Question(found: Move, card: Option<Card>, change: ServerAction<ChangePlan>) -> impl IntoView {
    let clock = use_clock();
    let Move { current, offer, interval, amount_cents, is_at_once } = found;
    let key = offer.plan.key.clone();
    let words = Memo::new(move |_| {
        let describe = if is_at_once { change_at_once } else { change_later };
        describe(&current, &offer.plan.name, interval, amount_cents, clock.zone(current.renews_at))
    });
    let sentences = move || {
        let sentences = words.with(|words| words.sentences.clone()).into_iter();
        sentences.map(|sentence| view! { <li>{sentence}</li> }).collect_view()
    };
    let charged = card.filter(|_| is_at_once);
    let charged = charged.map(|card| view! { <li>{format!("{} is charged.", card.name())}</li> });
    let ChangeWords { heading, button, .. } = words.get_untracked();
    view! {
        <header class="page-head"><h1>{heading}</h1></header>
        <section class="panel" aria-label="What happens then">
            <ul class="consequences" data-testid="consequences">{sentences} {charged}</ul>
            <ActionError action=change/>
            <div class="panel-actions">
                <ActionForm action=change>
                    <input type="hidden" name="plan" value=key/>
                    <input type="hidden" name="interval" value=interval.to_string()/>
                    <SubmitButton label=button is_pending=change.pending() class="button button-primary"
                        test_id=Some("confirm-change")/>
                </ActionForm>
                <a class="button" href=BILLING_PATH>"Leave it as it is"</a>
            </div>
        </section>
    }
}

#[component]
fn NothingToChange(why: &'static str) -> impl IntoView {
    view! {
        <header class="page-head"><h1>"Nothing to change"</h1></header>
        <section class="panel">
            <p>{why}</p>
            <div class="panel-actions">
                <a class="button" href=PRICING_PATH>"See plans and prices"</a>
                <a class="button" href=BILLING_PATH>"Back to Billing"</a>
            </div>
        </section>
    }
}
