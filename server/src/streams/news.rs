//! News of the logs that are followed in this process, over one connection for all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::aio::ConnectionManager;
use redis::{Client, ProtocolVersion, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::watch;

use super::{StreamLogError, settings, within_timeout};

/// The connection on which the news of all followed logs arrive. Cheap to clone.
#[derive(Clone)]
pub(super) struct News {
    connection: ConnectionManager,
    watchers: Watchers,
}

impl News {
    /// Does not connect yet.
    pub(super) fn new(client: Client) -> RedisResult<Self> {
        let watchers = Watchers::default();
        Ok(Self { connection: subscriptions(client, watchers.clone())?, watchers })
    }

    pub(super) async fn watch(&self, channel: String) -> Result<LogWatch, StreamLogError> {
        let changes = self.watchers.add(&channel);
        let watch = LogWatch { changes, channel: channel.clone(), news: self.clone() };
        let mut connection = self.connection.clone();
        match within_timeout(connection.subscribe(&channel)).await {
            Ok(()) => Ok(watch),
            Err(error) => {
                drop(watch);
                self.watchers.remove_unused(&channel);
                Err(error)
            }
        }
    }
}

/// Follows one log for as long as it lives.
pub struct LogWatch {
    changes: watch::Receiver<()>,
    channel: String,
    news: News,
}

impl LogWatch {
    pub async fn changed(&mut self) {
        // The sender lives as long as any watch, so this cannot fail.
        self.changes.changed().await.ok();
    }

    /// Stops listening, if nobody else in this process follows the same log.
    pub async fn end(self) {
        let Self { changes, channel, news } = self;
        drop(changes);
        if news.watchers.remove_unused(&channel) {
            let mut connection = news.connection.clone();
            within_timeout(connection.unsubscribe(&channel)).await.ok();
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

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
