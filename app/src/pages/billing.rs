use leptos::prelude::*;

use crate::ApiResult;
use crate::api::{ResumeSubscription, SetOverageCap, StopOverage, list_offers, read_billing};
use crate::components::{
    CardPanel, InvoiceTable, LoadError, NoticePanel, OveragePanel, PackTable, PageFrame, PortalForm,
    SignedInOnly, SkeletonLines, SubscriptionPanel,
};
use crate::contexts::use_session;
use crate::types::{Billing, Offers, PortalPage};

/// What is subscribed to, what was paid, and how to change it.
#[component]
pub fn BillingPage() -> impl IntoView {
    let resume = ServerAction::<ResumeSubscription>::new();
    let set_overage = ServerAction::<SetOverageCap>::new();
    let stop_overage = ServerAction::<StopOverage>::new();
    let session = use_session();
    let versions =
        move || (resume.version().get(), set_overage.version().get(), stop_overage.version().get());
    let billing = session.resource(versions, |_| read_billing());
    let offers = session.resource(|| (), |()| list_offers());
    view! { <SignedInOnly><Loaded billing offers resume set_overage stop_overage/></SignedInOnly> }
}

#[component]
fn Loaded(
    billing: Resource<ApiResult<Billing>>,
    offers: Resource<ApiResult<Offers>>,
    resume: ServerAction<ResumeSubscription>,
    set_overage: ServerAction<SetOverageCap>,
    stop_overage: ServerAction<StopOverage>,
) -> impl IntoView {
    view! {
        <PageFrame title="Billing" class="page-billing">
            <header class="page-head">
                <h1>"Billing"</h1>
                <p class="muted">"Your plan, your card, and everything you have paid."</p>
            </header>
            <Transition fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match (billing.await, offers.await) {
                        (Ok(billing), Ok(offers)) => {
                            view! { <Whole billing is_open=offers.is_open resume set_overage stop_overage/> }.into_any()
                        }
                        (Err(error), _) | (_, Err(error)) => view! { <LoadError error/> }.into_any(),
                    }
                })}
            </Transition>
        </PageFrame>
    }
}

#[component]
fn Whole(
    billing: Billing,
    is_open: bool,
    resume: ServerAction<ResumeSubscription>,
    set_overage: ServerAction<SetOverageCap>,
    stop_overage: ServerAction<StopOverage>,
) -> impl IntoView {
    let Billing { standing, subscription, card, invoices, packs, overage, plan_override } = billing;
    let has_history = card.is_some() || subscription.is_some() || !invoices.is_empty();
    view! {
        <NoticePanel/>
        <div class="panels">
            <SubscriptionPanel standing subscription plan_override is_open resume/>
            {has_history.then(|| view! { <CardPanel card/> })}
        </div>
        {overage.map(|terms| view! { <OveragePanel terms set=set_overage stop=stop_overage/> })}
        <section class="panel" aria-labelledby="packs-heading">
            <div class="panel-head">
                <h2 id="packs-heading">"Credit packs"</h2>
                {is_open.then(|| view! { <a class="button button-small" href="/pricing#packs">"Buy credit"</a> })}
            </div>
            <PackTable packs/>
        </section>
        <section class="panel" aria-labelledby="invoices-heading">
            <div class="panel-head"><h2 id="invoices-heading">"Invoices"</h2></div>
            <InvoiceTable invoices/>
            {has_history.then(|| view! {
                <div class="panel-actions">
                    <PortalForm page=PortalPage::Overview label="Name, address and tax number" class="button button-small"/>
                </div>
            })}
        </section>
    }
}
