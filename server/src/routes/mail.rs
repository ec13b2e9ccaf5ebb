//! Where the links in mails lead: which mails somebody gets, chosen without a session and without JavaScript.

use app::ApiError;
use app::links::{ACCOUNT_PATH, mail_preferences_path};
use app::types::{MailSwitch, NoticeKind};
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{Extensions, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::AppError;
use crate::middleware::request_id;
use crate::routes::error_page;
use crate::state::AppState;

#[derive(Deserialize)]
pub(crate) struct LinkQuery {
    #[serde(default)]
    token: String,
    kind: Option<NoticeKind>,
}

#[derive(Deserialize)]
pub(crate) struct SwitchForm {
    kind: NoticeKind,
    is_on: bool,
}

/// The page with the switches.
pub(crate) async fn show_preferences(
    State(state): State<AppState>,
    Query(LinkQuery { token, .. }): Query<LinkQuery>,
    extensions: Extensions,
) -> Response {
    match state.notices.switches_by_link(&token).await {
        Ok(switches) => preferences_page(&switches),
        Err(error) => refuse(error, &request_id(&extensions)),
    }
}

/// A button on that page.
pub(crate) async fn switch_mail(
    State(state): State<AppState>,
    Query(LinkQuery { token, .. }): Query<LinkQuery>,
    extensions: Extensions,
    Form(SwitchForm { kind, is_on }): Form<SwitchForm>,
) -> Response {
    match state.notices.switch_by_link(&token, kind, is_on).await {
        Ok(()) => Redirect::to(&mail_preferences_path(&token)).into_response(),
        Err(error) => refuse(error, &request_id(&extensions)),
    }
}

/// Posted to by mail programs when their reader asks for no more such mails. They send neither cookies nor an origin; the
/// token alone says who it is. <https://www.rfc-editor.org/rfc/rfc8058#section-3.2>
pub(crate) async fn unsubscribe(
    State(state): State<AppState>,
    Query(LinkQuery { token, kind }): Query<LinkQuery>,
    extensions: Extensions,
) -> Response {
    let Some(kind) = kind else { return StatusCode::BAD_REQUEST.into_response() };
    match state.notices.switch_by_link(&token, kind, false).await {
        Ok(()) => "You get no more such mails.\n".into_response(),
        Err(error) => refuse(error, &request_id(&extensions)),
    }
}

/// Mail programs that know no better open the link instead. Opening changes nothing: scanners open every link.
pub(crate) async fn offer_unsubscribe(Query(LinkQuery { token, .. }): Query<LinkQuery>) -> Redirect {
    Redirect::to(&mail_preferences_path(&token))
}

fn preferences_page(switches: &[MailSwitch]) -> Response {
    let rows: String = switches.iter().map(row).collect();
    let body = format!(
        "<p>Receipts, payments that failed and changes of your plan always come by e-mail. These you can turn off:</p>\
         <ul>{rows}</ul><p><a href=\"{ACCOUNT_PATH}\">Go to your account</a></p>"
    );
    let mut response = error_page::document(StatusCode::OK, "Your e-mail", &body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn row(MailSwitch { kind, is_on }: &MailSwitch) -> String {
    let title = kind.title();
    let (state, next) = if *is_on { ("On", "Turn off") } else { ("Off", "Turn on") };
    format!(
        "<li><form method=\"post\"><p>{title}: <b>{state}</b></p><input type=\"hidden\" name=\"kind\" value=\"{kind}\">\
         <input type=\"hidden\" name=\"is_on\" value=\"{}\">\
         <button aria-label=\"{next}: {title}\">{next}</button></form></li>",
        !is_on
    )
}

fn refuse(error: AppError, request_id: &str) -> Response {
    match error.into_api(request_id) {
        ApiError::NotFound => error_page::page(
            StatusCode::NOT_FOUND,
            "This link does not work",
            "It is not from a mail of ours, or more than a year old. Your account page has the same switches.",
            (ACCOUNT_PATH, "Go to your account"),
            request_id,
        ),
        error => error_page::html(&error, request_id),
    }
}
