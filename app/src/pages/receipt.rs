use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::not_found::answer_not_found;
use crate::api::read_receipt;
use crate::components::{
    ErrorPage, LocalTime, PageFrame, ReceiptPanels, SignedInOnly, SkeletonLines, ThreadLink,
};
use crate::contexts::use_session;
use crate::types::Receipt;
use crate::wording::usage::{charge_sentence, charged, duration, reply_state};
use crate::{ApiError, ApiResult};

/// Why one reply cost what it cost.
#[component]
pub fn ReceiptPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("generation_id")).unwrap_or_default());
    let receipt = use_session().resource(move || id.get(), load);
    view! { <SignedInOnly><Loaded receipt/></SignedInOnly> }
}

async fn load(id: String) -> ApiResult<Receipt> {
    match id.parse() {
        Ok(id) => read_receipt(id).await,
        Err(_) => {
            answer_not_found();
            Err(ApiError::NotFound)
        }
    }
}

#[component]
fn Loaded(receipt: Resource<ApiResult<Receipt>>) -> impl IntoView {
    view! {
        <PageFrame title="Receipt" class="page-receipt">
            <Transition fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match receipt.await {
                        Ok(receipt) => view! { <Whole receipt/> }.into_any(),
                        Err(error) => view! { <ErrorPage error/> }.into_any(),
                    }
                })}
            </Transition>
        </PageFrame>
    }
}

#[component]
fn Whole(receipt: Receipt) -> impl IntoView {
    let amount = receipt.charge.as_ref().map(|charge| charged(charge.charged));
    let sentence = charge_sentence(&receipt);
    let route = receipt.charge.as_ref().map(|charge| charge.route.clone());
    let route = route
        .map(|route| view! { <Fact name="Route">{route.unwrap_or_else(|| "Not known".to_owned())}</Fact> });
    let first_token = receipt.attempts.iter().rev().find_map(|attempt| attempt.first_token_ms);
    let first_token = first_token.map(|ms| view! { <Fact name="First token after">{duration(ms)}</Fact> });
    let (model, state, thread) = (receipt.model.clone(), reply_state(receipt.state), receipt.thread.clone());
    view! {
        <header class="page-head">
            <h1>"Receipt"</h1>
            <p class="muted">"For a reply in " <ThreadLink thread/></p>
        </header>
        <section class="panel" aria-label="In short">
            <p class="receipt-amount" data-testid="receipt-amount">{amount.unwrap_or_else(|| "Not charged yet".to_owned())}</p>
            <p class="muted">{sentence}</p>
            <dl class="facts facts-row">
                <Fact name="Model">{model}</Fact>
                {route}
                <Fact name="How it ended">{state}</Fact>
                <Fact name="Asked">{view! { <LocalTime at=receipt.asked_at/> }}</Fact>
                {first_token}
            </dl>
        </section>
        <ReceiptPanels receipt/>
    }
}

#[component]
fn Fact(name: &'static str, children: Children) -> impl IntoView {
    view! { <div><dt>{name}</dt><dd>{children()}</dd></div> }
}
