use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use tower::ServiceExt;

/// A browser's request as it arrives at the router.
pub fn to_router(request: reqwest::RequestBuilder) -> Request<Body> {
    let request = request.build().expect("a request");
    Request::<reqwest::Body>::try_from(request).expect("a request").map(Body::new)
}

/// Asks without a connection in between: when this is dropped, so is what answers.
pub async fn ask(router: Router, request: Request<Body>) -> StatusCode {
    let response = router.oneshot(request).await.expect("an answer");
    let status = response.status();
    axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("the whole stream");
    status
}
