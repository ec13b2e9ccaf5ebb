//! Headers of every answer, above all for security. <https://owasp.org/www-project-secure-headers/>

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};

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
