use chrono::NaiveDate;
use leptos::prelude::*;

use crate::chart_scale::ChartScale;
use crate::overview_cards::Unit;

/// Of a day, in the chart's own units.
const WIDTH: usize = 10;

/// A figure by day, as bars. Those below nothing stand as high and look otherwise; of a day that nobody knows there is none.
#[component]
pub fn FigureChart(
    /// In the page.
    id: &'static str,
    #[prop(into)] title: String,
    days: Vec<(NaiveDate, Option<i64>)>,
    unit: Unit,
) -> impl IntoView {
    let values = days.iter().filter_map(|(day, value)| Some((*day, (*value)?)));
    let most = values.max_by_key(|(_, value)| value.saturating_abs());
    let scale = ChartScale::up_to(most.map_or(0, |(_, value)| value.saturating_abs()));
    let description = most
        .map(|(day, value)| format!("The most was {} on {}.", unit.text(value), day.format("%-d %B")))
        .unwrap_or_else(|| "Nothing is known yet.".to_owned());
    let width = WIDTH * days.len();
    let ends = [days.first(), days.last()].into_iter().flatten();
    let labels =
        ends.map(|(day, _)| view! { <span>{day.format("%-d %b").to_string()}</span> }).collect_view();
    let bars = days.into_iter().enumerate().map(|(index, (day, value))| {
        view! { <Bar chart=id index day value scale unit/> }
    });
    let bars = bars.collect_view();
    let (title_id, description_id) = (format!("{id}-title"), format!("{id}-description"));
    view! {
        <figure class="chart chart-small">
            <div class="chart-scale" aria-hidden="true">
                <span>{unit.short(scale.top)}</span>
                <span>"0"</span>
            </div>
            <svg
                class="chart-plot"
                viewBox=format!("0 0 {width} {}", ChartScale::HEIGHT)
                preserveAspectRatio="none"
                role="img"
                aria-labelledby=format!("{title_id} {description_id}")
            >
                <title id=title_id.clone()>{title}</title>
                <desc id=description_id.clone()>{description}</desc>
                <path class="chart-line" d=format!("M0 0h{width}M0 1000h{width}") vector-effect="non-scaling-stroke"></path>
                {bars}
            </svg>
            <div class="chart-days" aria-hidden="true">{labels}</div>
        </figure>
    }
}

/// The whole height of the day answers to the pointer, so that small bars do, too.
#[component]
fn Bar(
    chart: &'static str,
    index: usize,
    day: NaiveDate,
    value: Option<i64>,
    scale: ChartScale,
    unit: Unit,
) -> impl IntoView {
    let height = scale.height(value.unwrap_or_default().saturating_abs());
    let left = index * WIDTH;
    let told = value.map_or_else(|| "not known".to_owned(), |value| unit.text(value));
    let class = if value.unwrap_or_default() < 0 { "chart-bar chart-bar-loss" } else { "chart-bar" };
    view! {
        <g class="chart-day">
            <title id=format!("{chart}-day-{index}")>{format!("{}: {told}", day.format("%-d %B"))}</title>
            <rect class="chart-ground" x=left.to_string() width=WIDTH.to_string() height=ChartScale::HEIGHT.to_string()></rect>
            <rect
                class=class
                x=(left + 2).to_string()
                y=(ChartScale::HEIGHT - height).to_string()
                width=(WIDTH - 4).to_string()
                height=height.to_string()
            ></rect>
        </g>
    }
}
