use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_query_map;

use crate::ApiResult;
use crate::api::{finish_checkout, list_offers};
use crate::browser;
use crate::components::{LoadError, PageFrame, PlanLimits, SignedInOnly, SkeletonLines};
use crate::contexts::{use_quota, use_session, use_standing};
use crate::links::{BILLING_PATH, PRICING_PATH, checkout_path};
use crate::types::{CheckoutOutcome, Nanos, Offers, Plan};

/// The page one comes back to from Stripe's: it says what became of the payment, and waits where that is not known yet.
#[component]
pub fn CheckoutPage() -> impl IntoView {
    let query = use_query_map();
    let visit = Memo::new(move |_| query.with(|query| query.get("session")).unwrap_or_default());
    let session = use_session();
    let outcome = session.resource(move || visit.get(), finish_checkout);
    let offers = session.resource(|| (), |()| list_offers());
    view! { <SignedInOnly><Loaded visit outcome offers/></SignedInOnly> }
}

#[component]
fn Loaded(
    visit: Memo<String>,
    outcome: Resource<ApiResult<CheckoutOutcome>>,
    offers: Resource<ApiResult<Offers>>,
) -> impl IntoView {
    view! {
        <PageFrame title="Your payment" class="page-narrow">
            <Suspense fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    let first = outcome.await;
                    let plans = offers.await.map(|offers| offers.plans).unwrap_or_default();
                    let plans = plans.into_iter().map(|offer| offer.plan).collect();
                    view! { <Ending visit=visit.get_untracked() first plans/> }
                })}
            </Suspense>
        </PageFrame>
    }
}

/// What is known so far; while that is nothing, asked for again.
#[component]
fn Ending(visit: String, first: ApiResult<CheckoutOutcome>, plans: Vec<Plan>) -> impl IntoView {
    let outcome = RwSignal::new(match first {
        // It may well be paid, so the question is asked again.
        Err(error) if error.is_retryable() => Ok(CheckoutOutcome::Pending),
        first => first,
    });
    let asked = RwSignal::new(0_u32);
    let (quota, standing) = (use_quota(), use_standing());
    let session_id = visit.clone();
    Effect::new(move |_| {
        let (count, id) = (asked.get(), session_id.clone());
        if outcome.with_untracked(|outcome| *outcome != Ok(CheckoutOutcome::Pending)) {
            return;
        }
        spawn_local(async move {
            browser::sleep(wait_before(count)).await;
            if let Ok(news) = finish_checkout(id).await {
                _ = outcome.try_set(Ok(news));
            }
            _ = asked.try_update(|count| *count += 1);
        });
    });
    Effect::new(move |_| {
        if let Ok(CheckoutOutcome::Subscribed { .. } | CheckoutOutcome::PackBought { .. }) = outcome.get() {
            quota.reload();
            standing.reload();
        }
    });
    let is_slow = Memo::new(move |_| asked.get() >= ASKED_BEFORE_SLOW);
    view! {
        <div role="status" data-testid="checkout-outcome">
            {move || match outcome.get() {
                Ok(CheckoutOutcome::Pending) => view! { <Waiting visit=visit.clone() is_slow/> }.into_any(),
                Ok(CheckoutOutcome::Subscribed { plan_name }) => view! { <Subscribed plan_name plans=plans.clone()/> }.into_any(),
                Ok(CheckoutOutcome::PackBought { name, credit }) => view! { <PackBought name credit/> }.into_any(),
                Ok(CheckoutOutcome::NotPaid) => view! { <NotPaid/> }.into_any(),
                Err(error) => view! {
                    <header class="page-head"><h1>"Your payment"</h1></header>
                    <LoadError error/>
                    <p class="outcome-ways"><a class="button" href=BILLING_PATH>"Go to Billing"</a></p>
                }.into_any(),
            }}
        </div>
    }
}

/// After this many questions the page says that it takes long.
const ASKED_BEFORE_SLOW: u32 = 8;

/// Every two seconds at first, every ten in the end.
fn wait_before(asked: u32) -> Duration {
    Duration::from_secs(u64::from(asked + 2).min(10))
}

#[component]
fn Waiting(visit: String, is_slow: Memo<bool>) -> impl IntoView {
    let again = checkout_path(&visit);
    view! {
        <header class="page-head"><h1>"Waiting for Stripe"</h1></header>
        <section class="panel outcome" aria-label="Your payment">
            <svg class="payment-wait" viewBox="0 0 40 64" width="40" height="64" aria-hidden="true" focusable="false">
                <path class="gauge-string" d="M20 2v36"></path>
                <path class="logo-bob" d="M11 38h18l-2 10-7 13-7-13z"></path>
            </svg>
            <p>
                {move || match is_slow.get() {
                    false => "Stripe has your payment and is about to confirm it. This takes a few seconds.",
                    true => "Stripe takes longer than usual. You need not wait here: as soon as it confirms your payment, what you bought is yours, also when this page is closed. Nothing is charged twice.",
                }}
            </p>
            <p class="outcome-ways">
                <a class="button" href=again rel="external">"Look again"</a>
                <a class="button" href=BILLING_PATH>"Go to Billing"</a>
            </p>
        </section>
    }
}

#[component]
fn Subscribed(plan_name: String, plans: Vec<Plan>) -> impl IntoView {
    let plan = plans.into_iter().find(|plan| plan.name == plan_name);
    let given = plan.map(|plan| {
        let credit = plan.monthly_credit.to_cents_text();
        view! {
            <p class="offer-credit"><b>{credit}</b> " of credit each month"</p>
            <PlanLimits plan/>
        }
    });
    view! {
        <header class="page-head"><h1>{format!("{plan_name} is yours")}</h1></header>
        <section class="panel outcome" aria-label="What you have now">
            <p>"It is paid, and all of it is there now:"</p>
            <div class="plan-facts">{given}</div>
            <Onward/>
        </section>
    }
}

#[component]
fn PackBought(name: String, credit: Nanos) -> impl IntoView {
    view! {
        <header class="page-head"><h1>{format!("{} added", credit.to_cents_text())}</h1></header>
        <section class="panel outcome" aria-label="What you have now">
            <p>{format!("{name} is paid. The credit is on your account now. It never expires, and is used after the credit of your plan.")}</p>
            <Onward/>
        </section>
    }
}

#[component]
fn Onward() -> impl IntoView {
    view! {
        <p class="outcome-ways">
            <a class="button button-primary" href="/chat">"Start a conversation"</a>
            <a class="button" href=BILLING_PATH>"See it under Billing"</a>
        </p>
    }
}

#[component]
fn NotPaid() -> impl IntoView {
    view! {
        <header class="page-head"><h1>"Nothing was paid"</h1></header>
        <section class="panel outcome" aria-label="What you have now">
            <p>"The payment was not completed, so nothing was charged and nothing has changed."</p>
            <p class="outcome-ways">
                <a class="button button-primary" href=PRICING_PATH>"See plans and prices"</a>
                <a class="button" href=BILLING_PATH>"Go to Billing"</a>
            </p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::wait_before;

    #[test]
    fn a_slow_stripe_is_asked_less_and_less() {
        assert_eq!([0, 3, 100].map(|asked| wait_before(asked).as_secs()), [2, 5, 10]);
    }
}
