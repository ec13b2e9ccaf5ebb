//! GitHub's OAuth endpoints and the two API calls a sign-in needs.

mod api;
mod oauth;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::github::oauth::Consent;
use crate::sign_in::grants::Grants;

/// GitHub's codes and tokens.
#[derive(Default)]
pub(crate) struct Github {
    grants: Grants<Consent>,
}

/// The web endpoints as under `github.com`, and those of `api.github.com` under `/api`.
pub(crate) fn routes(github: Arc<Github>) -> Router {
    Router::new()
        .route("/login/oauth/authorize", get(oauth::authorize))
        .route("/login/oauth/authorize/decide", post(oauth::decide))
        .route("/login/oauth/access_token", post(oauth::exchange_code))
        .route("/api/user", get(api::show_user))
        .route("/api/user/emails", get(api::list_emails))
        .with_state(github)
}
