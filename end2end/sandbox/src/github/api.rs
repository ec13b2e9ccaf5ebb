//! GitHub's REST API, as far as a sign-in needs it.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::github::Github;
use crate::github::oauth::Consent;
use crate::people::Person;
use crate::sign_in::client::credentials;

/// What tokens of OAuth apps begin with.
pub(crate) const TOKEN_PREFIX: &str = "gho_";

const NO_USER_AGENT: &str = "Request forbidden by administrative rules. \
    Please make sure your request has a User-Agent header.\n";

/// `GET /user`. The e-mail is null: people rarely make it public.
pub(crate) async fn show_user(
    State(github): State<Arc<Github>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let Person { github_id, login, name, .. } = github.authenticate(&headers)?.person;
    Ok(Json(json!({
        "id": github_id,
        "node_id": format!("U_sandbox{github_id}"),
        "login": login,
        "name": name,
        "email": null,
        "type": "User",
        "site_admin": false,
    })))
}

/// `GET /user/emails`. Without the scope it is as if there were no such page.
pub(crate) async fn list_emails(
    State(github): State<Arc<Github>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let consent = github.authenticate(&headers)?;
    if !consent.scopes.iter().any(|scope| scope == "user" || scope == "user:email") {
        return Err(ApiError::NotFound);
    }
    let email = &consent.person.email;
    let emails: Vec<Value> = email
        .address()
        .map(|address| {
            json!({
                "email": address,
                "primary": true,
                "verified": email.is_verified(),
                "visibility": "private",
            })
        })
        .into_iter()
        .collect();
    Ok(Json(json!(emails)))
}

impl Github {
    fn authenticate(&self, headers: &HeaderMap) -> Result<Consent, ApiError> {
        if headers.get(USER_AGENT).is_none_or(|agent| agent.is_empty()) {
            return Err(ApiError::NoUserAgent);
        }
        credentials(headers, "bearer")
            .or_else(|| credentials(headers, "token"))
            .and_then(|token| token.strip_prefix(TOKEN_PREFIX))
            .and_then(|token| self.grants.find_token(token, Instant::now()))
            .ok_or(ApiError::BadCredentials)
    }
}

/// Why a call was refused.
pub(crate) enum ApiError {
    NoUserAgent,
    BadCredentials,
    NotFound,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            // This one is plain text: it comes from in front of the API.
            Self::NoUserAgent => return (StatusCode::FORBIDDEN, NO_USER_AGENT).into_response(),
            Self::BadCredentials => (StatusCode::UNAUTHORIZED, "Bad credentials"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
        };
        let body = json!({
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": status.as_str(),
        });
        (status, Json(body)).into_response()
    }
}
