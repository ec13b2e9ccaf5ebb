use leptos::prelude::*;

use super::{CatalogDeeds, Column, RecordTable};
use crate::components::ButtonForm;
use crate::types::{BreakerState, Outcome, RouteReport};

const COLUMNS: &[Column] = &[
    Column::text("Route"),
    Column::text("Requests"),
    Column::number("Tries"),
    Column::text("Failures"),
    Column::number("First word"),
    Column::number("Cost"),
    Column::text("What to do"),
];

/// The routes to a model, with their last 24 hours.
#[component]
pub fn RouteTable(model: String, routes: Vec<RouteReport>, deeds: CatalogDeeds) -> impl IntoView {
    let rows = routes.into_iter().enumerate();
    let rows = rows.map(|(place, route)| view! { <Row route is_first=place == 0 deeds/> }).collect_view();
    view! { <RecordTable label=format!("Routes to {model}") columns=COLUMNS>{rows}</RecordTable> }
}

#[component]
fn Row(route: RouteReport, is_first: bool, deeds: CatalogDeeds) -> impl IntoView {
    let first_word = route.first_token_ms_p50.zip(route.first_token_ms_p95);
    let first_word = first_word.map(|(p50, p95)| {
        view! { {format!("{p50} ms")} <span class="cell-note">{format!("95 %: {p95} ms")}</span> }
    });
    let (tag, note) = words(route.breaker);
    let failures = route.outcomes.iter().map(outcome).collect::<Vec<_>>().join(", ");
    let failures = Some(failures).filter(|failures| !failures.is_empty());
    let key = route.key.clone();
    view! {
        <tr data-testid="route-row">
            <th scope="row">{route.key}<span class="cell-note">{route.host}</span></th>
            <td><span class=tag>{note}</span></td>
            <td class="number" data-label="Tries">{route.attempts}</td>
            <td data-label="Failures">{failures}</td>
            <td class="number" data-label="First word">{first_word}</td>
            <td class="number amount" data-label="Cost">{route.cost.to_cents_text()}</td>
            <td><RouteDeeds key breaker=route.breaker is_first deeds/></td>
        </tr>
    }
}

fn outcome(Outcome { name, count }: &Outcome) -> String {
    format!("{count} {}", name.replace('_', " "))
}

/// A class and words.
fn words(state: Option<BreakerState>) -> (&'static str, String) {
    match state {
        Some(BreakerState::Closed) => ("", "Go through".to_owned()),
        Some(BreakerState::Open { seconds: 0 }) => {
            ("error-text", "Failed too often. The next request tries it".to_owned())
        }
        Some(BreakerState::Open { seconds }) => {
            ("error-text", format!("Failed too often. Tried again in {seconds} s"))
        }
        Some(BreakerState::Held) => ("error-text", "Closed by an operator".to_owned()),
        None => ("muted", "Redis does not answer: every process decides by itself".to_owned()),
    }
}

/// While a route is tried again by itself, an operator can both let requests through at once and keep them away.
#[component]
fn RouteDeeds(
    key: String,
    breaker: Option<BreakerState>,
    is_first: bool,
    deeds: CatalogDeeds,
) -> impl IntoView {
    let (reopens, closes) = match breaker {
        Some(BreakerState::Closed) => (false, true),
        Some(BreakerState::Open { .. }) => (true, true),
        Some(BreakerState::Held) => (true, false),
        None => (false, false),
    };
    let fields = || [("route", key.clone())];
    view! {
        <div class="cell-actions">
            {reopens.then(|| view! {
                <ButtonForm action=deeds.reopen fields=fields() label="Open now" class="button button-small"
                    test_id="reopen-route"/>
            })}
            {closes.then(|| view! {
                <ButtonForm action=deeds.close fields=fields() label="Close" class="button button-small button-danger"
                    test_id="close-route"/>
            })}
            {(!is_first).then(|| view! {
                <ButtonForm action=deeds.move_route fields=fields() label="Ask earlier" class="button button-small"
                    test_id="move-route-up"/>
            })}
        </div>
    }
}
