//! Forms sent without JavaScript, which are answered by a redirect to where they came from.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{HOST, LOCATION, REFERER};
use http::{HeaderMap, HeaderValue, Uri};

/// The redirect leads to the `Referer`, with any error in the address. One that names another site is dropped, so that
/// nothing is ever sent there: the form then leads to the start page.
pub(super) async fn lead_back(mut request: Request, next: Next) -> Response {
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

/// Server functions leave a `?` where they took an old error out of the address.
fn without_empty_query(address: &HeaderValue) -> Option<HeaderValue> {
    HeaderValue::from_bytes(address.as_bytes().strip_suffix(b"?")?).ok()
}
