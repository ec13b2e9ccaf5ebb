//! An OpenID Connect provider: code flow with PKCE, one client, one key made at every start.

mod authorize;
mod id_token;
mod token;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::header::{HeaderName, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use openidconnect::core::{
    CoreClaimName, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AuthUrl, EmptyAdditionalProviderMetadata, IssuerUrl, JsonWebKeySetUrl, ResponseTypes, Scope, TokenUrl,
    UserInfoUrl,
};
use serde::Serialize;

use crate::oidc::authorize::Consent;
use crate::oidc::id_token::{IdTokenSigner, userinfo_claims};
use crate::sign_in::client::bearer_token;
use crate::sign_in::grants::Grants;

/// The provider's issuer, keys, codes and tokens.
pub(crate) struct Oidc {
    metadata: Metadata,
    signer: IdTokenSigner,
    grants: Grants<Consent>,
}

/// The discovery document; the crate's own type has no field for PKCE.
#[derive(Clone, Serialize)]
struct Metadata {
    #[serde(flatten)]
    core: CoreProviderMetadata,
    code_challenge_methods_supported: [&'static str; 1],
}

impl Oidc {
    /// Makes a provider with a fresh key. Slow: an RSA key takes a moment.
    pub(crate) fn new(issuer: String) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            metadata: Metadata { core: metadata(&issuer)?, code_challenge_methods_supported: ["S256"] },
            signer: IdTokenSigner::new(IssuerUrl::new(issuer)?)?,
            grants: Grants::default(),
        })
    }
}

/// The provider's endpoints, relative to the issuer.
pub(crate) fn routes(oidc: Arc<Oidc>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(show_metadata))
        .route("/jwks", get(show_keys))
        .route("/authorize", get(authorize::authorize))
        .route("/authorize/decide", post(authorize::decide))
        .route("/token", post(token::exchange_code))
        .route("/userinfo", get(show_userinfo).post(show_userinfo))
        .with_state(oidc)
}

async fn show_metadata(State(oidc): State<Arc<Oidc>>) -> Json<Metadata> {
    Json(oidc.metadata.clone())
}

async fn show_keys(State(oidc): State<Arc<Oidc>>) -> Json<CoreJsonWebKeySet> {
    Json(oidc.signer.public_keys())
}

async fn show_userinfo(State(oidc): State<Arc<Oidc>>, headers: HeaderMap) -> Response {
    let Some(token) = bearer_token(&headers) else { return unauthorized("Bearer") };
    match oidc.grants.find_token(token, Instant::now()) {
        Some(consent) => Json(userinfo_claims(&consent.person)).into_response(),
        None => unauthorized(r#"Bearer error="invalid_token""#),
    }
}

fn unauthorized(challenge: &'static str) -> Response {
    let headers: [(HeaderName, &str); 1] = [(WWW_AUTHENTICATE, challenge)];
    (StatusCode::UNAUTHORIZED, headers).into_response()
}

fn metadata(issuer: &str) -> Result<CoreProviderMetadata, Box<dyn Error>> {
    let endpoint = |path: &str| format!("{issuer}/{path}");
    let scopes = ["openid", "email", "profile"].map(|scope| Scope::new(scope.into()));
    let claims = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "name", "email", "email_verified"]
        .map(|claim| CoreClaimName::new(claim.into()));
    let auth_methods = [CoreClientAuthMethod::ClientSecretBasic, CoreClientAuthMethod::ClientSecretPost];
    Ok(CoreProviderMetadata::new(
        IssuerUrl::new(issuer.to_owned())?,
        AuthUrl::new(endpoint("authorize"))?,
        JsonWebKeySetUrl::new(endpoint("jwks"))?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Public],
        vec![CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256],
        EmptyAdditionalProviderMetadata {},
    )
    .set_token_endpoint(Some(TokenUrl::new(endpoint("token"))?))
    .set_userinfo_endpoint(Some(UserInfoUrl::new(endpoint("userinfo"))?))
    .set_scopes_supported(Some(scopes.into()))
    .set_claims_supported(Some(claims.into()))
    .set_grant_types_supported(Some(vec![CoreGrantType::AuthorizationCode]))
    .set_token_endpoint_auth_methods_supported(Some(auth_methods.into())))
}
