//! Limits by address for what needs no session: signing in, reports of faults, the links in mails, and server functions for
//! visitors. What an account does is limited by the account instead, and files, pages and probes are not limited here.

use std::net::{IpAddr, Ipv4Addr};

use app::ApiError;
use app::links::ACCOUNT_PATH;
use app::types::Actor;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::request_id;
use crate::config::LimitsConfig;
use crate::limits::{AddressLimit, Reached};
use crate::routes::error_page;
use crate::state::AppState;

/// Needs the `Actor`.
pub(super) async fn limit_addresses(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(limit) = limit_of(&request, &state.limits) else { return next.run(request).await };
    let address = request.extensions().get::<Actor>().and_then(|actor| actor.address);
    // Without an address everybody shares one window, which is safe and noticed.
    let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    match state.limiter.admit_address(limit, address).await {
        Ok(()) => next.run(request).await,
        Err(reached) => refuse(&request, reached),
    }
}

fn limit_of(request: &Request, config: &LimitsConfig) -> Option<AddressLimit> {
    let path = request.uri().path();
    if path.starts_with("/auth/") {
        let most = config.sign_in_attempts_per_minute;
        return Some(match path.ends_with("/callback") {
            true => AddressLimit::sign_in_callbacks(most),
            false => AddressLimit::sign_in_starts(most),
        });
    }
    if path.starts_with("/reports/") {
        return Some(AddressLimit::browser_reports(config.browser_reports_per_minute));
    }
    if path.starts_with("/mail/") {
        return Some(AddressLimit::mail_links(config.anonymous_requests_per_minute));
    }
    let is_signed_in = request.extensions().get::<Actor>().is_some_and(|actor| actor.signed_in.is_some());
    let is_anonymous_call = path.starts_with("/api/") && !is_signed_in;
    is_anonymous_call.then(|| AddressLimit::anonymous(config.anonymous_requests_per_minute))
}

/// Server functions get the error in their own format, browsers a page.
fn refuse(request: &Request, Reached { limit, retry_after }: Reached) -> Response {
    let retry_after_seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX);
    let error = ApiError::LimitReached { limit, retry_after_seconds };
    if ["/api/", "/reports/"].iter().any(|prefix| request.uri().path().starts_with(prefix)) {
        return error_page::json(&error);
    }
    let (sentence, way_out) = match request.uri().path().starts_with("/auth/") {
        true => (sign_in_sentence(retry_after_seconds), ("/sign-in", "Back to sign-in")),
        false => (error.to_string(), (ACCOUNT_PATH, "Go to your account")),
    };
    let request_id = request_id(request.extensions());
    error_page::retry_later(&error, "Wait a moment", &sentence, way_out, &request_id)
}

fn sign_in_sentence(retry_after_seconds: u32) -> String {
    format!(
        "Too many people have tried to sign in from your network within a minute. Try again in {retry_after_seconds} \
         seconds."
    )
}
