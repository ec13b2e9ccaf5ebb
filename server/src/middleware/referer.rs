//! Where a form came from.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{HOST, REFERER};
use http::{HeaderMap, Uri};

/// A form sent without JavaScript is answered by a redirect to its `Referer`, with any error in the address. One that
/// names another site is dropped, so that nothing is ever sent there: the form then leads to the start page.
pub(super) async fn drop_foreign_referer(mut request: Request, next: Next) -> Response {
    if !is_own(request.headers()) {
        request.headers_mut().remove(REFERER);
    }
    next.run(request).await
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let referer = text(REFERER).and_then(|referer| referer.parse::<Uri>().ok());
    let authority = referer.as_ref().and_then(Uri::authority).map(|authority| authority.as_str());
    authority.is_some() && authority == text(HOST)
}
