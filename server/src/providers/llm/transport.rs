//! What the wire formats share: one HTTP client, and answers as frames of server-sent events.

use std::time::Duration;

use app::ModelFailure;
use futures::{Stream, StreamExt, stream};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Serialize;
use url::Url;

use super::sse::SseDecoder;
use super::{LlmError, Speaker, Turn};
use crate::config::LlmClocks;

/// A turn of the conversation, written the same in both formats.
#[derive(Serialize)]
pub(super) struct ChatMessage<'a> {
    role: &'static str,
    content: &'a str,
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
    LlmError {
        failure: failure_of(status),
        detail: format!("HTTP status {status}"),
        // A wrong key or an unknown model stays wrong, and so does a request that is not accepted.
        is_passing: status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429),
        retry_after: retry_after(response.headers()),
    }
}

fn failure_of(status: StatusCode) -> ModelFailure {
    match status.as_u16() {
        429 | 503 | 529 => ModelFailure::Overloaded,
        400 | 413 | 422 => ModelFailure::Refused,
        _ => ModelFailure::Unavailable,
    }
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
