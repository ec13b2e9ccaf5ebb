//! What the wire formats share: one HTTP client, and answers as frames of server-sent events.

use std::time::Duration;

use app::ModelFailure;
use futures::{Stream, StreamExt, stream};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use serde::Serialize;
use tokio::time::timeout;
use url::Url;

use super::sse::SseDecoder;
use super::{LlmError, Speaker, Turn};
use crate::config::LlmClocks;

/// A turn of the conversation, written the same in both formats.
#[derive(Serialize)]
pub(super) struct ChatMessage<'a> {
    pub(super) role: &'static str,
    pub(super) content: &'a str,
}

impl<'a> From<&'a Turn> for ChatMessage<'a> {
    fn from(turn: &'a Turn) -> Self {
        let role = match turn.speaker {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
        };
        Self { role, content: &turn.text }
    }
}

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

/// The frames of the answer, as soon as it is clear that there will be one.
pub(super) async fn frames(
    request: RequestBuilder,
) -> Result<impl Stream<Item = Result<String, LlmError>> + Send + 'static, LlmError> {
    let response = request
        .send()
        .await
        .map_err(|error| LlmError::new(ModelFailure::Unavailable, error.without_url().to_string()))?;
    if !response.status().is_success() {
        return Err(refusal(&response));
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

fn refusal(response: &Response) -> LlmError {
    let status = response.status();
    let error = error_of(status.as_u16(), format!("HTTP status {status}"));
    LlmError { retry_after: retry_after(response.headers()), ..error }
}

/// An error that comes inside an answer, told as if it had come before it. `described` quotes nothing of the conversation.
pub(super) fn in_stream(status: Option<u16>, described: &str) -> LlmError {
    let detail = format!("error in the stream: {described}");
    match status {
        Some(status @ 400..=599) => error_of(status, detail),
        _ => LlmError::new(ModelFailure::Interrupted, detail),
    }
}

fn error_of(status: u16, detail: String) -> LlmError {
    let failure = match status {
        429 | 503 | 529 => ModelFailure::Overloaded,
        400 | 413 | 422 => ModelFailure::Refused,
        _ => ModelFailure::Unavailable,
    };
    // A wrong key or an unknown model stays wrong, and so does a request that is not accepted.
    let is_passing = status >= 500 || matches!(status, 408 | 425 | 429);
    LlmError { is_passing, ..LlmError::new(failure, detail) }
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
