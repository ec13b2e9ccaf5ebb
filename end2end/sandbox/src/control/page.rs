//! The control page and its forms, which work without JavaScript.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::model::Model;
use crate::model::dice::Switch;
use crate::model::fault::Fault;
use crate::pages;

const SHOWN_ENTRIES: usize = 20;
const ADDRESS: &str = "/control";

pub(super) async fn show_page(State(model): State<Arc<Model>>) -> Html<String> {
    Html(pages::control::render(&model.dice.state(), &model.journal.list_latest(SHOWN_ENTRIES)))
}

/// The form that switches a fault on, and the button that switches one off.
#[derive(Debug, Deserialize)]
pub(super) struct SwitchForm {
    upstream: String,
    /// The name of an upstream that is not in the list yet; goes before the list.
    #[serde(default)]
    other_upstream: String,
    fault: Fault,
    percent: u8,
}

pub(super) async fn switch_fault(State(model): State<Arc<Model>>, Form(form): Form<SwitchForm>) -> Response {
    let upstream = match form.other_upstream.trim() {
        "" => form.upstream,
        other => other.to_owned(),
    };
    match model.dice.set(Switch { upstream, fault: form.fault, percent: form.percent }) {
        Ok(()) => Redirect::to(ADDRESS).into_response(),
        Err(message) => pages::problem("Nothing was switched", message),
    }
}

pub(super) async fn clear_faults(State(model): State<Arc<Model>>) -> Redirect {
    model.dice.clear(None);
    Redirect::to(ADDRESS)
}
