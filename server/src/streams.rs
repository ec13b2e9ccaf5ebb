//! The log of each reply's events in a Redis Stream, from which any process can replay and follow it.
//!
//! The writer logs before it shows, so whatever a reader has seen can be read again. A log that fails is given up for
//! that reply: the live stream goes on, and resuming degrades to the saved message. No money depends on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::types::{ChatEvent, GenerationId};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::streams::StreamRangeReply;
use redis::{Client, ProtocolVersion, PushInfo, PushKind, RedisError, RedisResult, Value};
use secrecy::ExposeSecret;
use tokio::sync::watch;

use crate::config::RedisConfig;

/// Redis answers in well under a millisecond. One that needs longer than this is treated as away.
const REDIS_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a log can be read after its last event.
const TTL_SECONDS: i64 = 3600;

/// A log holds at most about this many entries; no answer within its output cap comes near.
const MAX_ENTRIES: usize = 20_000;

/// The field with the events, one JSON object a line.
const EVENTS: &str = "events";
/// The field that says no entry will follow.
const LAST: &str = "last";

#[derive(Debug, thiserror::Error)]
pub enum StreamLogError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("no answer in time")]
    TimedOut,
    #[error("an entry makes no sense")]
    Unreadable,
}

/// Part of a log.
#[derive(Debug, Default)]
pub struct LogPage {
    pub events: Vec<ChatEvent>,
    /// Nothing will follow.
    pub is_complete: bool,
}

/// All logs. Cheap to clone.
#[derive(Clone)]
pub struct StreamLog {
    commands: ConnectionManager,
    /// The one connection of this process on which the news of all followed logs arrive.
    subscriptions: ConnectionManager,
    watchers: Watchers,
    key_prefix: String,
}

impl StreamLog {
    /// Does not connect yet.
    ///
    /// # Errors
    /// When the URL makes no sense.
    pub fn new(config: &RedisConfig) -> RedisResult<Self> {
        let client = Client::open(config.url.expose_secret())?;
        let watchers = Watchers::default();
        Ok(Self {
            commands: ConnectionManager::new_lazy_with_config(client.clone(), settings())?,
            subscriptions: subscriptions(client, watchers.clone())?,
            watchers,
            key_prefix: config.key_prefix.clone(),
        })
    }

    /// Adds the events up to number `last_seq`, which must be numbered on from those before; the end may come without
    /// any. One round trip.
    pub async fn append(
        &self,
        id: GenerationId,
        last_seq: u32,
        events: &[ChatEvent],
        is_last: bool,
    ) -> Result<(), StreamLogError> {
        if events.is_empty() && !is_last {
            return Ok(());
        }
        let key = self.key(id);
        // Ids must grow, also when the end comes after the last event.
        let entry_id = format!("{last_seq}-{}", u8::from(is_last));
        let mut add = redis::cmd("XADD");
        add.arg(&key).arg("MAXLEN").arg("~").arg(MAX_ENTRIES).arg(entry_id);
        add.arg(EVENTS).arg(to_lines(events));
        if is_last {
            add.arg(LAST).arg(1);
        }
        let mut pipeline = redis::pipe();
        pipeline.add_command(add).ignore();
        if is_last || events.first().is_some_and(|event| event.seq == 1) {
            pipeline.expire(&key, TTL_SECONDS).ignore();
        }
        pipeline.publish(&key, "").ignore();
        let mut redis = self.commands.clone();
        within_timeout(pipeline.query_async(&mut redis)).await
    }

    /// The events after number `after_seq` that are there now.
    pub async fn read(&self, id: GenerationId, after_seq: u32) -> Result<LogPage, StreamLogError> {
        let mut redis = self.commands.clone();
        let mut range = redis::cmd("XRANGE");
        range.arg(self.key(id)).arg(format!("({after_seq}-0")).arg("+");
        let reply: StreamRangeReply = within_timeout(range.query_async(&mut redis)).await?;
        let mut page = LogPage::default();
        for entry in reply.ids {
            let lines: Vec<u8> = entry.get(EVENTS).ok_or(StreamLogError::Unreadable)?;
            let events = from_lines(&lines).ok_or(StreamLogError::Unreadable)?;
            // An entry of several events may begin before the number asked for.
            page.events.extend(events.into_iter().filter(|event| event.seq > after_seq));
            page.is_complete = entry.map.contains_key(LAST);
        }
        Ok(page)
    }

