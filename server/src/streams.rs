//! The log of each reply's events in a Redis Stream, from which any process can replay and follow it.
//!
//! The writer logs before it shows, so whatever a reader has seen can be read again. A log that fails is given up for
//! that reply: the live stream goes on, and resuming degrades to the saved message. No money depends on it.

mod news;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use app::types::{ChatEvent, GenerationId};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::streams::StreamRangeReply;
use redis::{Client, RedisError, RedisResult};
use secrecy::ExposeSecret;

pub use self::news::LogWatch;
use self::news::News;
use crate::config::RedisConfig;
use crate::outage::Outage;

/// Redis answers in well under a millisecond. One that needs longer than this is treated as away.
const REDIS_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a log can be read after its last event.
const TTL_SECONDS: i64 = 3600;

/// A log takes up to so many bytes of JSON and is given up beyond, rather than cut at its beginning. A piece of text takes
/// some 50 bytes more than its letters, so an answer of 200,000 tokens in as many pieces fits.
const MAX_BYTES: usize = 16 << 20;

/// So many entries are read at once, so that none of Redis' answers takes long.
const ENTRIES_AT_ONCE: usize = 1000;

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
    #[error("no answer a moment ago")]
    Silent,
    #[error("an entry makes no sense")]
    Unreadable,
    #[error("what was logged before is gone")]
    Forgotten,
    #[error("the answer is too long for a log")]
    Full,
}

/// Part of a log.
#[derive(Debug, Default)]
pub struct LogPage {
    /// Numbered on from the number asked for, without gaps.
    pub events: Vec<ChatEvent>,
    /// Nothing will follow.
    pub is_complete: bool,
    /// Something that came after these events is lost, so whatever else is there is of no use.
    pub is_broken: bool,
}

/// All logs. Cheap to clone; all clones know of the same outage.
#[derive(Clone)]
pub struct StreamLog {
    commands: ConnectionManager,
    outage: Arc<Mutex<Outage>>,
    news: News,
    key_prefix: String,
}

impl StreamLog {
    /// Does not connect yet.
    ///
    /// # Errors
    /// When the URL makes no sense.
    pub fn new(config: &RedisConfig) -> RedisResult<Self> {
        let client = Client::open(config.url.expose_secret())?;
        Ok(Self {
            commands: ConnectionManager::new_lazy_with_config(client.clone(), settings())?,
            outage: Arc::default(),
            news: News::new(client)?,
            key_prefix: config.key_prefix.clone(),
        })
    }

    /// For whoever writes this reply.
    pub fn writer(&self, id: GenerationId) -> LogWriter {
        LogWriter { log: self.clone(), key: self.key(id), bytes: 0 }
    }

    /// The events after number `after_seq` that are there now.
    ///
    /// # Errors
    /// When Redis does not answer, or with something else.
    pub async fn read(&self, id: GenerationId, after_seq: u32) -> Result<LogPage, StreamLogError> {
        let (key, mut after) = (self.key(id), format!("{after_seq}-0"));
        let (mut page, mut last_seq) = (LogPage::default(), after_seq);
        loop {
            let entries = self.entries(&key, &after).await?;
            for entry in &entries.ids {
                let lines: Vec<u8> = entry.get(EVENTS).ok_or(StreamLogError::Unreadable)?;
                let events = from_lines(&lines).ok_or(StreamLogError::Unreadable)?;
                // An entry of several events may begin before the number asked for.
                for event in events.into_iter().filter(|event| event.seq > after_seq) {
                    if event.seq != last_seq + 1 {
                        return Ok(LogPage { is_broken: true, ..page });
                    }
                    last_seq = event.seq;
                    page.events.push(event);
                }
                page.is_complete = entry.map.contains_key(LAST);
            }
            match entries.ids.last() {
                Some(last) if entries.ids.len() == ENTRIES_AT_ONCE => after.clone_from(&last.id),
                _ => return Ok(page),
            }
        }
    }

    async fn entries(&self, key: &str, after: &str) -> Result<StreamRangeReply, StreamLogError> {
        let mut range = redis::cmd("XRANGE");
        range.arg(key).arg(format!("({after}")).arg("+").arg("COUNT").arg(ENTRIES_AT_ONCE);
        self.ask(|mut redis| async move { range.query_async(&mut redis).await }).await
    }

