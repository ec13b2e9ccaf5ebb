use chrono::{DateTime, Utc};
use leptos::prelude::*;

use super::FigureChart;
use crate::components::LocalTime;
use crate::overview_cards::FigureCard;

/// Figures that belong together, each with its chart.
#[component]
pub fn FigureCards(
    /// In the page.
    id: &'static str,
    heading: &'static str,
    cards: Vec<FigureCard>,
) -> impl IntoView {
    let cards = cards.into_iter().map(|card| view! { <Card card/> }).collect_view();
    view! {
        <section class="panel" aria-labelledby=id>
            <h2 id=id>{heading}</h2>
            <div class="figures">{cards}</div>
        </section>
    }
}

#[component]
fn Card(card: FigureCard) -> impl IntoView {
    let FigureCard { id, title, value, note, before, days, unit } = card;
    view! {
        <article class="figure" data-testid=format!("figure-{id}")>
            <h3>{title}</h3>
            <p class="figure-value">{value}</p>
            <p class="figure-note">{note}</p>
            <FigureChart id title=format!("{title} by day") days unit/>
            <p class="figure-note">{before}</p>
        </article>
    }
}

/// When the figures were added up last.
#[component]
pub fn ComputedAt(at: Option<DateTime<Utc>>) -> impl IntoView {
    at.map(|at| view! {
        <p class="computed-at" data-testid="computed-at">"As of " <LocalTime at/> ". Days begin at midnight UTC."</p>
    })
}

/// Instead of figures where there are none yet.
#[component]
pub fn NoFigures(at: Option<DateTime<Utc>>) -> impl IntoView {
    let sentence = match at {
        Some(_) => "Nobody has asked for a reply yet. As soon as somebody does, it will be counted here.",
        None => {
            "Nothing has been added up yet. A job does so every five minutes, where jobs are run; how it goes is on the page of jobs."
        }
    };
    view! {
        <section class="panel" data-testid="no-figures">
            <div class="empty">
                <p>{sentence}</p>
                <p><a class="button" href=crate::links::JOBS_PATH>"See the jobs"</a></p>
            </div>
        </section>
    }
}
