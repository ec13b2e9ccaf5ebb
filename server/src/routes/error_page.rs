//! Plain pages beside the application: for when it cannot answer, and for what mails lead to.

use app::ApiError;
use axum::Json;
use axum::response::{Html, IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use crate::telemetry;

const HOME: (&str, &str) = ("/", "Go to the start page");

const OUR_FAULT: &str = "Something went wrong on our side. Nothing is lost; try again in a moment.";

/// A page with one sentence, a way on, and the number that leads to the log.
pub(crate) fn page(
    status: StatusCode,
    title: &str,
    sentence: &str,
    link: (&str, &str),
    request_id: &str,
) -> Response {
    let (href, label) = link;
    let body = format!(
        "<p>{}</p><p><a href=\"{href}\">{label}</a></p>\
         <p class=\"request-number\">If you ask us about this, tell us the number <code>{request_id}</code></p>",
        escape(sentence)
    );
    document(status, title, &body)
}

/// A page with a body of its own; `title` and `body` are HTML.
pub(crate) fn document(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title} · Plumbline</title>\
         <link rel=\"icon\" href=\"/favicon.svg\">\
         <link rel=\"stylesheet\" href=\"/error.css\"></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    (status, Html(html)).into_response()
}

/// The error as a page.
pub(crate) fn html(error: &ApiError, request_id: &str) -> Response {
    let sentence = match error {
        // The page has the number once.
        ApiError::Internal { .. } => OUR_FAULT.to_owned(),
        _ => error.to_string(),
    };
    retry_later(error, "That did not work", &sentence, HOME, request_id)
}

/// The error as a page of its own words.
pub(crate) fn retry_later(
    error: &ApiError,
    title: &str,
    sentence: &str,
    link: (&str, &str),
    request_id: &str,
) -> Response {
    with_retry_after(error, page(error.status(), title, sentence, link, request_id))
}

/// The error as server functions send it.
pub(crate) fn json(error: &ApiError) -> Response {
    with_retry_after(error, (error.status(), Json(error)).into_response())
}

fn with_retry_after(error: &ApiError, mut response: Response) -> Response {
    telemetry::set_refusal(error.code(), None);
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
