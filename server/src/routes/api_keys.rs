//! The form that makes an API key, sent without JavaScript. Its answer is the page itself, with the key in it: the redirect
//! that answers other forms could carry the key only in an address.

use app::api::{ApiKeysApi, PostedApiKey};
use app::types::Actor;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Form, Request, State};
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, request::Parts};
use leptos::prelude::provide_context;
use serde::Deserialize;

use crate::router::page_context;
use crate::state::AppState;

#[derive(Deserialize)]
pub(crate) struct NewKeyForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    cap: Option<String>,
}

pub(crate) async fn create_api_key(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    parts: Parts,
    Form(NewKeyForm { name, cap }): Form<NewKeyForm>,
) -> Response {
    let posted = PostedApiKey(state.api_keys.create_api_key(&actor, name, cap).await);
    let provide = page_context(&state);
    let context = move || {
        provide();
        provide_context(posted.clone());
    };
    let options = state.server.leptos.clone();
    let page = leptos_axum::render_app_async_with_context(context, move || app::shell(options.clone()));
    let mut response = page(Request::from_parts(parts, Body::empty())).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
