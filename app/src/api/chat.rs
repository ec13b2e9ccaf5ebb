//! Threads and replies.

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use server_fn::codec::{ByteStream, Json, Streaming};

#[cfg(feature = "ssr")]
use super::{answer, call, set_quota_headers, set_stream_headers};
#[cfg(feature = "ssr")]
use crate::types::{Actor, ChatEvent, Quota, ThreadPlace};
use crate::types::{
    Conversation, FoundThread, GenerationId, MessageId, Model, Rating, ReplyRequest, Thread, ThreadId,
};
use crate::{ApiError, ApiResult};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait ChatApi: Send + Sync {
    /// Last changed first, [`Thread::LISTED`] at most.
    async fn list_threads(&self, actor: &Actor) -> ApiResult<Vec<Thread>>;
    /// The same after one of them.
    async fn list_older_threads(&self, actor: &Actor, before: ThreadPlace) -> ApiResult<Vec<Thread>>;
    /// Those with these words in their title, then those with them in a message, each last changed first, [`Thread::FOUND`]
    /// at most.
    async fn search_threads(&self, actor: &Actor, words: String) -> ApiResult<Vec<FoundThread>>;
    async fn read_thread(&self, actor: &Actor, id: ThreadId) -> ApiResult<Conversation>;
    /// From now on the thread shows the path through this message, and from there to the newest.
    async fn show_version(&self, actor: &Actor, id: MessageId) -> ApiResult<Conversation>;
    async fn rename_thread(&self, actor: &Actor, id: ThreadId, title: String) -> ApiResult<()>;
    /// Hides a thread; `restore_thread` brings it back for 30 days, after which its words are erased.
    async fn delete_thread(&self, actor: &Actor, id: ThreadId) -> ApiResult<()>;
    async fn restore_thread(&self, actor: &Actor, id: ThreadId) -> ApiResult<()>;
    /// In the order of the catalog, those the plan includes first.
    async fn list_models(&self, actor: &Actor) -> ApiResult<Vec<Model>>;
    /// Admits a request and starts its reply, or attaches to the reply this request already has.
    async fn start_reply(&self, actor: &Actor, request: ReplyRequest) -> ApiResult<ReplyStream>;
    /// The events after number `after_seq` of a reply, then those to come.
    async fn follow_reply(&self, actor: &Actor, id: GenerationId, after_seq: u32) -> ApiResult<ReplyStream>;
    /// Ends a reply; what was said is kept. One that has ended already stays as it is.
    async fn stop_reply(&self, actor: &Actor, id: GenerationId) -> ApiResult<()>;
    /// Keeps what the reader thinks of a reply, in the place of what they thought before.
    async fn rate_reply(&self, actor: &Actor, id: MessageId, rating: Rating) -> ApiResult<()>;
    async fn take_rating_back(&self, actor: &Actor, id: MessageId) -> ApiResult<()>;
}

/// The events of a reply. Dropping it ends the watching, not the reply.
#[cfg(feature = "ssr")]
pub struct ReplyStream {
    pub events: futures::stream::BoxStream<'static, ChatEvent>,
    /// What was left at admission.
    pub quota: Option<Quota>,
}

#[server(endpoint = "chat/list_threads")]
pub async fn list_threads() -> ApiResult<Vec<Thread>> {
    let (backend, actor) = call()?;
    answer(backend.chat.list_threads(&actor).await)
}

/// Goes on after the thread of this id, as it was changed at that time when it was listed.
#[server(endpoint = "chat/list_older_threads")]
pub async fn list_older_threads(updated_at: DateTime<Utc>, id: ThreadId) -> ApiResult<Vec<Thread>> {
    let (backend, actor) = call()?;
    answer(backend.chat.list_older_threads(&actor, ThreadPlace { updated_at, id }).await)
}

#[server(endpoint = "chat/search_threads")]
pub async fn search_threads(words: String) -> ApiResult<Vec<FoundThread>> {
    let (backend, actor) = call()?;
    answer(backend.chat.search_threads(&actor, words).await)
}

#[server(endpoint = "chat/read_thread")]
pub async fn read_thread(id: ThreadId) -> ApiResult<Conversation> {
    let (backend, actor) = call()?;
    answer(backend.chat.read_thread(&actor, id).await)
}

