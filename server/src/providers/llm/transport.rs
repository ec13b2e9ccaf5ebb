//! What the wire formats share: one HTTP client, and answers as frames of server-sent events.

use std::time::Duration;

use app::ModelFailure;
use futures::{Stream, StreamExt, stream};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use url::Url;

use super::LlmError;
use super::account::is_about_account;
use super::sse::SseDecoder;
use crate::config::LlmClocks;

/// Never follows a redirect: the key would go along.
pub(super) fn client(clocks: &LlmClocks) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .connect_timeout(clocks.connect)
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

pub(super) fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// An error by the names a format has for it. Its message may quote the prompt, so it is not read.
pub(super) trait NamedError: DeserializeOwned {
    /// The HTTP status that says the same.
    fn status(&self) -> Option<u16>;
    /// For logs.
    fn describe(&self) -> String;
    /// The part of the request that is wrong, where the format tells.
    fn param(&self) -> Option<&str> {
        None
    }
    /// What the names say beyond the status.
    fn refine(&self, error: LlmError) -> LlmError {
        error
    }
}

/// The frames of the answer, as soon as it is clear that there will be one.
pub(super) async fn frames<E: NamedError>(
    request: RequestBuilder,
) -> Result<impl Stream<Item = Result<String, LlmError>> + Send + 'static, LlmError> {
    let response = request
        .send()
        .await
        .map_err(|error| LlmError::new(ModelFailure::Unavailable, error.without_url().to_string()))?;
    if !response.status().is_success() {
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let body = beginning(response).await;
        return Err(LlmError { retry_after, ..refusal::<E>(status, &body) });
    }
    let mut decoder = SseDecoder::default();
    Ok(response.bytes_stream().flat_map(move |bytes| stream::iter(decode(&mut decoder, bytes))))
}

/// How long a connection may take to end behind the last frame. Most end at once and can be used again; some are kept open.
const LAST_BYTES: Duration = Duration::from_millis(200);

/// The frames before the one with which the provider says that no more will come.
pub(super) fn until_last(
    frames: impl Stream<Item = Result<String, LlmError>> + Send + 'static,
    is_last: fn(&str) -> bool,
) -> impl Stream<Item = Result<String, LlmError>> + Send + 'static {
    stream::unfold(frames.boxed(), move |mut frames| async move {
        let frame = frames.next().await?;
        if frame.as_deref().is_ok_and(is_last) {
            timeout(LAST_BYTES, frames.next()).await.ok();
            return None;
        }
        Some((frame, frames))
    })
}

fn decode(
    decoder: &mut SseDecoder,
    bytes: Result<bytes::Bytes, reqwest::Error>,
) -> Vec<Result<String, LlmError>> {
    let interrupted = |detail: String| LlmError::new(ModelFailure::Interrupted, detail);
    match bytes {
        Ok(bytes) => {
            let frames = decoder.push(&bytes).into_iter();
            frames.map(|frame| frame.map_err(|error| interrupted(error.to_string()))).collect()
        }
        Err(error) => vec![Err(interrupted(error.without_url().to_string()))],
    }
}

/// What a refusal says of itself is short and there at once. What is longer, or slower, is not waited for.
const REFUSAL_BYTES: usize = 16 * 1024;
const REFUSAL_TIME: Duration = Duration::from_secs(2);

/// What comes first and in time of a refusal's body.
async fn beginning(mut response: Response) -> Vec<u8> {
    let mut read = Vec::new();
    let reading = async {
        while let Ok(Some(piece)) = response.chunk().await {
            let room = REFUSAL_BYTES - read.len();
            read.extend_from_slice(&piece[..piece.len().min(room)]);
            if read.len() == REFUSAL_BYTES {
                break;
            }
        }
    };
    timeout(REFUSAL_TIME, reading).await.ok();
    read
}

#[derive(Deserialize)]
struct Refusal<E> {
    error: E,
}

