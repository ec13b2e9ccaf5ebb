//! The way to the admin panel. Each of its functions asks for an operator itself; this answers before what was sent is
//! read, so that an answer never says that there is a panel, and writes down who tried.

use app::ApiError;
use app::types::Actor;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use crate::routes::error_page;

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
    // Pages say it in their own frame.
    if is_call { error_page::json(&refusal) } else { next.run(request).await }
}
