//! Every URL.

use std::sync::LazyLock;

use app::App;
use app::links::{API_KEYS_PATH, DATA_FILE_PATH};
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{any, get, post};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, request::Parts};
use leptos::config::LeptosOptions;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{
    AxumRouteListing, ErrorHandler, LeptosRoutes, generate_route_list, site_pkg_dir_service_route_path,
};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::middleware;
use crate::routes::{
    account, admin, api_keys, auth, chat, files, functions, health, mail, reports, stripe, usage, v1,
};
use crate::services::billing::WEBHOOK_PATH;
use crate::state::AppState;

/// The pages, listed once a process: while leptos lists them, resources of whichever page is made in that moment are never
/// loaded, so that the page would never be answered.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// Whether the pattern of a route is that of a page.
pub(crate) fn is_page(route: &str) -> bool {
    PAGES.iter().any(|page| page.path() == route)
}

/// The application, whole.
pub fn build_router(state: &AppState) -> Router {
    let options = state.server.leptos.clone();
    let provide = page_context(state);
    let pages = Router::new()
        .route("/auth/{provider}/start", get(auth::begin_sign_in))
        .route("/auth/{provider}/callback", get(auth::complete_sign_in))
        .route(DATA_FILE_PATH, get(account::export_account))
        .route("/chat/{id}/export.md", get(chat::export_thread))
        .route("/usage/replies.csv", get(usage::export_replies))
        .route("/usage/statement.csv", get(usage::export_statement))
        .route("/usage/messages/{id}", get(usage::find_receipt))
        .route("/admin/audit.csv", get(admin::export_audit_log))
        .route("/admin/usage.csv", get(admin::export_usage))
        .route("/admin/usage-people.csv", get(admin::export_people_usage))
        // The page itself is among those below.
        .route(API_KEYS_PATH, post(api_keys::create_api_key))
        .route("/reports/browser", post(reports::take_report))
        .route("/mail/preferences", get(mail::show_preferences).post(mail::switch_mail))
        .route("/api/{*rest}", any(functions::not_found))
        // Pages, and server functions below /api.
        .leptos_routes_with_context(state, PAGES.clone(), provide.clone(), {
            let options = options.clone();
            move || app::shell(options.clone())
        })
        .fallback({
            let nothing = ErrorHandler::new_with_context(provide, app::shell, options.clone());
            // A form that is sent to no page is answered with a page, too.
            let site = files::site(&options).fallback(nothing).call_fallback_on_method_not_allowed(true);
            move |request: Request| files::serve(site.clone(), request)
        });
    let assets = bundle(&options);
    let probes =
        Router::new().route("/health/live", get(health::live)).route("/health/ready", get(health::ready));
    // Not among the pages: whoever calls proves itself by a signature, or by the token in a mail.
    let webhooks = Router::new().route(WEBHOOK_PATH, post(stripe::receive_webhook));
    let probes_and_webhooks =
        middleware::around_probes_and_webhooks(probes.merge(webhooks), state.server.body_timeout);
    let unsubscribe =
        Router::new().route("/mail/unsubscribe", get(mail::offer_unsubscribe).post(mail::unsubscribe));
    let unsubscribe = middleware::around_mail_programs(unsubscribe, state);
    let calls = Router::new()
        .route("/v1/models", get(v1::list_models))
        .route("/v1/models/{key}", get(v1::find_model))
        .route("/v1/{*rest}", any(v1::not_found));
    let completions = Router::new().route("/v1/chat/completions", post(v1::complete_chat));
    let programs = completions.merge(middleware::around_program_calls(calls, state));
    let programs = middleware::around_programs(programs, state);
    let pages = middleware::around_pages(pages, state);
    let all = pages.merge(unsubscribe).merge(assets).merge(probes_and_webhooks).merge(programs);
    middleware::around_all(all, state).with_state(state.clone())
}

/// The wasm bundle and the stylesheet. With hashed names they never change, so browsers may keep them.
fn bundle(options: &LeptosOptions) -> Router<AppState> {
    let cache = if options.hash_files { "public, max-age=31536000, immutable" } else { "no-cache" };
    let cache_found =
        move |response: &Response| response.status().is_success().then(|| HeaderValue::from_static(cache));
    let site = files::site(options);
    Router::new()
        .route(
            &site_pkg_dir_service_route_path(options),
            get(move |request: Request| files::serve(site.clone(), request)),
        )
        .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, cache_found))
}

/// What pages and server functions find in Leptos' context, besides the request.
pub(crate) fn page_context(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static {
    let backend = state.backend.clone();
    move || {
        provide_context(backend.clone());
        let nonce =
            use_context::<Parts>().and_then(|parts| parts.extensions.get::<middleware::CspNonce>().cloned());
        if let Some(middleware::CspNonce(nonce)) = nonce {
            provide_context(leptos::nonce::Nonce::from_value(nonce));
        }
    }
}
