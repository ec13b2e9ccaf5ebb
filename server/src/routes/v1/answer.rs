//! The answer as OpenAI writes it: whole, or in chunks while it is written.
//! <https://platform.openai.com/docs/api-reference/chat/object>,
//! <https://platform.openai.com/docs/api-reference/chat/streaming>

use std::convert::Infallible;
use std::time::Duration;

use app::api::ReplyStream;
use app::types::{
    Caller, Charge, ChatEvent, ChatEventKind, GenerationId, Message, ReplyState, ToolCall, ToolCallPiece,
};
use app::{ApiError, ModelFailure};
use axum::Json;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};

use super::V1Error;
use super::limits::set_limits;
use super::request::AnswerOptions;
use crate::services::completions::CompletionService;

/// Proxies end connections on which nothing comes for long.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

const CHUNK: &str = "chat.completion.chunk";

/// Waits for the first word, so that whatever goes wrong before it is told by a status, then answers.
///
/// # Errors
/// Why there is no answer.
pub(super) async fn respond(
    completions: CompletionService,
    caller: Caller,
    reply: ReplyStream,
    options: AnswerOptions,
) -> Result<Response, V1Error> {
    let ReplyStream { events, quota } = reply;
    let writer = Writer { completions, caller, options, id: None, said: 0, called: 0 };
    let mut answer = Answer { writer, events, ahead: None };
    answer.wait_for_words().await?;
    let mut response = if answer.writer.options.is_streamed {
        stream(answer).into_response()
    } else {
        Json(answer.collect().await?).into_response()
    };
    quota.iter().for_each(|quota| set_limits(response.headers_mut(), &quota.limits));
    Ok(response)
}

/// An answer as it comes.
struct Answer {
    writer: Writer,
    events: BoxStream<'static, ChatEvent>,
    /// Was read while waiting for words.
    ahead: Option<ChatEventKind>,
}

impl Answer {
    async fn wait_for_words(&mut self) -> Result<(), V1Error> {
        loop {
            match self.next().await.ok_or_else(cut)? {
                ChatEventKind::Ended { message, error } if says_nothing(&message) => {
                    let kind = ChatEventKind::Ended { message: whole(message, error)?, error: None };
                    self.ahead = Some(kind);
                    return Ok(());
                }
                kind if kind.is_speech() || matches!(kind, ChatEventKind::Ended { .. }) => {
                    self.ahead = Some(kind);
                    return Ok(());
                }
                _ => {}
            }
        }
    }

    /// None: the answer is not kept any more, or its process has died.
    async fn next(&mut self) -> Option<ChatEventKind> {
        if let Some(kind) = self.ahead.take() {
            return Some(kind);
        }
        let kind = self.events.next().await?.kind;
        if let ChatEventKind::Started { generation_id, .. } = &kind {
            self.writer.id = Some(*generation_id);
        }
        Some(kind)
    }

    /// The whole answer at once. One that was cut off is an error: nobody would notice.
    async fn collect(mut self) -> Result<Value, V1Error> {
        loop {
            if let ChatEventKind::Ended { message, error } = self.next().await.ok_or_else(cut)? {
                let message = whole(message, error)?;
                return Ok(self.writer.whole(*message).await);
            }
        }
    }
}

/// Writes an answer down.
struct Writer {
    completions: CompletionService,
    caller: Caller,
    options: AnswerOptions,
    id: Option<GenerationId>,
    /// Bytes of the text that were passed on.
    said: usize,
    /// Calls of tools that were.
    called: usize,
}

impl Writer {
    async fn whole(&self, message: Message) -> Value {
        let finish_reason = finish_reason(&message);
        // As OpenAI has it when nothing is said beside calls.
        let is_silent = message.content.is_empty() && !message.tool_calls.is_empty();
        let content = (!is_silent).then_some(message.content);
        let mut said = json!({ "role": "assistant", "content": content, "refusal": null });
        if !message.tool_calls.is_empty() {
            said["tool_calls"] = message.tool_calls.iter().map(call).collect();
        }
        if !message.reasoning.is_empty() {
            said["reasoning_content"] = message.reasoning.into();
        }
        let choice = json!({ "index": 0, "message": said, "logprobs": null, "finish_reason": finish_reason });
        let mut whole = self.object("chat.completion", json!([choice]));
        whole["usage"] = self.usage().await;
        whole
    }

    /// The frames that an event comes down to.
    async fn frames(&mut self, kind: ChatEventKind) -> Vec<String> {
        match kind {
            ChatEventKind::Text { text } => {
                self.said += text.len();
                vec![self.chunk(json!({ "content": text }), None)]
            }
            ChatEventKind::Reasoning { text } => vec![self.chunk(json!({ "reasoning_content": text }), None)],
            ChatEventKind::ToolCall { piece } => {
                self.called = self.called.max(piece.index as usize + 1);
                vec![self.chunk(json!({ "tool_calls": [call_delta(&piece)] }), None)]
            }
            ChatEventKind::Ended { message, error } => self.last_frames(message, error).await,
            _ => vec![],
        }
    }

