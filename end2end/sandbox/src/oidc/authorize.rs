//! The authorization endpoint: validation, the picker, and the way back.

use std::sync::Arc;
use std::time::Instant;

use axum::Form;
use axum::extract::{Query, RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::oidc::Oidc;
use crate::oidc::id_token::Fault;
use crate::pages::picker::Picker;
use crate::pages::problem;
use crate::people::Person;
use crate::sign_in::grants::Grant;
use crate::sign_in::pkce::Challenge;
use crate::sign_in::redirect::RedirectUri;
use crate::sign_in::{Choice, Decision};

/// What a code of this provider stands for.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    pub(crate) person: Person,
    pub(crate) nonce: Option<String>,
    pub(crate) fault: Option<Fault>,
}

/// An authorization request as it arrives.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AuthorizeQuery {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    scope: String,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    login_hint: String,
    sandbox_fault: Option<Fault>,
}

/// A request that may be answered with a code.
struct AuthorizationRequest {
    redirect_uri: RedirectUri,
    state: Option<String>,
    challenge: Challenge,
    nonce: Option<String>,
    fault: Option<Fault>,
}

/// Shows the picker, unless the request says whom to pick.
pub(crate) async fn authorize(
    State(oidc): State<Arc<Oidc>>,
    Query(query): Query<AuthorizeQuery>,
    RawQuery(raw_query): RawQuery,
) -> Response {
    let request = match AuthorizationRequest::check(&query) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    match Choice::from_login_hint(&query.login_hint) {
        Some(choice) => oidc.send_back(request, choice),
        None => Picker { provider: "Sandbox", prefix: "/oidc/authorize", query: raw_query }.into_response(),
    }
}

/// Takes the picker's form. The form repeats the request in its address, and it is checked again.
pub(crate) async fn decide(
    State(oidc): State<Arc<Oidc>>,
    Query(query): Query<AuthorizeQuery>,
    Form(decision): Form<Decision>,
) -> Response {
    match (AuthorizationRequest::check(&query), decision.choice()) {
        (Ok(request), Some(choice)) => oidc.send_back(request, choice),
        (Ok(_), None) => problem("Nobody was picked", "Go back, and pick somebody or fill in a name."),
        (Err(refusal), _) => *refusal,
    }
}

impl Oidc {
    fn send_back(&self, request: AuthorizationRequest, choice: Choice) -> Response {
        let AuthorizationRequest { redirect_uri, state, challenge, nonce, fault } = request;
        let Choice::SignIn(person) = choice else {
            return refuse(&redirect_uri, state.as_deref(), "access_denied", "The person refused.");
        };
        let grant = Grant {
            redirect_uri: redirect_uri.as_str().to_owned(),
            challenge: Some(challenge),
            details: Consent { person, nonce, fault },
        };
        let code = self.grants.issue_code(grant, Instant::now());
        redirect_uri.send_back(&[("code", &code)], state.as_deref()).into_response()
    }
}

impl AuthorizationRequest {
    fn check(query: &AuthorizeQuery) -> Result<Self, Box<Response>> {
        let redirect_uri = RedirectUri::registered(&query.client_id, &query.redirect_uri)?;
        let challenge = query
            .code_challenge
            .as_deref()
            .and_then(|challenge| Challenge::parse(challenge, query.code_challenge_method.as_deref()));
        let fail = |code, description| {
            Err(Box::new(refuse(&redirect_uri, query.state.as_deref(), code, description)))
        };
        if query.response_type != "code" {
            return fail("unsupported_response_type", "Only response_type=code is supported.");
        }
        if !query.scope.split(' ').any(|scope| scope == "openid") {
            return fail("invalid_scope", "The scope must contain openid.");
        }
        let Some(challenge) = challenge else {
            return fail("invalid_request", "PKCE with code_challenge_method=S256 is required.");
        };
        let (state, nonce, fault) = (query.state.clone(), query.nonce.clone(), query.sandbox_fault);
        Ok(Self { redirect_uri, state, challenge, nonce, fault })
    }
}

fn refuse(redirect_uri: &RedirectUri, state: Option<&str>, code: &str, description: &str) -> Response {
    redirect_uri.send_back(&[("error", code), ("error_description", description)], state).into_response()
}
