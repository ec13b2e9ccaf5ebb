use leptos::prelude::*;

use crate::api::admin::{CloseRoute, ReopenRoute, read_providers};
use crate::components::admin::{AdminFrame, RouteTable};
use crate::components::{ActionError, ErrorNote, SkeletonLines};
use crate::contexts::use_session;
use crate::links::PROVIDERS_PATH;
use crate::types::ProviderReport;

/// The ways to each model: whether they are asked, and how they did.
#[component]
pub fn ProvidersPage() -> impl IntoView {
    let (close, reopen) = (ServerAction::<CloseRoute>::new(), ServerAction::<ReopenRoute>::new());
    let versions = move || (close.version().get(), reopen.version().get());
    let reports = use_session().operator_resource(versions, |_| read_providers());
    view! {
        <AdminFrame title="Providers" area=PROVIDERS_PATH>
            <header class="page-head">
                <h1>"Providers"</h1>
                <p class="muted">"The routes to each model in the order in which they are asked, and their last 24 hours."</p>
            </header>
            <ActionError action=close/>
            <ActionError action=reopen/>
            <Transition fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match reports.await {
                        Ok(reports) => view! { <Models reports close reopen/> }.into_any(),
                        Err(error) => view! { <ErrorNote error/> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

#[component]
fn Models(
    reports: Vec<ProviderReport>,
    close: ServerAction<CloseRoute>,
    reopen: ServerAction<ReopenRoute>,
) -> impl IntoView {
    let panels = reports.into_iter().map(|ProviderReport { model, routes }| {
        let (label, title) = (model.clone(), model.clone());
        view! {
            <section class="panel" aria-label=label>
                <h2>{title}</h2>
                <RouteTable model routes close reopen/>
            </section>
        }
    });
    panels.collect_view()
}
