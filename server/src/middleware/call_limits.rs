//! Limits of what is no reply: by address where no session is needed (signing in, reports of faults, the links in mails,
//! server functions for visitors), and by account for what people signed in call, send and download. Replies are limited by
//! the plan, and files, pages and probes are not limited here.

use std::net::{IpAddr, Ipv4Addr};

use app::ApiError;
use app::api::StartReply;
use app::links::ACCOUNT_PATH;
use app::types::Actor;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderName;
use leptos::server_fn::ServerFn;

use super::error_format::ErrorFormat;
use super::request_id;
use crate::config::LimitsConfig;
use crate::limits::{CallLimit, CallOrigin, Reached};
use crate::router;
use crate::routes::error_page;
use crate::state::AppState;

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Needs the `Actor`.
pub(super) async fn limit_calls(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if is_embedded_sign_in(&request) {
        let refusal = ApiError::invalid("Signing in begins on the sign-in page.");
        return ErrorFormat::of(&request).answer(refusal, &request_id(request.extensions()));
    }
    let Some((limit, caller)) = limit_of(&request, &state.limits) else { return next.run(request).await };
    match state.limiter.admit_call(limit, caller).await {
        Ok(()) => next.run(request).await,
        Err(reached) => refuse(&request, reached),
    }
}

/// Another site's picture of that address signs nobody in, but would use up the attempts of its visitors' network.
fn is_embedded_sign_in(request: &Request) -> bool {
    let mode = request.headers().get(SEC_FETCH_MODE);
    request.uri().path().starts_with("/auth/") && mode.is_some_and(|mode| mode != "navigate")
}

fn limit_of(request: &Request, config: &LimitsConfig) -> Option<(CallLimit, CallOrigin)> {
    let (path, actor) = (request.uri().path(), request.extensions().get::<Actor>());
    let account_id = actor.and_then(|actor| actor.signed_in).map(|user| user.account_id);
    if let Some(limit) = limit_of_address(path, account_id.is_some(), config) {
        let address = actor.and_then(|actor| actor.address);
        // Without an address everybody shares one window, which is safe and noticed.
        return Some((limit, CallOrigin::Address(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))));
    }
    if is_page_load(request) || path == StartReply::PATH {
        return None;
    }
    Some((CallLimit::account(config.account_requests_per_minute), CallOrigin::Account(account_id?)))
}

fn limit_of_address(path: &str, is_signed_in: bool, config: &LimitsConfig) -> Option<CallLimit> {
    if path.starts_with("/auth/") {
        let most = config.sign_in_attempts_per_minute;
        return Some(match path.ends_with("/callback") {
            true => CallLimit::sign_in_callbacks(most),
            false => CallLimit::sign_in_starts(most),
        });
    }
    if path.starts_with("/reports/") {
        return Some(CallLimit::browser_reports(config.browser_reports_per_minute));
    }
    if path.starts_with("/mail/") {
        return Some(CallLimit::mail_links(config.anonymous_requests_per_minute));
    }
    let is_anonymous_call = path.starts_with("/api/") && !is_signed_in;
    is_anonymous_call.then(|| CallLimit::anonymous(config.anonymous_requests_per_minute))
}

/// Also of a file, which has no route, and of what is not there.
fn is_page_load(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>();
    request.method().is_safe() && route.is_none_or(|route| router::is_page(route.as_str()))
}

fn refuse(request: &Request, reached: Reached) -> Response {
    ErrorFormat::of(request).answer_or(reached.into(), |error| {
        let (sentence, way_out) = match request.uri().path().starts_with("/auth/") {
            true => (sign_in_sentence(error), ("/sign-in", "Back to sign-in")),
            false => (error.to_string(), (ACCOUNT_PATH, "Go to your account")),
        };
        let request_id = request_id(request.extensions());
        error_page::retry_later(error, "Wait a moment", &sentence, way_out, &request_id)
    })
}

fn sign_in_sentence(error: &ApiError) -> String {
    let seconds = error.retry_after_seconds().unwrap_or_default();
    format!(
        "Too many people have tried to sign in from your network within a minute. Try again in {seconds} \
         seconds."
    )
}
