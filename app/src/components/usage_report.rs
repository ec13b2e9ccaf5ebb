use leptos::prelude::*;

use super::breakdown_table::{BreakdownRow, BreakdownTable};
use super::{Fold, ThreadLink, UsageChart};
use crate::links::usage_path;
use crate::types::{Month, Period, Usage, UsageSummary};
use crate::wording::usage::{comparison, count};

/// What was spent on what in a period: in all, by day, by model, by conversation.
#[component]
pub fn UsageReport(summary: UsageSummary) -> impl IntoView {
    let choice =
        view! { <PeriodChoice chosen=summary.period months=summary.months.clone() path=usage_path/> };
    if summary.total.is_empty() {
        return view! { {choice} <NothingUsed summary/> }.into_any();
    }
    let total = summary.total;
    let (name, name_before) = (summary.period.name(), summary.period.name_before());
    let days = summary.days.iter().filter(|day| !day.usage.is_empty());
    let days = days.map(|day| row(day.day.format("%-d %B %Y").to_string(), day.usage)).collect::<Vec<_>>();
    let models = summary.models.into_iter().map(|model| row(model.name, model.usage)).collect::<Vec<_>>();
    let mut threads: Vec<BreakdownRow> = summary
        .threads
        .into_iter()
        .map(|thread| (view! { <ThreadLink thread=thread.thread/> }.into_any(), thread.usage))
        .collect();
    if !summary.other_threads.is_empty() {
        threads.push(row("All others".to_owned(), summary.other_threads));
    }
    view! {
        {choice}
        <Totals total before=summary.before name_before/>
        <UsageChart days=summary.days period=name/>
        <Fold id="days" label="The same in numbers">
            <BreakdownTable heading="Day" rows=days total/>
        </Fold>
        <h3 class="report-heading">"By model"</h3>
        <BreakdownTable heading="Model" rows=models total/>
        <h3 class="report-heading">"By conversation"</h3>
        <BreakdownTable heading="Conversation" rows=threads total/>
    }
    .into_any()
}

fn row(name: String, usage: Usage) -> BreakdownRow {
    (name.into_any(), usage)
}

/// Links, so that a period can be chosen, kept and sent without JavaScript.
#[component]
pub fn PeriodChoice(
    chosen: Period,
    months: Vec<Month>,
    /// Of the page, for a period.
    path: fn(Period) -> String,
) -> impl IntoView {
    let periods = [Period::Last30Days].into_iter().chain(months.into_iter().map(Period::Month));
    let links = periods.map(|period| {
        let current = (period == chosen).then_some("true");
        view! { <li><a href=path(period) aria-current=current>{period.name()}</a></li> }
    });
    view! { <nav class="choice" aria-label="Period"><ul>{links.collect_view()}</ul></nav> }
}

#[component]
fn Totals(total: Usage, before: Usage, name_before: String) -> impl IntoView {
    view! {
        <dl class="facts facts-row totals">
            <div>
                <dt>"Charged"</dt>
                <dd data-testid="usage-total"><b>{total.charged.to_string()}</b></dd>
                <dd class="muted" data-testid="usage-before">{comparison(total, before, &name_before)}</dd>
            </div>
            <div><dt>"Replies"</dt><dd>{count(total.replies)}</dd></div>
            <div>
                <dt>"Tokens in"</dt>
                <dd>{count(total.input_tokens)}</dd>
                <dd class="muted">{count(total.cached_input_tokens)} " of these cached"</dd>
            </div>
            <div><dt>"Tokens out"</dt><dd>{count(total.output_tokens)}</dd></div>
        </dl>
    }
}

#[component]
fn NothingUsed(summary: UsageSummary) -> impl IntoView {
    let has_used_before = !summary.before.is_empty() || summary.months.len() > 1;
    let sentence = match (summary.period, has_used_before) {
        (_, false) => "Nothing has been charged yet. What you spend will be shown here by day, model and conversation, with a receipt for each reply.".to_owned(),
        (Period::Last30Days, true) => "Nothing was charged in the last 30 days.".to_owned(),
        (Period::Month(month), true) => format!("Nothing was charged in {}.", month.name()),
    };
    view! {
        <div class="empty">
            <p>{sentence}</p>
            <p><a class="button" href="/chat">"Start a conversation"</a></p>
        </div>
    }
}
