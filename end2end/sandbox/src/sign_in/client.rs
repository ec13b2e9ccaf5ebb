//! The one client registered with both identity providers.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

/// The product's client id.
pub(crate) const CLIENT_ID: &str = "plumbline";
/// The product's client secret.
pub(crate) const CLIENT_SECRET: &str = "sandbox-secret";

/// Checks `client_secret_basic` when there is an `Authorization` header, otherwise `client_secret_post`.
pub(crate) fn is_authentic(headers: &HeaderMap, id: Option<&str>, secret: Option<&str>) -> bool {
    if headers.contains_key(AUTHORIZATION) {
        return basic_credentials(headers)
            .is_some_and(|(id, secret)| id == CLIENT_ID && secret == CLIENT_SECRET);
    }
    id == Some(CLIENT_ID) && secret == Some(CLIENT_SECRET)
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    credentials(headers, "bearer")
}

/// The credentials of an `Authorization` header with the given scheme, which is case-insensitive.
pub(crate) fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (found, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then_some(credentials.trim())
}

fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(credentials(headers, "basic")?).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

/// RFC 6749 2.3.1 form-encodes both halves before they are joined.
fn form_decoded(text: &str) -> String {
    form_urlencoded::parse(text.as_bytes()).map(|(key, _)| key.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(credentials: &str) -> HeaderMap {
        let value = format!("Basic {}", STANDARD.encode(credentials));
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn both_ways_to_authenticate_work() {
        assert!(is_authentic(&basic("plumbline:sandbox-secret"), None, None));
        assert!(is_authentic(&basic("plumbline:sandbox%2Dsecret"), None, None));
        assert!(is_authentic(&HeaderMap::new(), Some("plumbline"), Some("sandbox-secret")));
    }

    #[test]
    fn wrong_or_missing_secrets_do_not() {
        assert!(!is_authentic(&basic("plumbline:guess"), Some("plumbline"), Some("sandbox-secret")));
        assert!(!is_authentic(&HeaderMap::new(), Some("plumbline"), Some("guess")));
        assert!(!is_authentic(&HeaderMap::new(), Some("plumbline"), None));
    }
}
