//! Which program is calling: from the key in its `Authorization` header to the `Caller`.

use std::net::{IpAddr, Ipv4Addr};

use app::ApiError;
use app::types::Caller;
use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::request_id;
use super::session::address_of;
use crate::limits::{CallLimit, CallOrigin};
use crate::routes::v1::V1Error;
use crate::state::AppState;
use crate::telemetry;

/// Puts the `Caller` into the request. Without a good key nothing is answered.
pub(super) async fn set_caller(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    match admit(&state, &head).await {
        Ok(caller) => {
            telemetry::set_person(caller.user_id);
            head.extensions.insert(caller);
            next.run(Request::from_parts(head, body)).await
        }
        Err(error) => error.into_response(),
    }
}

async fn admit(state: &AppState, head: &Parts) -> Result<Caller, V1Error> {
    let switches = state.switches.read().await;
    if switches.maintenance {
        return Err(ApiError::Maintenance.into());
    }
    if switches.read_only {
        return Err(ApiError::ChangesPaused.into());
    }
    let caller = match token(&head.headers) {
        Some(token) => state.api_keys.authenticate(token).await,
        None => Ok(None),
    };
    match caller {
        Ok(Some(caller)) => Ok(caller),
        Ok(None) => Err(refusal(state, head).await),
        Err(error) => Err(error.into_api(&request_id(&head.extensions)).into()),
    }
}

/// Also what is no answer costs something. Needs the `Caller`.
pub(super) async fn limit_calls(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let limit = CallLimit::account_programs(state.limits.account_requests_per_minute);
    match state.limiter.admit_call(limit, CallOrigin::Account(caller.account_id)).await {
        Ok(()) => next.run(request).await,
        Err(reached) => V1Error::from(ApiError::from(reached)).into_response(),
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whoever tries keys is limited by address.
async fn refusal(state: &AppState, head: &Parts) -> V1Error {
    let limit = CallLimit::wrong_api_keys(state.limits.anonymous_requests_per_minute);
    let address = address_of(&head.headers, &head.extensions, state.limits.trusted_proxies);
    let origin = CallOrigin::Address(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    match state.limiter.admit_call(limit, origin).await {
        Ok(()) => V1Error::no_key(),
        Err(reached) => ApiError::from(reached).into(),
    }
}
