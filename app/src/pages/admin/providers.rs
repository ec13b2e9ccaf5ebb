use leptos::prelude::*;

use crate::api::admin::read_providers;
use crate::components::admin::{
    AdminFrame, CatalogDeeds, CatalogErrors, ModelDeeds, OutcomeNote, PriceTable, RouteTable,
};
use crate::components::{ButtonForm, LoadError, SkeletonLines};
use crate::contexts::use_session;
use crate::links::PROVIDERS_PATH;
use crate::types::ProviderReport;

/// The models and the ways to each: what they cost, whether they are asked, and how they did.
#[component]
pub fn ProvidersPage() -> impl IntoView {
    let deeds = CatalogDeeds::new();
    let reports = use_session().operator_resource(move || deeds.outcome.count(), |_| read_providers());
    view! {
        <AdminFrame title="Providers" area=PROVIDERS_PATH>
            <header class="page-head">
                <h1>"Providers"</h1>
                <p class="muted">"Each model with its routes in the order in which they are asked, their last 24 hours, and its prices."</p>
            </header>
            <OutcomeNote outcome=deeds.outcome/>
            <CatalogErrors deeds/>
            <Transition fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match reports.await {
                        Ok(reports) => view! { <Models reports deeds/> }.into_any(),
                        Err(error) => view! { <LoadError error/> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

#[component]
fn Models(reports: Vec<ProviderReport>, deeds: CatalogDeeds) -> impl IntoView {
    let panels = reports.into_iter().enumerate();
    panels.map(|(place, report)| view! { <ModelPanel report is_first=place == 0 deeds/> }).collect_view()
}

#[component]
fn ModelPanel(report: ProviderReport, is_first: bool, deeds: CatalogDeeds) -> impl IntoView {
    let ProviderReport { key, model: name, is_off, prices, price_version, routes } = report.clone();
    let (label, title, table, of_model) = (name.clone(), name.clone(), name.clone(), key.clone());
    let move_up = (!is_first).then(|| view! {
        <ButtonForm action=deeds.move_model fields=[("model", of_model)] label="Show earlier" class="button button-small"
            test_id="move-model-up"/>
    });
    view! {
        <section class="panel" aria-label=label data-testid="model">
            <div class="panel-head">
                <h2>{title} {is_off.then(|| view! { <span class="tag tag-danger">"Turned off"</span> })}</h2>
                {move_up}
            </div>
            <RouteTable model=table routes deeds/>
            <PriceTable model=key name prices in_force=price_version deeds/>
            <ModelDeeds report deeds/>
        </section>
    }
}
