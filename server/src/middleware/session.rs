//! Who is asking: from the session's cookie to the `Actor`.

use std::net::{IpAddr, SocketAddr};

use app::types::Actor;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use http::header::SET_COOKIE;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};

use super::error_format::ErrorFormat;
use super::request_id;
use crate::limits::client_address;
use crate::secret::Token;
use crate::state::AppState;
use crate::telemetry;

/// `__Host-`: set by this host itself, for it alone, over TLS (or on localhost).
const SESSION: &str = "__Host-session";
const BROWSER: &str = "__Host-browser";

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The cookies that know a browser.
pub(crate) struct BrowserCookies;

impl BrowserCookies {
    /// For as long as the browser keeps it; the server ends sessions by its own clock.
    pub(crate) fn session(token: &Token, max_age: std::time::Duration) -> Cookie<'static> {
        cookie(SESSION, token.as_str().to_owned(), max_age)
    }

    /// Binds a sign-in to the browser that began it.
    pub(crate) fn browser(token: &str) -> Cookie<'static> {
        cookie(BROWSER, token.to_owned(), std::time::Duration::from_secs(3600))
    }

    pub(crate) fn browser_token(jar: &CookieJar) -> Option<&str> {
        jar.get(BROWSER).map(Cookie::value)
    }
}

fn cookie(name: &'static str, value: String, max_age: std::time::Duration) -> Cookie<'static> {
    let seconds = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
    Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(time::Duration::seconds(seconds))
        .build()
}

pub(crate) fn session_token(jar: &CookieJar) -> Option<&str> {
    jar.get(SESSION).map(Cookie::value)
}

/// Puts the `Actor` and the `Switches` into the request. A cookie that is no good any more is taken back.
pub(super) async fn set_actor(
    State(state): State<AppState>,
    jar: CookieJar,
    mut request: Request,
    next: Next,
) -> Response {
    let request_id = request_id(request.extensions());
    let token = session_token(&jar);
    let signed_in = match token {
        Some(token) => match state.account.authenticate(token).await {
            Ok(signed_in) => signed_in,
            Err(error) => return ErrorFormat::of(&request).answer(error.into_api(&request_id), &request_id),
        },
        None => None,
    };
    if let Some(user) = signed_in {
        telemetry::set_person(user.session_owner());
    }
    let address = address_of(request.headers(), request.extensions(), state.limits.trusted_proxies);
    let switches = state.switches.read().await;
    request.extensions_mut().insert(switches);
    request.extensions_mut().insert(Actor {
        request_id,
        address,
        signed_in,
        is_read_only: switches.read_only,
    });
    let mut response = next.run(request).await;
    if token.is_some() && signed_in.is_none() && !sets_session(&response) {
        response.headers_mut().append(SET_COOKIE, forget_session());
    }
    response
}

pub(super) fn address_of(
    headers: &HeaderMap,
    extensions: &Extensions,
    trusted_proxies: u32,
) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    let forwarded_for = headers.get_all(X_FORWARDED_FOR);
    let forwarded_for: Vec<_> = forwarded_for.iter().map(HeaderValue::as_bytes).collect();
    Some(client_address(peer.ip(), &forwarded_for, trusted_proxies as usize))
}

fn sets_session(response: &Response) -> bool {
    let is_session = |value: &HeaderValue| value.as_bytes().starts_with(SESSION.as_bytes());
    response.headers().get_all(SET_COOKIE).iter().any(is_session)
}

fn forget_session() -> HeaderValue {
    let mut cookie = cookie(SESSION, String::new(), std::time::Duration::ZERO);
    cookie.make_removal();
    HeaderValue::from_str(&cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