/// An answer that did not begin. A body that makes no sense adds nothing to the status.
pub(super) fn refusal<E: NamedError>(status: StatusCode, body: &[u8]) -> LlmError {
    let detail = format!("HTTP status {status}");
    let error = match serde_json::from_slice::<Refusal<E>>(body) {
        Ok(Refusal { error }) => told(&error, status.as_u16(), format!("{detail}, {}", error.describe())),
        Err(_) => error_of(status.as_u16(), detail),
    };
    if status.is_client_error() && is_about_account(body) { of_account(error) } else { error }
}

/// With what the names say beyond the status.
fn told(error: &impl NamedError, status: u16, detail: String) -> LlmError {
    let Some(param) = error.param().and_then(name) else { return error.refine(error_of(status, detail)) };
    let plain = error_of(status, format!("{detail}, param {param}"));
    error.refine(LlmError { param: Some(param.to_owned()), ..plain })
}

/// Nobody who asks can do anything about it, and another account may answer.
fn of_account(error: LlmError) -> LlmError {
    let detail = format!("{}, about our account", error.detail);
    LlmError { is_passing: false, is_of_account: true, ..LlmError::new(ModelFailure::Unavailable, detail) }
}

/// An error that comes inside an answer, told as if it had come before it.
pub(super) fn in_stream(error: &impl NamedError) -> LlmError {
    let detail = format!("error in the stream: {}", error.describe());
    match error.status() {
        Some(status @ 400..=599) => told(error, status, detail),
        _ => error.refine(LlmError::new(ModelFailure::Interrupted, detail)),
    }
}

/// A provider's name for something, for logs.
pub(super) fn loggable(told: &str) -> &str {
    name(told).unwrap_or("(no name)")
}

/// What does not look like a name, or like a path of names, may quote the conversation.
fn name(told: &str) -> Option<&str> {
    const LONGEST_NAME: usize = 64;
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || "_-.[]".contains(character);
    Some(told).filter(|told| (1..=LONGEST_NAME).contains(&told.len()) && told.chars().all(is_of_name))
}

fn error_of(status: u16, detail: String) -> LlmError {
    let failure = match status {
        429 | 503 | 529 => ModelFailure::Overloaded,
        400 | 413 | 422 => ModelFailure::Refused,
        _ => ModelFailure::Unavailable,
    };
    // A wrong key or an unknown model stays wrong, and so does a request that is not accepted.
    let is_passing = status >= 500 || matches!(status, 408 | 425 | 429);
    let is_of_account = matches!(status, 401 | 402);
    LlmError { is_passing, is_of_account, ..LlmError::new(failure, detail) }
}

/// In seconds; no provider sends the other form, a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// A frame that cannot be read. The parser's own text would quote it.
pub(super) fn unreadable(frame: &str, error: &serde_json::Error) -> LlmError {
    let detail = format!("frame of {} bytes makes no sense at column {}", frame.len(), error.column());
    LlmError::new(ModelFailure::Interrupted, detail)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::time::Instant;

    use super::*;

    fn response(body: impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static) -> Response {
        http::Response::new(reqwest::Body::wrap_stream(body)).into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_whose_body_does_not_end_is_not_waited_for() {
        let body = stream::iter([Ok(Bytes::from_static(b"{\"error\":"))]).chain(stream::pending());
        let asked_at = Instant::now();
        assert_eq!(beginning(response(body)).await, b"{\"error\":");
        assert!(asked_at.elapsed() < REFUSAL_TIME * 2);
    }

    #[tokio::test]
    async fn of_a_long_refusal_only_the_beginning_is_read() {
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 1000])));
        assert_eq!(beginning(response(endless)).await.len(), REFUSAL_BYTES);
    }

    #[test]
    fn only_names_are_logged() {
        assert_eq!(loggable("rate_limit_exceeded"), "rate_limit_exceeded");
        assert_eq!(loggable("tools[0].function.parameters"), "tools[0].function.parameters");
        assert_eq!(loggable("Your prompt: my secret"), "(no name)");
        assert_eq!(loggable(&"x".repeat(65)), "(no name)");
    }
}