    /// Wakes up whenever something was added, by any process. News that were lost on the way wake nobody, so look at
    /// the log from time to time as well.
    pub async fn watch(&self, id: GenerationId) -> Result<LogWatch, StreamLogError> {
        let channel = self.key(id);
        let changes = self.watchers.add(&channel);
        let watch = LogWatch { changes, channel: channel.clone(), log: self.clone() };
        let mut subscriptions = self.subscriptions.clone();
        within_timeout(subscriptions.subscribe(&channel)).await?;
        Ok(watch)
    }

    fn key(&self, id: GenerationId) -> String {
        format!("{}reply:{id}", self.key_prefix)
    }
}

/// Follows one log for as long as it lives.
pub struct LogWatch {
    changes: watch::Receiver<()>,
    channel: String,
    log: StreamLog,
}

impl LogWatch {
    pub async fn changed(&mut self) {
        // The sender lives as long as any watch, so this cannot fail.
        self.changes.changed().await.ok();
    }

    /// Stops listening, if nobody else in this process follows the same log.
    pub async fn end(self) {
        let Self { changes, channel, log } = self;
        drop(changes);
        if log.watchers.remove_unused(&channel) {
            let mut subscriptions = log.subscriptions.clone();
            within_timeout(subscriptions.unsubscribe(&channel)).await.ok();
        }
    }
}

/// Who waits for news, by channel.
#[derive(Clone, Default)]
struct Watchers(Arc<Mutex<HashMap<String, watch::Sender<()>>>>);

impl Watchers {
    fn add(&self, channel: &str) -> watch::Receiver<()> {
        self.lock().entry(channel.to_owned()).or_default().subscribe()
    }

    fn wake(&self, channel: &str) {
        if let Some(sender) = self.lock().get(channel) {
            sender.send_replace(());
        }
    }

    fn remove_unused(&self, channel: &str) -> bool {
        let mut watchers = self.lock();
        let is_unused = watchers.get(channel).is_some_and(|sender| sender.receiver_count() == 0);
        if is_unused {
            watchers.remove(channel);
        }
        is_unused
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn settings() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(REDIS_TIMEOUT))
        // `within_timeout` covers it, with the reconnection.
        .set_response_timeout(None)
        .set_number_of_retries(1)
}

/// RESP3 lets subscriptions come and go while messages arrive; after a reconnection they are made again.
fn subscriptions(client: Client, watchers: Watchers) -> RedisResult<ConnectionManager> {
    let info = client.get_connection_info().clone();
    let resp3 = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let settings = settings().set_automatic_resubscription().set_push_sender(move |push: PushInfo| {
        if let (PushKind::Message, Some(Value::BulkString(channel))) = (push.kind, push.data.first())
            && let Ok(channel) = std::str::from_utf8(channel)
        {
            watchers.wake(channel);
        }
        Ok::<_, redis::aio::SendError>(())
    });
    ConnectionManager::new_lazy_with_config(Client::open(info.set_redis_settings(resp3))?, settings)
}

async fn within_timeout<T>(answer: impl Future<Output = RedisResult<T>>) -> Result<T, StreamLogError> {
    match tokio::time::timeout(REDIS_TIMEOUT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StreamLogError::TimedOut),
    }
}

fn to_lines(events: &[ChatEvent]) -> Vec<u8> {
    let mut lines = Vec::new();
    for event in events {
        // These types hold nothing that JSON cannot say.
        if serde_json::to_writer(&mut lines, event).is_ok() {
            lines.push(b'\n');
        }
    }
    lines
}

fn from_lines(lines: &[u8]) -> Option<Vec<ChatEvent>> {
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).ok())
        .collect()
}
