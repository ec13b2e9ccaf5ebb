use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::api::admin::report_volume;
use crate::components::admin::{
    AdminFrame, ComputedAt, ExplosionTable, FigureChart, NoFigures, SpenderTable, VolumeRow, VolumeTable,
    named_rows,
};
use crate::components::{Fold, LoadError, PeriodChoice, SkeletonLines};
use crate::contexts::use_session;
use crate::links::{VOLUME_PATH, people_volume_file_path, volume_file_path, volume_path};
use crate::overview_cards::Unit;
use crate::types::{
    CostExplosion, DayVolume, NamedVolume, Nanos, Period, PersonVolume, Volume, VolumeReport,
};
use crate::wording::figures::{growth, money, percent, share};
use crate::wording::usage::count;

/// What was used in a period: by day, model, provider, plan and person.
#[component]
pub fn AdminUsagePage() -> impl IntoView {
    let query = use_query_map();
    let period = Memo::new(move |_| {
        let period = query.with(|query| query.get("period"));
        period.and_then(|period| period.parse::<Period>().ok()).unwrap_or_default()
    });
    let report = use_session().operator_resource(move || period.get(), report_volume);
    view! {
        <AdminFrame title="Usage" area=VOLUME_PATH>
            <header class="page-head">
                <h1>"Usage"</h1>
                <p class="muted">"What everybody used, what they were charged, and what it costs us."</p>
            </header>
            <Transition fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match report.await {
                        Ok(report) => view! { <Report report/> }.into_any(),
                        Err(error) => view! { <LoadError error/> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

#[component]
fn Report(report: VolumeReport) -> impl IntoView {
    let VolumeReport {
        period,
        computed_at,
        total,
        before,
        days,
        models,
        providers,
        routes,
        plans,
        outcomes,
        people,
        explosions,
        months,
    } = report;
    let is_new = total.is_empty() && before.is_empty() && months.len() < 2;
    if is_new {
        return view! { <NoFigures at=computed_at/> }.into_any();
    }
    view! {
        <ComputedAt at=computed_at/>
        <PeriodChoice chosen=period months path=volume_path/>
        <section class="panel" aria-labelledby="volume-heading">
            <div class="panel-head">
                <h2 id="volume-heading">{period.name()}</h2>
                <a class="button button-small" href=volume_file_path(period) rel="external" download="">"Download as CSV"</a>
            </div>
            <Totals total before name_before=period.name_before()/>
            <DayCharts days=days.clone()/>
            <Fold id="volume-days" label="The same in numbers">
                <VolumeTable heading="Day" rows=day_rows(&days) total/>
            </Fold>
        </section>
        <Explosions explosions/>
        <Spenders people period/>
        <Split id="models" title="By model" heading="Model" parts=models total/>
        <Split id="providers" title="By provider" heading="Provider" parts=providers total/>
        <Split id="routes" title="By route" heading="Route" parts=routes total/>
        <Split id="plans" title="By plan" heading="Plan" parts=plans total/>
        <Split id="outcomes" title="By outcome" heading="Outcome" parts=outcomes total/>
    }
    .into_any()
}

fn day_rows(days: &[DayVolume]) -> Vec<VolumeRow> {
    let used = days.iter().filter(|day| !day.volume.is_empty());
    let name = |day: &DayVolume| day.day.format("%-d %B %Y").to_string().into_any();
    used.map(|day| VolumeRow { name: name(day), volume: day.volume, ratings: None }).collect()
}

#[component]
fn Totals(total: Volume, before: Volume, name_before: String) -> impl IntoView {
    let fact = |title: &'static str, value: String, note: Option<String>| {
        view! {
            <div>
                <dt>{title}</dt>
                <dd>{value}</dd>
                {note.map(|note| view! { <dd class="muted">{note}</dd> })}
            </div>
        }
    };
    let amount = |title, of: fn(&Volume) -> Nanos| {
        let (now, then) = (of(&total), of(&before));
        let growth = growth(now.0, then.0).map(|growth| format!(" · {growth}")).unwrap_or_default();
        fact(title, money(now), Some(format!("{} in {name_before}{growth}", money(then))))
    };
    let failed = share(total.failed, total.replies).map(|share| format!("{} failed", percent(share)));
    view! {
        <dl class="facts facts-row totals" data-testid="volume-totals">
            {amount("Charged", |volume| volume.charged)}
            {amount("Our cost", |volume| volume.cost)}
            {amount("Margin", Volume::margin)}
            {fact("Requests", count(total.replies), failed)}
            {fact("Tokens in", count(total.input_tokens), Some(format!("{} of these cached", count(total.cached_input_tokens))))}
            {fact("Tokens out", count(total.output_tokens), None)}
        </dl>
    }
}

#[component]
fn DayCharts(days: Vec<DayVolume>) -> impl IntoView {
    type Of = fn(&Volume) -> i64;
    let charts: [(_, _, _, Of); 4] = [
        ("chart-charged", "Charged", Unit::Nanos, |volume| volume.charged.0),
        ("chart-cost", "Our cost", Unit::Nanos, |volume| volume.cost.0),
        ("chart-margin", "Margin", Unit::Nanos, |volume| volume.margin().0),
        ("chart-requests", "Requests", Unit::Count, |volume| {
            i64::try_from(volume.replies).unwrap_or(i64::MAX)
        }),
    ];
    let charts = charts.map(|(id, title, unit, of)| {
        let days = days.iter().map(|day| (day.day, Some(of(&day.volume)))).collect();
        view! {
            <article class="figure">
                <h3>{title}</h3>
                <FigureChart id title=format!("{title} by day") days unit/>
            </article>
        }
    });
    view! { <div class="figures figures-narrow">{charts.collect_view()}</div> }
}

#[component]
fn Explosions(explosions: Vec<CostExplosion>) -> impl IntoView {
    let table = match explosions.is_empty() {
        true => view! { <p class="muted" data-testid="no-explosions">"There was none."</p> }.into_any(),
        false => view! { <ExplosionTable explosions/> }.into_any(),
    };
    view! {
        <section class="panel" aria-labelledby="explosions">
            <div class="panel-head">
                <h2 id="explosions">"Cost explosions"</h2>
                <p class="muted panel-hint">"Days that cost us more than $1, and more than ten times the person’s usual day in the two weeks before."</p>
            </div>
            {table}
        </section>
    }
}

#[component]
fn Spenders(people: Vec<PersonVolume>, period: Period) -> impl IntoView {
    let table = match people.is_empty() {
        true => view! { <p class="muted">"Nobody was charged anything."</p> }.into_any(),
        false => view! { <SpenderTable people/> }.into_any(),
    };
    view! {
        <section class="panel" aria-labelledby="spenders">
            <div class="panel-head">
                <h2 id="spenders">"Who spent most"</h2>
                <a class="button button-small" href=people_volume_file_path(period) rel="external" download="">"Download everybody as CSV"</a>
            </div>
            {table}
        </section>
    }
}

#[component]
fn Split(
    id: &'static str,
    title: &'static str,
    heading: &'static str,
    parts: Vec<NamedVolume>,
    total: Volume,
) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby=id>
            <h2 id=id>{title}</h2>
            <VolumeTable heading rows=named_rows(parts) total/>
        </section>
    }
}
