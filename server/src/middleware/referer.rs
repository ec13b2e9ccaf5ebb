//! Forms sent without JavaScript, which are answered by a redirect to where they came from.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{HOST, LOCATION, REFERER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use url::form_urlencoded;

use crate::services::sign_in::ReturnTo;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The redirect leads to the `Referer`, with any error in the address. One that names another site is dropped, so that
/// nothing is ever sent there: the form then leads to the start page.
pub(super) async fn lead_back(mut request: Request, next: Next) -> Response {
    if let Some(address) = without_strange_error(&request) {
        return Redirect::to(address.as_str()).into_response();
    }
    if !is_own(request.headers()) {
        request.headers_mut().remove(REFERER);
    }
    let mut response = next.run(request).await;
    if let Some(address) = response.headers().get(LOCATION).and_then(without_empty_query) {
        response.headers_mut().insert(LOCATION, address);
    }
    response
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let referer = text(REFERER).and_then(|referer| referer.parse::<Uri>().ok());
    let authority = referer.as_ref().and_then(Uri::authority).map(|authority| authority.as_str());
    authority.is_some() && authority == text(HOST)
}

/// Pages show the error in their address as ours. Unless a page of ours leads there, it is from somebody who wants to put
/// words into our mouth, and the page is to be had without it.
fn without_strange_error(request: &Request) -> Option<ReturnTo> {
    let query = request.uri().query()?;
    let (kept, errors): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| !is_error(pair));
    if errors.is_empty() || request.method() != Method::GET || is_from_us(request.headers()) {
        return None;
    }
    let separator = if kept.is_empty() { "" } else { "?" };
    Some(ReturnTo::parse(&format!("{}{separator}{}", request.uri().path(), kept.join("&"))))
}

/// One of the two parameters in which server functions put it.
fn is_error(pair: &str) -> bool {
    let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name);
    name.is_some_and(|name| ["__path", "__err"].contains(&name.as_ref()))
}

/// Browsers say so, also of redirects; of older ones the `Referer` does.
fn is_from_us(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).map_or_else(|| is_own(headers), |site| site == "same-origin")
}

/// Server functions leave a `?` where they took an old error out of the address.
fn without_empty_query(address: &HeaderValue) -> Option<HeaderValue> {
    HeaderValue::from_bytes(address.as_bytes().strip_suffix(b"?")?).ok()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use tower::ServiceExt;

    use super::*;

    const ERROR: &str = "/account?__path=%2Fapi%2Faccount%2Frevoke_session&__err=Im5vdF9mb3VuZCI%3D";

    /// None: the page comes.
    async fn led_to(method: Method, uri: &str, headers: &[(HeaderName, &str)]) -> Option<String> {
        let router = Router::new().fallback(|| async { "the page" }).layer(from_fn(lead_back));
        let mut request = Request::builder().method(method).uri(uri).header(HOST, "plumbline.test");
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = router.oneshot(request).await.expect("an answer");
        response.headers().get(LOCATION).map(|value| value.to_str().expect("text").to_owned())
    }

    #[tokio::test]
    async fn an_error_in_the_address_is_shown_only_to_those_whom_a_page_of_ours_leads_there() {
        let own = (REFERER, "https://plumbline.test/account");
        let foreign = (REFERER, "https://elsewhere.test/");
        for ours in [vec![(SEC_FETCH_SITE, "same-origin")], vec![own.clone()]] {
            assert_eq!(led_to(Method::GET, ERROR, &ours).await, None, "{ours:?}");
        }
        let site = |site| vec![(SEC_FETCH_SITE, site)];
        let with_both = vec![(SEC_FETCH_SITE, "cross-site"), own];
        for strange in [site("cross-site"), site("same-site"), site("none"), vec![foreign], vec![], with_both]
        {
            let led = led_to(Method::GET, ERROR, &strange).await;
            assert_eq!(led.as_deref(), Some("/account"), "{strange:?}");
            assert_eq!(led_to(Method::GET, "/usage?period=all", &strange).await, None);
            assert_eq!(led_to(Method::POST, ERROR, &strange).await, None);
        }
    }

    #[tokio::test]
    async fn everything_else_of_the_address_stays_and_it_stays_ours() {
        for (address, expected) in [
            ("/usage?period=all&__err=x&page=2&__path=y", "/usage?period=all&page=2"),
            ("/usage?%5F_err=x&__path", "/usage"),
            ("//elsewhere.test/?__err=x", "/"),
        ] {
            assert_eq!(led_to(Method::GET, address, &[]).await.as_deref(), Some(expected), "{address}");
        }
    }
}
