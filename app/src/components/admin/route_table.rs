use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{CatalogDeeds, Column, RecordTable};
use crate::api::admin::{CloseRoute, MoveRouteUp, ReopenRoute};
use crate::components::SubmitButton;
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
    let deed = match route.breaker {
        Some(BreakerState::Closed) => {
            view! { <CloseForm route=route.key.clone() close=deeds.close/> }.into_any()
        }
        Some(_) => view! { <ReopenForm route=route.key.clone() reopen=deeds.reopen/> }.into_any(),
        None => ().into_any(),
    };
    let key = route.key.clone();
    let move_up = (!is_first).then(|| view! { <MoveUpForm route=key move_route=deeds.move_route/> });
    view! {
        <tr data-testid="route-row">
            <th scope="row">{route.key}<span class="cell-note">{route.host}</span></th>
            <td><span class=tag>{note}</span></td>
            <td class="number" data-label="Tries">{route.attempts}</td>
            <td data-label="Failures">{failures}</td>
            <td class="number" data-label="First word">{first_word}</td>
            <td class="number amount" data-label="Cost">{route.cost.to_cents_text()}</td>
            <td><div class="row-deeds">{deed} {move_up}</div></td>
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
        Some(BreakerState::Open { seconds }) => {
            ("error-text", format!("Failed too often. Tried again in {seconds} s"))
        }
        Some(BreakerState::Held) => ("error-text", "Closed by an operator".to_owned()),
        None => ("muted", "Redis does not answer: every process decides by itself".to_owned()),
    }
}

#[component]
fn CloseForm(route: String, close: ServerAction<CloseRoute>) -> impl IntoView {
    view! {
        <ActionForm action=close>
            <input type="hidden" name="route" value=route/>
            <SubmitButton label="Close" is_pending=close.pending() class="button button-small button-danger"
                test_id=Some("close-route")/>
        </ActionForm>
    }
}

#[component]
fn ReopenForm(route: String, reopen: ServerAction<ReopenRoute>) -> impl IntoView {
    view! {
        <ActionForm action=reopen>
            <input type="hidden" name="route" value=route/>
            <SubmitButton label="Open now" is_pending=reopen.pending() class="button button-small"
                test_id=Some("reopen-route")/>
        </ActionForm>
    }
}

#[component]
fn MoveUpForm(route: String, move_route: ServerAction<MoveRouteUp>) -> impl IntoView {
    view! {
        <ActionForm action=move_route>
            <input type="hidden" name="route" value=route/>
            <SubmitButton label="Ask earlier" is_pending=move_route.pending() class="button button-small"
                test_id=Some("move-route-up")/>
        </ActionForm>
    }
}