#[server(endpoint = "chat/show_version")]
pub async fn show_version(id: MessageId) -> ApiResult<Conversation> {
    let (backend, actor) = call()?;
    answer(backend.chat.show_version(&actor, id).await)
}

#[server(endpoint = "chat/rename_thread")]
pub async fn rename_thread(id: ThreadId, title: String) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.chat.rename_thread(&actor, id, title).await)
}

#[server(endpoint = "chat/delete_thread")]
pub async fn delete_thread(id: ThreadId) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.chat.delete_thread(&actor, id).await)
}

#[server(endpoint = "chat/restore_thread")]
pub async fn restore_thread(id: ThreadId) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.chat.restore_thread(&actor, id).await)
}

#[server(endpoint = "chat/list_models")]
pub async fn list_models() -> ApiResult<Vec<Model>> {
    let (backend, actor) = call()?;
    answer(backend.chat.list_models(&actor).await)
}

/// Streams one JSON [`ChatEvent`](crate::types::ChatEvent) a line, and an empty line when nothing was said for a while.
#[server(endpoint = "chat/start_reply", input = Json, output = Streaming)]
pub async fn start_reply(request: ReplyRequest) -> ApiResult<ByteStream<ApiError>> {
    let (backend, actor) = call()?;
    let reply = answer(backend.chat.start_reply(&actor, request).await)?;
    if let Some(quota) = &reply.quota {
        set_quota_headers(quota);
    }
    set_stream_headers();
    Ok(json_lines(reply))
}

/// Streams one JSON [`ChatEvent`](crate::types::ChatEvent) a line.
#[server(endpoint = "chat/follow_reply", input = Json, output = Streaming)]
pub async fn follow_reply(id: GenerationId, after_seq: u32) -> ApiResult<ByteStream<ApiError>> {
    let (backend, actor) = call()?;
    let reply = answer(backend.chat.follow_reply(&actor, id, after_seq).await)?;
    set_stream_headers();
    Ok(json_lines(reply))
}

#[server(endpoint = "chat/stop_reply")]
pub async fn stop_reply(id: GenerationId) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.chat.stop_reply(&actor, id).await)
}

#[server(endpoint = "chat/rate_reply")]
pub async fn rate_reply(id: MessageId, rating: Rating) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.chat.rate_reply(&actor, id, rating).await)
}

#[server(endpoint = "chat/take_rating_back")]
pub async fn take_rating_back(id: MessageId) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.chat.take_rating_back(&actor, id).await)
}

/// One event a line; an empty line whenever nothing was said for a while, so that both ends notice a dead connection.
#[cfg(feature = "ssr")]
fn json_lines(reply: ReplyStream) -> ByteStream<ApiError> {
    use std::time::Duration;

    use futures::{StreamExt, stream};

    const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);

    let lines = stream::unfold(reply.events, |mut events| async {
        match tokio::time::timeout(HEARTBEAT_EVERY, events.next()).await {
            Ok(event) => Some((to_line(&event?), events)),
            Err(_) => Some((Ok(b"\n".to_vec()), events)),
        }
    });
    ByteStream::new(lines)
}

#[cfg(feature = "ssr")]
fn to_line(event: &ChatEvent) -> ApiResult<Vec<u8>> {
    let mut line = serde_json::to_vec(event).map_err(|_| ApiError::Connection)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::time::Duration;

    use futures::{StreamExt, stream};
    use tokio::time::{Instant, sleep};

    use super::{ReplyStream, json_lines};
    use crate::types::{ChatEvent, ChatEventKind};

    #[tokio::test(start_paused = true)]
    async fn while_nothing_is_said_an_empty_line_comes_every_fifteen_seconds() {
        let late = stream::once(async {
            sleep(Duration::from_secs(40)).await;
            ChatEvent { seq: 1, kind: ChatEventKind::Text { text: "a".to_owned() } }
        });
        let began = Instant::now();
        let lines = json_lines(ReplyStream { events: late.boxed(), quota: None }).into_inner();
        let lines: Vec<_> =
            lines.map(|line| (began.elapsed().as_secs(), line.expect("a line").to_vec())).collect().await;
        let event = b"{\"seq\":1,\"type\":\"text\",\"text\":\"a\"}\n";
        assert_eq!(lines, [(15, b"\n".to_vec()), (30, b"\n".to_vec()), (40, event.to_vec())]);
    }
}
