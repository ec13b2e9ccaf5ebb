//! The two ends of signing in: the way to the identity provider, and the way back.

use app::links::{sign_in_again_path, sign_in_path};
use app::types::{Actor, SignInError};
use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use http::header::USER_AGENT;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::AppError;
use crate::middleware::{BrowserCookies, request_id, session_token};
use crate::routes::error_page;
use crate::secret::Token;
use crate::services::account::Browser;
use crate::services::sign_in::{CallbackQuery, Refusal, Refused, ReturnTo};
use crate::state::AppState;

#[derive(Deserialize)]
pub(crate) struct BeginQuery {
    return_to: Option<String>,
}

/// Sends the browser to the identity provider.
pub(crate) async fn begin_sign_in(
    State(state): State<AppState>,
    Path(provider): Path<String>,
    Query(query): Query<BeginQuery>,
    jar: CookieJar,
    request: Request,
) -> Response {
    let id = request_id(request.extensions());
    let return_to = query.return_to.as_deref().map(ReturnTo::parse).unwrap_or_default();
    let browser_token = BrowserCookies::browser_token(&jar)
        .map_or_else(|| Token::random().as_str().to_owned(), str::to_owned);
    match state.sign_in.begin(&provider, &browser_token, return_to.clone()).await {
        Ok(Some(url)) => {
            (jar.add(BrowserCookies::browser(&browser_token)), Redirect::to(url.as_str())).into_response()
        }
        Ok(None) => {
            let sentence = "This way of signing in is not set up here.";
            let link = ("/sign-in", "Choose another way");
            error_page::page(StatusCode::NOT_FOUND, "Not found", sentence, link, &id)
        }
        Err(AppError::Identity(error)) => {
            tracing::warn!(request.id = id, %error, "Sign-in could not begin");
            Redirect::to(&sign_in_again_path(SignInError::Unavailable, return_to.as_str())).into_response()
        }
        Err(error) => error_page::html(&error.into_api(&id), &id),
    }
}

/// Takes the provider's answer and starts the session.
pub(crate) async fn complete_sign_in(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(provider): Path<String>,
    Query(query): Query<CallbackQuery>,
    jar: CookieJar,
    headers: HeaderMap,
) -> Response {
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let browser = Browser { session_token: session_token(&jar), user_agent };
    let browser_token = BrowserCookies::browser_token(&jar);
    match state.sign_in.complete(&provider, query, browser_token, browser, &actor).await {
        Ok(Ok(sign_in)) => {
            let cookie = BrowserCookies::session(&sign_in.session_token, state.account.session_lifetime());
            (jar.add(cookie), Redirect::to(sign_in.return_to.as_str())).into_response()
        }
        Ok(Err(refused)) => answer_refused(refused, &actor.request_id),
        Err(error) => error_page::html(&error.into_api(&actor.request_id), &actor.request_id),
    }
}

fn answer_refused(Refused { refusal, return_to }: Refused, request_id: &str) -> Response {
    let sign_in = sign_in_path(return_to.as_str());
    let again = (sign_in.as_str(), "Sign in again");
    let title = "You are not signed in";
    let sign_in_because =
        |error| Redirect::to(&sign_in_again_path(error, return_to.as_str())).into_response();
    match refusal {
        Refusal::Declined => sign_in_because(SignInError::Refused),
        Refusal::ProviderUnavailable => sign_in_because(SignInError::Unavailable),
        Refusal::SignUpClosed => sign_in_because(SignInError::Closed),
        Refusal::Stale => {
            let sentence = "This sign-in was begun in another browser, took too long, or was used before.";
            error_page::page(StatusCode::BAD_REQUEST, title, sentence, again, request_id)
        }
        Refusal::NotProved => {
            let sentence = "The identity provider's answer does not prove who you are.";
            error_page::page(StatusCode::BAD_REQUEST, title, sentence, again, request_id)
        }
    }
}
