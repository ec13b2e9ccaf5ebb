use leptos::prelude::*;

use crate::api::list_usage;
use crate::components::{ErrorNote, PageFrame, QuotaPanel, SignedInOnly, UsageTable};
use crate::contexts::use_quota;

/// What is left, in full, and what each reply has cost.
#[component]
pub fn UsagePage() -> impl IntoView {
    view! { <SignedInOnly><Usage/></SignedInOnly> }
}

#[component]
fn Usage() -> impl IntoView {
    let quota = use_quota();
    let usage = Resource::new(|| (), |()| list_usage());
    view! {
        <PageFrame title="Usage">
            <header class="page-head">
                <h1>"Usage"</h1>
                <p class="muted">"What you have left now, and what each reply has cost."</p>
            </header>
            <Suspense fallback=|| view! { <Skeleton/> }>
                {move || quota.get().map(|quota| match quota {
                    Ok(quota) => view! { <div class="panels"><QuotaPanel quota/></div> }.into_any(),
                    Err(error) => view! { <ErrorNote error/> }.into_any(),
                })}
            </Suspense>
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
