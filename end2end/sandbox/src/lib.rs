//! Stand-ins for everything outside Plumbline: one process, loopback only: one port for HTTP, one for mail.
//!
//! The product reaches the sandbox through ordinary settings (issuer, base URLs, keys), so each stand-in speaks the
//! real protocol of whatever it replaces. One module a stand-in; what tests steer by hand lives under `/control`.

mod control;
mod github;
mod langfuse;
mod mail;
mod model;
mod oidc;
mod otlp;
mod pages;
mod people;
mod sentry;
mod sign_in;
mod stripe;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use url::Url;

use crate::github::Github;
use crate::langfuse::Langfuse;
use crate::mail::Mail;
use crate::model::Model;
use crate::oidc::Oidc;
use crate::otlp::Otlp;
use crate::sentry::Sentry;
use crate::stripe::Stripe;

/// All stand-ins.
pub struct Sandbox {
    /// Those that speak HTTP, and the pages of all.
    pub router: Router,
    mail: Arc<Mail>,
}

impl Sandbox {
    /// `public_url` is the address clients use; the OIDC issuer is derived from it. `smtp` is where mail is taken, for the
    /// front page to name.
    ///
    /// # Errors
    ///
    /// When no signing key can be made, or `public_url` makes no valid issuer.
    pub fn new(public_url: &Url, smtp: Option<SocketAddr>) -> Result<Self, Box<dyn Error>> {
        let mail = Arc::new(Mail::default());
        Ok(Self { router: routes(public_url, smtp, &mail)?, mail })
    }

    /// Takes mails until the process ends.
    ///
    /// # Errors
    ///
    /// When no more connections can be taken.
    pub async fn serve_mail(self, listener: TcpListener) -> io::Result<()> {
        mail::serve(listener, self.mail).await
    }
}

/// The stand-ins that speak HTTP, as in [`Sandbox::new`].
///
/// # Errors
///
/// The same.
pub fn router(public_url: &Url) -> Result<Router, Box<dyn Error>> {
    Ok(Sandbox::new(public_url, None)?.router)
}

fn routes(public_url: &Url, smtp: Option<SocketAddr>, mail: &Arc<Mail>) -> Result<Router, Box<dyn Error>> {
    let base = public_url.as_str().trim_end_matches('/').to_owned();
    let oidc = Arc::new(Oidc::new(format!("{base}/oidc"))?);
    let github = Arc::new(Github::default());
    let model = Arc::new(Model::default());
    let sentry = Arc::new(Sentry::default());
    let langfuse = Arc::new(Langfuse::default());
    let otlp = Arc::new(Otlp::default());
    let stripe = Arc::new(Stripe::new(&base)?);
    Ok(Router::new()
        .route("/", get(async move || Html(pages::home::render(&base, smtp))))
        .route("/health", get(async || "ok\n"))
        .nest("/oidc", oidc::routes(oidc))
        .nest("/github", github::routes(github))
        .nest("/openai/v1", model::openai::routes(Arc::clone(&model)))
        .nest("/anthropic/v1", model::anthropic::routes(Arc::clone(&model)))
        .nest("/sentry", sentry::routes(Arc::clone(&sentry)))
        .nest("/langfuse", langfuse::routes(Arc::clone(&langfuse)))
        .nest("/otlp", otlp::routes(Arc::clone(&otlp)))
        .nest("/stripe", stripe::routes(Arc::clone(&stripe)))
        .nest("/control/stripe", stripe::control::routes(stripe))
        .nest("/control", control::routes(model))
        .nest("/control/sentry", sentry::control(sentry))
        .nest("/control/langfuse", langfuse::control(langfuse))
        .nest("/control/otlp", otlp::control(otlp))
        .nest("/control/mail", mail::control(Arc::clone(mail)))
        .merge(mail::routes(Arc::clone(mail)))
        .fallback(say_not_found))
}

/// Names the path: a base URL with a part too many or too few is the usual mistake.
async fn say_not_found(method: Method, uri: Uri) -> Response {
    let message = format!("The sandbox has nothing at {method} {}. See `/` for what there is.\n", uri.path());
    (StatusCode::NOT_FOUND, message).into_response()
}
