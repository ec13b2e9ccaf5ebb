//! Answering a request: what every vendor's endpoint does once it has understood one.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::model::fault::Fault;
use crate::model::journal::{OpenEntry, ReplyState, Request};
use crate::model::playback::Frames;
use crate::model::reply::{Chunk, Reply};
use crate::model::script::{Ending, Script};
use crate::model::{Model, playback};

/// A chat request in a vendor's format.
pub(crate) trait Chat {
    /// How the vendor writes the answer.
    type Frames: Frames;

    /// What the journal keeps of the request.
    fn describe(&self) -> Request;
    /// Frames for the answer.
    fn frames(&self, reply: &Reply, script: &Script) -> Self::Frames;
    /// The vendor's error with a status, in the usual words or in others.
    fn error(status: u16, message: Option<&str>, retry_after_seconds: Option<u64>) -> Response;
}

/// Answers a request to an upstream, as a script or the dice say.
pub(crate) async fn answer<C: Chat>(model: &Model, upstream: &str, chat: &C) -> Response {
    let request = chat.describe();
    let (script, fault) = choose_script(model, upstream, &request);
    let reply = Reply::write(&request.last_user_message, request.prompt_tokens, request.max_tokens, &script);
    let is_streamed = request.stream;
    let entry = model.journal.open(upstream, request, fault);
    if script.refused {
        entry.close(ReplyState::Failed);
        return playback::refusal().into_response();
    }
    if let Some(status) = script.status {
        return fail::<C>(status, &script, &entry).await;
    }
    let frames = chat.frames(&reply, &script);
    if is_streamed {
        return send_streamed(reply, frames, &script, entry);
    }
    send_whole::<C>(reply, frames, &script, entry).await
}

/// A test that scripts a request wants exactly that, so the dice are for the others.
fn choose_script(model: &Model, upstream: &str, request: &Request) -> (Script, Option<Fault>) {
    if let Some(script) = model.scripts.take(upstream, &request.last_user_message) {
        model.dice.count_scripted(upstream);
        return (script, None);
    }
    let fault = model.dice.roll(upstream);
    (fault.map(|fault| fault.script(request.api)).unwrap_or_default(), fault)
}

async fn fail<C: Chat>(status: u16, script: &Script, entry: &OpenEntry) -> Response {
    tokio::time::sleep(Duration::from_millis(script.first_token_delay_ms.unwrap_or(0))).await;
    entry.close(ReplyState::Failed);
    C::error(status, script.error_message.as_deref(), script.retry_after_seconds)
}

fn send_streamed(reply: Reply, frames: impl Frames, script: &Script, entry: OpenEntry) -> Response {
    let body = playback::body(playback::streamed(reply), frames, entry, script.split_bytes);
    let headers = [(CONTENT_TYPE, "text/event-stream; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (headers, body).into_response()
}

/// Holds even the headers back until the answer is there, as vendors do.
async fn send_whole<C: Chat>(reply: Reply, frames: C::Frames, script: &Script, entry: OpenEntry) -> Response {
    tokio::time::sleep(reply.duration()).await;
    match reply.ending {
        Some(Ending::Stall(_)) => std::future::pending().await,
        Some(Ending::Error(_)) => {
            entry.close(ReplyState::Failed);
            return C::error(500, None, None);
        }
        _ => {}
    }
    let (reasoning, text) = (reply.reasoning(), reply.text());
    let json = Bytes::from(frames.whole(&reasoning, &text, &reply.tool_calls));
    if !reasoning.is_empty() {
        entry.count_chunk(&Chunk::Reasoning(reasoning));
    }
    entry.count_chunk(&Chunk::Text(text));
    let body = playback::body(playback::whole(json, reply.ending), frames, entry, script.split_bytes);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