    async fn last_frames(&self, message: Box<Message>, error: Option<Box<ApiError>>) -> Vec<String> {
        let mut frames = Vec::new();
        // Of an answer that had ended before, nothing has been told yet.
        if let Some(rest) = message.content.get(self.said..).filter(|rest| !rest.is_empty()) {
            frames.push(self.chunk(json!({ "content": rest }), None));
        }
        for (index, call) in message.tool_calls.iter().enumerate().skip(self.called) {
            let mut delta = self::call(call);
            delta["index"] = index.into();
            frames.push(self.chunk(json!({ "tool_calls": [delta] }), None));
        }
        let message = match whole(message, error) {
            Ok(message) => message,
            Err(error) => {
                frames.push(error.frame());
                return frames;
            }
        };
        frames.push(self.chunk(json!({}), Some(finish_reason(&message))));
        if self.options.includes_usage {
            let mut chunk = self.object(CHUNK, json!([]));
            chunk["usage"] = self.usage().await;
            frames.push(chunk.to_string());
        }
        frames.push("[DONE]".to_owned());
        frames
    }

    fn chunk(&self, delta: Value, finish_reason: Option<&str>) -> String {
        let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason });
        self.object(CHUNK, json!([choice])).to_string()
    }

    fn object(&self, object: &str, choices: Value) -> Value {
        json!({
            "id": self.id.map_or("chatcmpl".to_owned(), |id| format!("chatcmpl-{id}")),
            "object": object,
            "created": Utc::now().timestamp(),
            "model": self.options.model,
            "choices": choices,
        })
    }

    /// As it is charged; null when that cannot be read now.
    async fn usage(&self) -> Value {
        let Some(id) = self.id else { return Value::Null };
        match self.completions.charge(self.caller, id).await {
            Ok(charge) => charge.as_ref().map_or(Value::Null, usage_of),
            Err(error) => {
                tracing::warn!(generation.id = %id, %error, "The usage of an answer could not be read");
                Value::Null
            }
        }
    }
}

fn usage_of(charge: &Charge) -> Value {
    json!({
        "prompt_tokens": charge.input_tokens,
        "completion_tokens": charge.output_tokens,
        "total_tokens": charge.input_tokens + charge.output_tokens,
        "prompt_tokens_details": { "cached_tokens": charge.cached_input_tokens },
        "completion_tokens_details": { "reasoning_tokens": charge.reasoning_tokens },
    })
}

/// One that was stopped, because another client that asked for the same has left, is as little whole as one that broke off.
fn whole(message: Box<Message>, error: Option<Box<ApiError>>) -> Result<Box<Message>, V1Error> {
    match error {
        Some(error) => Err((*error).into()),
        None if message.state.is_some_and(ReplyState::is_whole) => Ok(message),
        None => Err(cut()),
    }
}

fn finish_reason(message: &Message) -> &'static str {
    match message.state {
        Some(ReplyState::Limited) => "length",
        _ if !message.tool_calls.is_empty() => "tool_calls",
        _ => "stop",
    }
}

fn says_nothing(message: &Message) -> bool {
    message.content.is_empty() && message.tool_calls.is_empty()
}

fn call(ToolCall { id, name, arguments }: &ToolCall) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
}

/// Only the first piece of a call names it.
fn call_delta(piece: &ToolCallPiece) -> Value {
    let ToolCallPiece { index, id, name, arguments } = piece;
    let mut delta = json!({ "index": index, "function": { "arguments": arguments } });
    if let Some(name) = name {
        delta["id"] = json!(id);
        delta["type"] = json!("function");
        delta["function"]["name"] = json!(name);
    }
    delta
}

fn cut() -> V1Error {
    ApiError::model(ModelFailure::Interrupted).into()
}

fn stream(answer: Answer) -> impl IntoResponse {
    let first = answer.writer.chunk(json!({ "role": "assistant", "content": "" }), None);
    let frames = stream::iter([first]).chain(later_frames(answer));
    let events = frames.map(|frame| Ok::<_, Infallible>(Event::default().data(frame)));
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn later_frames(answer: Answer) -> impl Stream<Item = String> {
    stream::unfold(Some(answer), async |answer| {
        let mut answer = answer?;
        let Some(kind) = answer.next().await else { return Some((vec![cut().frame()], None)) };
        let is_last = matches!(kind, ChatEventKind::Ended { .. });
        let frames = answer.writer.frames(kind).await;
        Some((frames, (!is_last).then_some(answer)))
    })
    .flat_map(stream::iter)
}
