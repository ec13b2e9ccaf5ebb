use leptos::form::ActionForm;
use leptos::prelude::*;

use crate::ApiResult;
use crate::api::{CancelSubscription, read_billing};
use crate::components::{ActionError, LoadError, PageFrame, SignedInOnly, SkeletonLines, SubmitButton};
use crate::contexts::{use_clock, use_session};
use crate::links::BILLING_PATH;
use crate::types::{Billing, Subscription};
use crate::wording::billing::cancellation;

/// Says what a cancellation does, and asks once.
#[component]
pub fn CancelPage() -> impl IntoView {
    let billing = use_session().resource(|| (), |()| read_billing());
    let cancel = ServerAction::<CancelSubscription>::new();
    view! { <SignedInOnly><Loaded billing cancel/></SignedInOnly> }
}

#[component]
fn Loaded(billing: Resource<ApiResult<Billing>>, cancel: ServerAction<CancelSubscription>) -> impl IntoView {
    view! {
        <PageFrame title="Cancel the subscription" class="page-narrow">
            <Suspense fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match billing.await {
                        Ok(Billing { subscription: Some(current), .. }) if current.ends_at.is_none() => {
                            view! { <Question current cancel/> }.into_any()
                        }
                        Ok(_) => view! { <NothingToCancel/> }.into_any(),
                        Err(error) => view! { <h1>"Cancel the subscription"</h1> <LoadError error/> }.into_any(),
                    }
                })}
            </Suspense>
        </PageFrame>
    }
}

#[component]
fn Question(current: Subscription, cancel: ServerAction<CancelSubscription>) -> impl IntoView {
    let clock = use_clock();
    let name = current.plan_name.clone();
    let zone = move |at| clock.zone(at);
    let sentences = move || {
        let sentences = cancellation(&current, zone(current.renews_at)).into_iter();
        sentences.map(|sentence| view! { <li>{sentence}</li> }).collect_view()
    };
    view! {
        <header class="page-head"><h1>{format!("Cancel {name}?")}</h1></header>
        <section class="panel" aria-label="What happens then">
            <ul class="consequences" data-testid="consequences">{sentences}</ul>
            <ActionError action=cancel/>
            <div class="panel-actions">
                <ActionForm action=cancel>
                    <SubmitButton label="Cancel the subscription" is_pending=cancel.pending() class="button button-danger"
                        test_id=Some("confirm-cancel")/>
                </ActionForm>
                <a class="button" href=BILLING_PATH>{format!("Keep {name}")}</a>
            </div>
        </section>
    }
}

#[component]
fn NothingToCancel() -> impl IntoView {
    view! {
        <header class="page-head"><h1>"Nothing to cancel"</h1></header>
        <section class="panel">
            <p>"You have no subscription, or it is cancelled already."</p>
            <div class="panel-actions"><a class="button" href=BILLING_PATH>"Back to Billing"</a></div>
        </section>
    }
}
