//! The way to the admin panel. Each of its functions asks for an operator itself; this answers before what was sent is
//! read, so that an answer never says that there is a panel, and writes down who tried. What is there besides pages and
//! functions, such as files, is for operators whatever it asks.

use app::ApiError;
use app::types::Actor;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

use super::error_format::ErrorFormat;
use crate::router;

/// Needs the `Actor`.
pub(super) async fn refuse_others(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_call = path.starts_with("/api/admin/");
    if !is_call && path != "/admin" && !path.starts_with("/admin/") {
        return next.run(request).await;
    }
    let actor = request.extensions().get::<Actor>().cloned().unwrap_or_default();
    let Err(refusal) = actor.operator() else { return next.run(request).await };
    if let (Some(user), ApiError::NotFound) = (actor.signed_in, &refusal) {
        tracing::warn!(user.id = %user.session_owner(), http.path = path, "Refused somebody who is no operator");
    }
    // Pages say it in their own frame, also that there is none.
    if !is_call && is_page(&request) {
        return next.run(request).await;
    }
    ErrorFormat::of(&request).answer(refusal, &actor.request_id)
}

fn is_page(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>();
    route.is_none_or(|route| router::is_page(route.as_str()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use axum::{Router, middleware};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_new_file_is_for_operators_only_though_it_does_not_ask() {
        let router = Router::new()
            .route("/admin/new.csv", get(|| async { "a secret" }))
            .layer(middleware::from_fn(refuse_others));
        let request = http::Request::get("/admin/new.csv").body(Body::empty()).expect("a request");
        assert_eq!(router.oneshot(request).await.expect("an answer").status(), 401);
    }
}
