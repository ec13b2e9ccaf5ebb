//! A mail server that takes everything and delivers nothing: what arrived can be read at `/mail`.

mod letter;
mod smtp;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

pub(crate) use self::letter::Letter;
pub(crate) use self::smtp::serve;
use crate::pages;

/// Stands for everybody in a fault.
const EVERYBODY: &str = "*";

/// What goes wrong with mail to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// 451: later, perhaps.
    RefuseTemporarily,
    /// 550: never.
    RefusePermanently,
    /// The mail is never answered.
    Stall,
    /// The mail is taken, but the connection ends before anybody is told.
    LoseAnswer,
}

/// The mails so far, and what is to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Mail(Mutex<Postbox>);

#[derive(Debug, Default)]
struct Postbox {
    letters: Vec<Letter>,
    /// By recipient, each with the number of mails it is for.
    faults: HashMap<String, (Fault, Option<u32>)>,
}

impl Mail {
    fn lock(&self) -> MutexGuard<'_, Postbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, from: &str, to: &[String], raw: &[u8]) {
        let mut postbox = self.lock();
        let id = postbox.letters.len() + 1;
        postbox.letters.push(Letter::read(id, from, to, raw));
    }

    /// Those to somebody, or all; oldest first.
    fn list(&self, to: Option<&str>) -> Vec<Letter> {
        let is_wanted = |letter: &&Letter| to.is_none_or(|to| letter.to.iter().any(|each| each == to));
        self.lock().letters.iter().filter(is_wanted).cloned().collect()
    }

    fn find(&self, id: usize) -> Option<Letter> {
        self.lock().letters.iter().find(|letter| letter.id == id).cloned()
    }

    /// The fault of one mail to somebody, which uses it up.
    fn take_fault(&self, to: &str) -> Option<Fault> {
        let mut postbox = self.lock();
        let key = [to, EVERYBODY].into_iter().find(|key| postbox.faults.contains_key(*key))?;
        let (fault, times) = postbox.faults.get_mut(key)?;
        let fault = *fault;
        if let Some(times) = times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                postbox.faults.remove(key);
            }
        }
        Some(fault)
    }
}

/// What people and tests read.
pub(crate) fn routes(mail: Arc<Mail>) -> Router {
    Router::new()
        .route("/mail", get(show_list))
        .route("/mail.json", get(list))
        .route("/mail/{id}", get(show))
        .route("/mail/{id}/html", get(show_html))
        .with_state(mail)
}

/// What tests steer, relative to `/control/mail`.
pub(crate) fn control(mail: Arc<Mail>) -> Router {
    Router::new().route("/faults", put(set_fault)).with_state(mail)
}

#[derive(Deserialize)]
struct ListFilter {
    to: Option<String>,
}

async fn list(State(mail): State<Arc<Mail>>, Query(filter): Query<ListFilter>) -> Json<Vec<Letter>> {
    Json(mail.list(filter.to.as_deref()))
}

async fn show_list(State(mail): State<Arc<Mail>>, Query(filter): Query<ListFilter>) -> Html<String> {
    Html(pages::mail::list(&mail.list(filter.to.as_deref())))
}

async fn show(State(mail): State<Arc<Mail>>, Path(id): Path<usize>) -> Response {
    mail.find(id).map_or_else(missing, |letter| Html(pages::mail::letter(&letter)).into_response())
}

/// As its sender made it, but that links lead out of the frame it is shown in. Scripts do not run, as in any mail program.
async fn show_html(State(mail): State<Arc<Mail>>, Path(id): Path<usize>) -> Response {
    let page = |letter: Letter| {
        let html = Html(format!("<base target=\"_top\">{}", letter.html));
        ([(CONTENT_SECURITY_POLICY, "script-src 'none'")], html).into_response()
    };
    mail.find(id).map_or_else(missing, page)
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "No such mail.\n").into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRequest {
    #[serde(default = "everybody")]
    to: String,
    /// None: all is well again.
    fault: Option<Fault>,
    times: Option<u32>,
}

fn everybody() -> String {
    EVERYBODY.to_owned()
}

async fn set_fault(State(mail): State<Arc<Mail>>, Json(request): Json<FaultRequest>) -> StatusCode {
    let FaultRequest { to, fault, times } = request;
    let faults = &mut mail.lock().faults;
    match fault {
        Some(fault) => faults.insert(to, (fault, times)),
        None => faults.remove(&to),
    };
    StatusCode::NO_CONTENT
}
