//! Headers of every answer, above all for security. <https://owasp.org/www-project-secure-headers/>

use app::types::Actor;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::secret::Token;
use crate::state::AppState;

/// Allows the scripts of one answer.
#[derive(Clone, Debug)]
pub(crate) struct CspNonce(pub(crate) String);

const FIXED: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Forms without JavaScript are sent back to their page by the Referer, so it must stay within our own site.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
];

pub(super) async fn set_headers(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let nonce = Token::random().as_str().to_owned();
    request.extensions_mut().insert(CspNonce(nonce.clone()));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if state.server.public_url.scheme() == "https" {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    set_content_security_policy(headers, &nonce, &state);
    if state.is_ending() {
        // The next request is better sent to another process.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What somebody signed in is shown is kept by no browser: after they have signed out on a computer that others use, going
/// back asks us again. Needs the `Actor`.
pub(super) async fn keep_private(request: Request, next: Next) -> Response {
    let is_signed_in = request.extensions().get::<Actor>().is_some_and(|actor| actor.signed_in.is_some());
    let has_route = request.extensions().get::<MatchedPath>().is_some();
    let mut response = next.run(request).await;
    if is_signed_in && !is_file(has_route, response.status()) {
        let private = HeaderValue::from_static("private, no-store");
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(private);
    }
    response
}

/// Files, which are the same for everybody, have no routes; neither have pages that say there is nothing.
fn is_file(has_route: bool, status: StatusCode) -> bool {
    !has_route && (status.is_success() || status == StatusCode::NOT_MODIFIED)
}

fn set_content_security_policy(headers: &mut HeaderMap, nonce: &str, state: &AppState) {
    let reloader = state
        .server
        .reload_port
        .map(|port| format!(" ws://localhost:{port} ws://127.0.0.1:{port}"))
        .unwrap_or_default();
    // A form's answer may lead to a page of Stripe's, which browsers count as the form's target.
    let form_targets: String = state.form_origins.iter().map(|origin| format!(" {origin}")).collect();
    let policy = format!(
        "default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self'; connect-src 'self'{reloader}; object-src 'none'; base-uri 'none'; form-action 'self'{form_targets}; \
         frame-ancestors 'none'"
    );
    if let Ok(value) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
}
