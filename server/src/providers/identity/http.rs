//! How identity providers are called.

use std::time::Duration;

use oauth2::{HttpRequest, HttpResponse};

use super::IdentityError;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Tokens, keys and profiles are small.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Never follows a redirect: the crates' documentation warns of requests forged by the server that way.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("plumbline")
        .build()
}

/// Sends a request made by the `oauth2` or `openidconnect` crate.
pub(super) async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, SendError> {
    let mut response = http.execute(request.try_into()?).await?;
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(SendError::TooLarge);
        }
    }
    let mut answer = HttpResponse::new(body);
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
}

impl From<reqwest::Error> for IdentityError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unavailable(error.without_url().to_string())
    }
}
