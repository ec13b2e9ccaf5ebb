use app::types::{ChatEvent, ChatEventKind, GenerationId, Message, Quota, ThreadId};
use app::{ApiError, types::ReplyState};
use futures::StreamExt;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Browser;

/// A request for a reply in a new thread.
pub fn new_request(prompt: &str) -> Value {
    json!({ "client_request_id": Uuid::now_v7(), "target": { "kind": "new_thread", "prompt": prompt } })
}

/// A prompt nobody else uses, for a script of its own.
pub fn prompt() -> String {
    format!("prompt {}", Uuid::now_v7())
}

/// The answer to a request for a reply: refused, or a stream of events.
pub struct Reply {
    pub response: Response,
    unread: Vec<u8>,
    /// Of the reply, so without what the server says of itself.
    pub events: Vec<ChatEvent>,
    /// The server has said that it is about to end.
    pub is_draining: bool,
}

impl Browser {
    pub async fn start_reply(&self, request: &Value) -> Reply {
        self.stream("chat/start_reply", json!({ "request": request })).await
    }

    /// The same as a part of somebody's trace.
    pub async fn start_reply_within(&self, request: &Value, traceparent: &str) -> Reply {
        let call = self.request(Method::POST, "/api/chat/start_reply").header("traceparent", traceparent);
        let response = call.json(&json!({ "request": request })).send().await.expect("an answer");
        Reply::new(response)
    }

    pub async fn follow_reply(&self, id: GenerationId, after_seq: u32) -> Reply {
        self.stream("chat/follow_reply", json!({ "id": id, "after_seq": after_seq })).await
    }

    async fn stream(&self, function: &str, body: Value) -> Reply {
        let request = self.request(Method::POST, &format!("/api/{function}")).json(&body);
        Reply::new(request.send().await.expect("an answer"))
    }

    /// Asks and reads to the end.
    pub async fn ask(&self, prompt: &str) -> Reply {
        let mut reply = self.start_reply(&new_request(prompt)).await;
        assert_eq!(reply.response.status(), StatusCode::OK);
        reply.read_to_end().await;
        reply
    }
}

impl Reply {
    fn new(response: Response) -> Self {
        Self { response, unread: vec![], events: vec![], is_draining: false }
    }

    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub async fn error(self) -> ApiError {
        self.response.json().await.expect("an error")
    }

    pub async fn read_to_end(&mut self) {
        while self.read_event().await.is_some() {}
    }

    /// The next event; None at the end of the stream.
    pub async fn read_event(&mut self) -> Option<ChatEvent> {
        self.try_read_event().await.expect("the stream goes on")
    }

    /// Reads what comes before the connection breaks.
    pub async fn read_until_cut(&mut self) {
        while let Ok(Some(_)) = self.try_read_event().await {}
    }

    async fn try_read_event(&mut self) -> Result<Option<ChatEvent>, reqwest::Error> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                // Says only that the server is still there.
                if line == b"\n" {
                    continue;
                }
                let event: ChatEvent = serde_json::from_slice(&line).expect("an event a line");
                if event.kind == ChatEventKind::Draining {
                    self.is_draining = true;
                    continue;
                }
                self.events.push(event.clone());
                return Ok(Some(event));
            }
            let Some(bytes) = self.response.chunk().await? else { return Ok(None) };
            self.unread.extend_from_slice(&bytes);
        }
    }

    pub async fn read_started(&mut self) -> (GenerationId, ThreadId) {
        match self.read_event().await.expect("an event").kind {
            ChatEventKind::Started { generation_id, thread, .. } => (generation_id, thread.id),
            other => panic!("not started but {other:?}"),
        }
    }

    /// Of its first event, which must have been read.
    pub fn generation_id(&self) -> GenerationId {
        match self.events.first().map(|event| &event.kind) {
            Some(ChatEventKind::Started { generation_id, .. }) => *generation_id,
            other => panic!("not started but {other:?}"),
        }
    }

    /// The same for the conversation.
    pub fn thread_id(&self) -> ThreadId {
        match self.events.first().map(|event| &event.kind) {
            Some(ChatEventKind::Started { thread, .. }) => thread.id,
            other => panic!("not started but {other:?}"),
        }
    }

    /// The text as it came, piece by piece.
    pub fn text(&self) -> String {
        self.events
            .iter()
            .filter_map(|event| match &event.kind {
                ChatEventKind::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// What the model thought, as it came.
    pub fn reasoning(&self) -> String {
        self.events
            .iter()
            .filter_map(|event| match &event.kind {
                ChatEventKind::Reasoning { text } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    pub fn ended(&self) -> (&Message, Option<&ApiError>) {
        self.events
            .iter()
            .find_map(|event| match &event.kind {
                ChatEventKind::Ended { message, error } => Some((message.as_ref(), error.as_deref())),
                _ => None,
            })
            .expect("the reply has ended")
    }

    pub fn state(&self) -> ReplyState {
        self.ended().0.state.expect("a state")
    }

    pub fn quota(&self) -> &Quota {
        self.events
            .iter()
            .find_map(|event| match &event.kind {
                ChatEventKind::Quota { quota } => Some(quota.as_ref()),
                _ => None,
            })
            .expect("the quota after the reply")
    }
}

/// Reads all of them to the end, side by side.
pub async fn read_all(replies: &mut [Reply]) {
    futures::stream::iter(replies.iter_mut()).for_each_concurrent(None, Reply::read_to_end).await;
}
