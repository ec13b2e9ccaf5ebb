//! GitHub's authorization and token endpoints, with its own habits: errors are status 200, answers are forms unless
//! JSON is asked for.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Query, RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use serde::Deserialize;
use url::form_urlencoded;

use crate::github::Github;
use crate::pages::picker::Picker;
use crate::pages::problem;
use crate::people::Person;
use crate::sign_in::grants::{Grant, RedeemError, Redemption};
use crate::sign_in::pkce::Challenge;
use crate::sign_in::redirect::RedirectUri;
use crate::sign_in::{Choice, Decision, client};

/// What a code of GitHub stands for.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    pub(crate) person: Person,
    pub(crate) scopes: Vec<String>,
}

/// An authorization request as it arrives.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AuthorizeQuery {
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    login_hint: String,
}

/// A request that may be answered with a code.
struct AuthorizationRequest {
    redirect_uri: RedirectUri,
    state: String,
    challenge: Option<Challenge>,
    scopes: Vec<String>,
}

/// Shows the picker, unless the request says whom to pick.
pub(crate) async fn authorize(
    State(github): State<Arc<Github>>,
    Query(query): Query<AuthorizeQuery>,
    RawQuery(raw_query): RawQuery,
) -> Response {
    let request = match AuthorizationRequest::check(&query) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let prefix = "/github/login/oauth/authorize";
    match Choice::from_login_hint(&query.login_hint) {
        Some(choice) => github.send_back(request, choice),
        None => Picker { provider: "GitHub", prefix, query: raw_query }.into_response(),
    }
}

/// Takes the picker's form. The form repeats the request in its address, and it is checked again.
pub(crate) async fn decide(
    State(github): State<Arc<Github>>,
    Query(query): Query<AuthorizeQuery>,
    Form(decision): Form<Decision>,
) -> Response {
    match (AuthorizationRequest::check(&query), decision.choice()) {
        (Ok(request), Some(choice)) => github.send_back(request, choice),
        (Ok(_), None) => problem("Nobody was picked", "Go back, and pick somebody or fill in a name."),
        (Err(refusal), _) => *refusal,
    }
}

impl Github {
    fn send_back(&self, request: AuthorizationRequest, choice: Choice) -> Response {
        let AuthorizationRequest { redirect_uri, state, challenge, scopes } = request;
        let Choice::SignIn(person) = choice else {
            let error = [
                ("error", "access_denied"),
                ("error_description", "The user has denied your application access."),
            ];
            return redirect_uri.send_back(&error, Some(&state)).into_response();
        };
        let grant = Grant {
            redirect_uri: redirect_uri.as_str().to_owned(),
            challenge,
            details: Consent { person, scopes },
        };
        let code = self.grants.issue_code(grant, Instant::now());
        redirect_uri.send_back(&[("code", &code)], Some(&state)).into_response()
    }
}

impl AuthorizationRequest {
    /// GitHub does not insist on `state`; the sandbox does, as leaving it out is never right.
    fn check(query: &AuthorizeQuery) -> Result<Self, Box<Response>> {
        let refuse = |title, explanation| Box::new(problem(title, explanation));
        let redirect_uri = RedirectUri::registered(&query.client_id, &query.redirect_uri)?;
        if query.state.is_empty() {
            return Err(refuse("No state", "An authorization request without state can be forged."));
        }
        let method = query.code_challenge_method.as_deref();
        let challenge = query.code_challenge.as_deref().map(|challenge| Challenge::parse(challenge, method));
        if challenge == Some(None) {
            return Err(refuse("Bad code challenge", "Only code_challenge_method=S256 is supported."));
        }
        let separators = |c: char| c == ' ' || c == ',';
        let scopes = query.scope.split(separators).filter(|scope| !scope.is_empty()).map(str::to_owned);
        let (state, challenge) = (query.state.clone(), challenge.flatten());
        Ok(Self { redirect_uri, state, challenge, scopes: scopes.collect() })
    }
}

/// A token request as it arrives.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenRequest {
    code: String,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// Exchanges a code for an access token.
pub(crate) async fn exchange_code(
    State(github): State<Arc<Github>>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Response {
    if !client::is_authentic(&headers, request.client_id.as_deref(), request.client_secret.as_deref()) {
        let description = "The client_id and/or client_secret passed are incorrect.";
        return error(&headers, "incorrect_client_credentials", description);
    }
    let redemption = Redemption {
        code: &request.code,
        redirect_uri: request.redirect_uri.as_deref(),
        verifier: request.code_verifier.as_deref(),
    };
    match github.grants.redeem(redemption, Instant::now()) {
        Ok((token, consent)) => answer(
            &headers,
            &[
                ("access_token", &format!("{}{token}", super::api::TOKEN_PREFIX)),
                ("scope", &consent.scopes.join(",")),
                ("token_type", "bearer"),
            ],
        ),
        Err(RedeemError::WrongRedirectUri) => {
            let description = "The redirect_uri MUST match the registered callback URL for this application.";
            error(&headers, "redirect_uri_mismatch", description)
        }
        Err(_) => error(&headers, "bad_verification_code", "The code passed is incorrect or expired."),
    }
}

fn error(headers: &HeaderMap, code: &str, description: &str) -> Response {
    let uri = "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors";
    answer(headers, &[("error", code), ("error_description", description), ("error_uri", uri)])
}

fn answer(headers: &HeaderMap, fields: &[(&str, &str)]) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("application/json") {
        let object: serde_json::Map<_, _> =
            fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        return Json(object).into_response();
    }
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    ([(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")], form).into_response()
}
