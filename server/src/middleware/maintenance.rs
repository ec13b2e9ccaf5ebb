//! What operators turn off for everybody but themselves.

use app::ApiError;
use app::types::Actor;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use super::error_format::ErrorFormat;
use super::request_id;
use crate::routes::error_page;
use crate::services::switches::Switches;

/// Where operators sign in, and what the page for everybody else is made of.
const OPEN: &[&str] =
    &["/auth/", "/sign-in", "/api/account/", "/error.css", "/favicon.svg", "/robots.txt", "/fonts/"];

/// Needs the `Actor` and the `Switches`.
pub(super) async fn close(request: Request, next: Next) -> Response {
    let is_closed = request.extensions().get::<Switches>().is_some_and(|switches| switches.maintenance);
    if !is_closed || is_open(request.uri().path()) || is_operator(&request) {
        return next.run(request).await;
    }
    ErrorFormat::of(&request).answer_or(ApiError::Maintenance, |error| {
        let id = request_id(request.extensions());
        error_page::retry_later(error, "Back soon", &error.to_string(), ("/", "Try again"), &id)
    })
}

fn is_open(path: &str) -> bool {
    OPEN.iter().any(|open| path.starts_with(open))
}

fn is_operator(request: &Request) -> bool {
    let user = request.extensions().get::<Actor>().and_then(|actor| actor.signed_in);
    // Also while they look at the product as somebody else: the way back is on its pages.
    user.is_some_and(|user| user.is_operator || user.impersonator.is_some())
}
