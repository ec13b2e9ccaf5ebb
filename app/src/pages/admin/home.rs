use leptos::prelude::*;

use crate::api::admin::read_overview;
use crate::components::admin::{AdminFrame, ComputedAt, FigureCards, NoFigures};
use crate::components::{LoadError, SkeletonLines};
use crate::contexts::use_session;
use crate::links::ADMIN_PATH;
use crate::overview_cards::{people_cards, quality_cards, usage_cards};
use crate::types::Overview;

/// How everything goes, at a glance.
#[component]
pub fn AdminHomePage() -> impl IntoView {
    let overview = use_session().operator_resource(|| (), |()| read_overview());
    view! {
        <AdminFrame title="Overview" area=ADMIN_PATH>
            <header class="page-head">
                <h1>"Overview"</h1>
                <p class="muted">"Today and the 29 days before, beside the 30 days before these."</p>
            </header>
            <Transition fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match overview.await {
                        Ok(overview) => view! { <Figures overview/> }.into_any(),
                        Err(error) => view! { <LoadError error/> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

#[component]
fn Figures(overview: Overview) -> impl IntoView {
    let at = overview.computed_at;
    let is_new = overview.total.volume.is_empty() && overview.before.volume.is_empty();
    if at.is_none() || is_new {
        return view! { <NoFigures at/> }.into_any();
    }
    view! {
        <ComputedAt at/>
        <FigureCards id="figures-people" heading="People and subscriptions" cards=people_cards(&overview)/>
        <FigureCards id="figures-usage" heading="Usage and what it costs" cards=usage_cards(&overview)/>
        <FigureCards id="figures-quality" heading="How well it works" cards=quality_cards(&overview)/>
    }
    .into_any()
}
