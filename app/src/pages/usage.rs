use leptos::prelude::*;

use crate::ApiResult;
use crate::api::list_usage;
use crate::components::{ErrorNote, PageFrame, QuotaPanel, SignedInOnly, UsageTable};
use crate::contexts::{use_quota, use_session};
use crate::types::UsageEntry;

/// What is left, in full, and what each reply has cost.
#[component]
pub fn UsagePage() -> impl IntoView {
    let usage = use_session().resource(|| (), |()| list_usage());
    view! { <SignedInOnly><Usage usage/></SignedInOnly> }
}

#[component]
fn Usage(usage: Resource<ApiResult<Vec<UsageEntry>>>) -> impl IntoView {
    let quota = use_quota();
    view! {
        <PageFrame title="Usage">
            <header class="page-head">
                <h1>"Usage"</h1>
                <p class="muted">"What you have left now, and what each reply has cost."</p>
            </header>
            {move || quota.get().map(|quota| match quota {
                Ok(quota) => view! { <div class="panels"><QuotaPanel quota/></div> }.into_any(),
                Err(error) => view! { <ErrorNote error/> }.into_any(),
            })}
            <section class="panel" aria-labelledby="charged-heading">
                <div class="panel-head"><h2 id="charged-heading">"Charged replies"</h2></div>
                <Suspense fallback=|| view! { <Skeleton/> }>
                    {move || Suspend::new(async move {
                        match usage.await {
                            Ok(entries) => view! { <UsageTable entries/> }.into_any(),
                            Err(error) => view! { <ErrorNote error/> }.into_any(),
                        }
                    })}
                </Suspense>
            </section>
        </PageFrame>
    }
}

#[component]
fn Skeleton() -> impl IntoView {
    view! {
        <div class="skeleton-lines" aria-hidden="true">
            <span class="skeleton"></span>
            <span class="skeleton"></span>
            <span class="skeleton"></span>
        </div>
    }
}
