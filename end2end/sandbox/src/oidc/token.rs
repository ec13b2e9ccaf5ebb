//! The token endpoint.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use openidconnect::core::CoreIdToken;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::oidc::Oidc;
use crate::sign_in::client;
use crate::sign_in::grants::{Redemption, TOKEN_LIFETIME};

/// A token request as it arrives.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenRequest {
    grant_type: String,
    code: String,
    // Required here: every authorization request carried one.
    redirect_uri: String,
    code_verifier: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    id_token: CoreIdToken,
}

/// Exchanges a code for an access token and an ID token.
pub(crate) async fn exchange_code(
    State(oidc): State<Arc<Oidc>>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Response {
    if !client::is_authentic(&headers, request.client_id.as_deref(), request.client_secret.as_deref()) {
        let response = error(StatusCode::UNAUTHORIZED, "invalid_client", "Wrong client id or secret.");
        return ([(WWW_AUTHENTICATE, r#"Basic realm="sandbox""#)], response).into_response();
    }
    if request.grant_type != "authorization_code" {
        let description = "Only grant_type=authorization_code is supported.";
        return error(StatusCode::BAD_REQUEST, "unsupported_grant_type", description);
    }
    oidc.redeem(&request)
}

impl Oidc {
    fn redeem(&self, request: &TokenRequest) -> Response {
        let redemption = Redemption {
            code: &request.code,
            redirect_uri: Some(&request.redirect_uri),
            verifier: request.code_verifier.as_deref(),
        };
        let (access_token, consent) = match self.grants.redeem(redemption, Instant::now()) {
            Ok(redeemed) => redeemed,
            Err(reason) => return error(StatusCode::BAD_REQUEST, "invalid_grant", reason.description()),
        };
        match self.signer.sign(&consent, &access_token) {
            Ok(id_token) => answer(TokenResponse {
                access_token,
                token_type: "Bearer",
                expires_in: TOKEN_LIFETIME.as_secs(),
                id_token,
            }),
            Err(cause) => {
                tracing::error!(%cause, "Could not sign an ID token");
                error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The ID token could not be signed.")
            }
        }
    }
}

fn answer(tokens: TokenResponse) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(tokens)).into_response()
}

fn error(status: StatusCode, code: &str, description: &str) -> Response {
    let body = json!({"error": code, "error_description": description});
    (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
