//! The files of the site: those of `public/`, and what is built for the browser.

use std::convert::Infallible;
use std::io;

use app::ApiError;
use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use leptos::config::LeptosOptions;
use tower::Service;
use tower_http::services::ServeDir;

use super::error_page;
use crate::middleware::request_id;

/// Compressed where the build has left a compressed file.
pub(crate) fn site(options: &LeptosOptions) -> ServeDir {
    ServeDir::new(&*options.site_root).precompressed_gzip().precompressed_br()
}

/// What is no file is left to the folder's fallback. A file that is there and cannot be read is our fault: said as such, and
/// logged, so that nobody takes it for one that was never there.
pub(crate) async fn serve<Fallback, Content>(mut folder: ServeDir<Fallback>, request: Request) -> Response
where
    Fallback:
        Service<Request, Response = Response<Content>, Error = Infallible, Future: Send + 'static> + Clone,
    Content: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let request_id = request_id(request.extensions());
    match folder.try_call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            let error = match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
                    ApiError::NotFound
                }
                _ => {
                    tracing::error!(%error, "A file of the site cannot be read");
                    ApiError::Internal { request_id: request_id.clone() }
                }
            };
            error_page::html(&error, &request_id)
        }
    }
}
