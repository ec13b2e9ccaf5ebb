use chrono::{DateTime, Utc};
use leptos::form::ActionForm;
use leptos::prelude::*;

use crate::ApiResult;
use crate::api::{RequestErasure, read_erasure};
use crate::browser;
use crate::components::{
    ActionError, LoadError, LocalDay, PageFrame, SignedInOnly, SkeletonLines, SubmitButton, after_success,
};
use crate::contexts::{site_links, use_clock, use_quota, use_session};
use crate::links::{ACCOUNT_PATH, CANCEL_PATH, DATA_FILE_PATH};
use crate::types::{ErasureObstacle, ErasureTerms};
use crate::wording::erasure::consequences;

const TITLE: &str = "Delete your account";

/// Says what is erased, what is kept, and when, and asks once.
#[component]
pub fn DeleteAccountPage() -> impl IntoView {
    let terms = use_session().resource(|| (), |()| read_erasure());
    let request = ServerAction::<RequestErasure>::new();
    after_success(request, || browser::load(ACCOUNT_PATH));
    view! { <SignedInOnly><Loaded terms request/></SignedInOnly> }
}

#[component]
fn Loaded(terms: Resource<ApiResult<ErasureTerms>>, request: ServerAction<RequestErasure>) -> impl IntoView {
    view! {
        <PageFrame title=TITLE class="page-narrow">
            <header class="page-head"><h1>{TITLE}</h1></header>
            <Suspense fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match terms.await {
                        Ok(ErasureTerms { is_requested: true, erase_at, .. }) => {
                            view! { <Requested erase_at/> }.into_any()
                        }
                        Ok(ErasureTerms { obstacle: Some(obstacle), .. }) => view! { <NotYet obstacle/> }.into_any(),
                        Ok(terms) => view! { <Question terms request/> }.into_any(),
                        Err(error) => view! { <LoadError error/> }.into_any(),
                    }
                })}
            </Suspense>
        </PageFrame>
    }
}

#[component]
fn Question(terms: ErasureTerms, request: ServerAction<RequestErasure>) -> impl IntoView {
    let (clock, quota) = (use_clock(), use_quota());
    let credit = move || quota.get().and_then(Result::ok).map(|quota| quota.credit.available.or_zero());
    let sentences = move || {
        let sentences = consequences(terms.erase_at, clock.zone(terms.erase_at), credit()).into_iter();
        sentences.map(|sentence| view! { <li>{sentence}</li> }).collect_view()
    };
    view! {
        <section class="panel" aria-label="What happens then">
            <ul class="consequences" data-testid="consequences">{sentences}</ul>
            <p class="muted">
                "You may want to " <a href=DATA_FILE_PATH rel="external" download="">"download your data"</a> " first."
            </p>
            <ActionError action=request/>
            <ActionForm action=request>
                <label class="check-field">
                    <input type="checkbox" name="is_confirmed" value="true" required data-testid="confirm-erasure"/>
                    " Erase my account and everything in it"
                </label>
                <div class="panel-actions">
                    <SubmitButton label="Delete my account" is_pending=request.pending() class="button button-danger"
                        test_id=Some("request-erasure")/>
                    <a class="button" href=ACCOUNT_PATH>"Keep it"</a>
                </div>
            </ActionForm>
        </section>
    }
}

/// What has to be done first, and where.
#[component]
fn NotYet(obstacle: ErasureObstacle) -> impl IntoView {
    let way_on = match &obstacle {
        ErasureObstacle::Subscription { .. } => {
            Some(view! { <a class="button" href=CANCEL_PATH>"Cancel the subscription"</a> }.into_any())
        }
        ErasureObstacle::Operator => None,
        ErasureObstacle::Suspended => site_links()
            .support
            .map(|url| view! { <a class="button" href=url rel="external">"Contact support"</a> }.into_any()),
    };
    view! {
        <section class="panel" aria-label="What comes first" data-testid="erasure-obstacle">
            <p>{obstacle.to_string()}</p>
            <div class="panel-actions">
                {way_on}
                <a class="button" href=ACCOUNT_PATH>"Back to Account"</a>
            </div>
        </section>
    }
}

#[component]
fn Requested(erase_at: DateTime<Utc>) -> impl IntoView {
    view! {
        <section class="panel" aria-label="What happens then">
            <p>
                "Your account will be erased on " <LocalDay at=erase_at/>
                ". Until then you can keep it, with the button above this page."
            </p>
            <div class="panel-actions"><a class="button" href=ACCOUNT_PATH>"Back to Account"</a></div>
        </section>
    }
}
