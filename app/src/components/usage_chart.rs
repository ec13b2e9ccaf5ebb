use leptos::prelude::*;

use crate::chart_scale::ChartScale;
use crate::types::{DayUsage, Nanos};
use crate::wording::usage::replies;

/// Of a day, in the chart's own units.
const WIDTH: usize = 10;

/// What was charged on each day, as bars. The table of days says the same in numbers.
#[component]
pub fn UsageChart(days: Vec<DayUsage>, period: String) -> impl IntoView {
    let most = days.iter().max_by_key(|day| day.usage.charged).cloned();
    let scale = ChartScale::up_to(most.as_ref().map_or(0, |day| day.usage.charged.0));
    let description = most
        .map(|day| format!("The dearest day was {}, with {}.", day.day.format("%-d %B"), day.usage.charged));
    let width = WIDTH * days.len();
    let shown = [0, days.len() / 2, days.len().saturating_sub(1)];
    let labels = shown.into_iter().filter_map(|index| days.get(index)).map(|day| {
        view! { <span>{day.day.format("%-d %b").to_string()}</span> }
    });
    let labels = labels.collect_view();
    let bars =
        days.into_iter().enumerate().map(|(index, day)| view! { <Bar index day scale/> }).collect_view();
    view! {
        <figure class="chart" data-testid="usage-chart">
            <div class="chart-scale" aria-hidden="true">
                <span>{Nanos(scale.top).to_string()}</span>
                <span>{Nanos(scale.half()).to_string()}</span>
                <span>"$0"</span>
            </div>
            <svg
                class="chart-plot"
                viewBox=format!("0 0 {width} {}", ChartScale::HEIGHT)
                preserveAspectRatio="none"
                role="img"
                aria-labelledby="chart-title chart-description"
            >
                <title id="chart-title">{format!("Charged by day, {period}")}</title>
                <desc id="chart-description">{description}</desc>
                <path class="chart-line" d=format!("M0 0h{width}M0 500h{width}M0 1000h{width}") vector-effect="non-scaling-stroke"></path>
                {bars}
            </svg>
            <div class="chart-days" aria-hidden="true">{labels}</div>
        </figure>
    }
}

/// The whole height of the day answers to the pointer, so that small bars do, too.
#[component]
fn Bar(index: usize, day: DayUsage, scale: ChartScale) -> impl IntoView {
    let height = scale.height(day.usage.charged.0);
    let left = index * WIDTH;
    let hint = format!("{}: {}, {}", day.day.format("%-d %B"), day.usage.charged, replies(day.usage.replies));
    view! {
        <g class="chart-day">
            <title id=format!("chart-day-{index}")>{hint}</title>
            <rect class="chart-ground" x=left.to_string() width=WIDTH.to_string() height=ChartScale::HEIGHT.to_string()></rect>
            <rect
                class="chart-bar"
                x=(left + 2).to_string()
                y=(ChartScale::HEIGHT - height).to_string()
                width=(WIDTH - 4).to_string()
                height=height.to_string()
            ></rect>
        </g>
    }
}