    /// Wakes up whenever something was added, by any process. News that were lost on the way wake nobody, so look at
    /// the log from time to time as well.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn watch(&self, id: GenerationId) -> Result<LogWatch, StreamLogError> {
        self.news.watch(self.key(id)).await
    }

    /// Redis' answer. One that refuses costs nobody any time; one that is silent is waited for by one caller a second.
    async fn ask<T, F>(&self, question: impl FnOnce(ConnectionManager) -> F) -> Result<T, StreamLogError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        if !self.outage().may_ask(Instant::now()) {
            return Err(StreamLogError::Silent);
        }
        let answer = within_timeout(question(self.commands.clone())).await;
        match &answer {
            Err(StreamLogError::TimedOut) => self.outage().begin(Instant::now()),
            _ => self.outage().end(),
        };
        answer
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, id: GenerationId) -> String {
        format!("{}reply:{id}", self.key_prefix)
    }
}

/// Writes the log of one reply.
pub struct LogWriter {
    log: StreamLog,
    key: String,
    bytes: usize,
}

impl LogWriter {
    /// Adds the events up to number `last_seq`, which must be numbered on from those before, or be all from the first on;
    /// the end may come without any. One round trip.
    ///
    /// # Errors
    /// `Forgotten`: Redis has lost what was there, and nothing was added. `Full`: nothing was added and nothing will be.
    pub async fn append(
        &mut self,
        last_seq: u32,
        events: &[ChatEvent],
        is_last: bool,
    ) -> Result<(), StreamLogError> {
        if events.is_empty() && !is_last {
            return Ok(());
        }
        let (is_first, lines) = (events.first().is_some_and(|event| event.seq == 1), to_lines(events));
        self.bytes = if is_first { lines.len() } else { self.bytes + lines.len() };
        if self.bytes > MAX_BYTES {
            return Err(StreamLogError::Full);
        }
        let mut add = redis::cmd("XADD");
        add.arg(&self.key);
        if !is_first {
            add.arg("NOMKSTREAM");
        }
        // Ids must grow, also when the end comes after the last event.
        add.arg(format!("{last_seq}-{}", u8::from(is_last))).arg(EVENTS).arg(lines);
        if is_last {
            add.arg(LAST).arg(1);
        }
        let mut pipeline = redis::pipe();
        pipeline.add_command(add);
        pipeline.expire(&self.key, TTL_SECONDS).ignore();
        pipeline.publish(&self.key, "").ignore();
        let ask = |mut redis| async move { pipeline.query_async::<(Option<String>,)>(&mut redis).await };
        let (added,) = self.log.ask(ask).await?;
        added.map(|_| ()).ok_or(StreamLogError::Forgotten)
    }
}

fn settings() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(REDIS_TIMEOUT))
        // `within_timeout` covers it, with the reconnection.
        .set_response_timeout(None)
        .set_number_of_retries(1)
}

async fn within_timeout<T>(answer: impl Future<Output = RedisResult<T>>) -> Result<T, StreamLogError> {
    match tokio::time::timeout(REDIS_TIMEOUT, answer).await {
        Ok(Err(error)) if error.is_timeout() => Err(StreamLogError::TimedOut),
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use app::types::ChatEventKind;
    use tokio::net::TcpListener;
    use uuid::Uuid;

    use super::*;

    /// (24)
    #[tokio::test]
    async fn not_every_reply_waits_for_a_redis_that_does_not_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("redis://{}/", listener.local_addr().expect("an address"));
        let connections = AtomicUsize::new(0);
        let counting = async {
            let mut open = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                open.push(stream);
            }
        };
        let writing = async {
            let config = RedisConfig { url: url.into(), key_prefix: String::new() };
            let log = StreamLog::new(&config).expect("a log");
            let event = ChatEvent { seq: 1, kind: ChatEventKind::Text { text: "a".to_owned() } };
            for _ in 0..500 {
                let mut writer = log.writer(GenerationId(Uuid::now_v7()));
                assert!(writer.append(1, std::slice::from_ref(&event), false).await.is_err());
            }
        };
        tokio::select! {
            () = counting => {}
            () = writing => {}
        }
        let connections = connections.load(Ordering::Relaxed);
        assert!((1..20).contains(&connections), "{connections} connections for 500 replies");
    }
}
