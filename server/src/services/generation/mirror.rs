//! Replies that another process writes, followed through the stream log.

use std::sync::Arc;
use std::time::Duration;

use app::types::{AccountId, GenerationId};

use super::GenerationService;
use super::live::{LiveEntry, LiveReply};
use crate::store::generations;
use crate::streams::{LogPage, LogWatch};

/// News may be lost on the way, and so may the writer: look this often without any.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl GenerationService {
    /// The reply as this process sees it: read once, however many follow it here.
    pub(super) fn mirror(&self, id: GenerationId, account_id: AccountId) -> Arc<LiveReply> {
        let (reply, entry) = self.live.mirror(id, account_id);
        if let Some(entry) = entry {
            let service = self.clone();
            self.mirrors.spawn(async move {
                tokio::select! {
                    () = service.feed(&entry) => {}
                    // Its followers then go on at another process.
                    () = service.is_ending.cancelled() => {}
                }
            });
        }
        reply
    }

    /// Reads the log until the reply has ended or nobody follows any more. When the log cannot be read, has lost something, or
    /// ends without an end because its writer died, the reply closes as soon as it is saved: followers then read what was
    /// saved.
    async fn feed(&self, entry: &LiveEntry) {
        let id = entry.id();
        let mut watch = self.log.watch(id).await.ok();
        let mut last_seq = 0;
        loop {
            let unread = |_| LogPage { is_broken: true, ..LogPage::default() };
            let page = self.log.read(id, last_seq).await.unwrap_or_else(unread);
            last_seq = page.events.last().map_or(last_seq, |event| event.seq);
            entry.show(page.events);
            if page.is_complete {
                break;
            }
            if page.is_broken {
                // News are of no use then.
                tokio::time::sleep(LOOK_EVERY).await;
            }
            let has_news = !page.is_broken && self.has_news(id, &mut watch).await;
            if !has_news && (!entry.has_followers() || self.has_ended(id).await) {
                break;
            }
        }
        if let Some(watch) = watch {
            watch.end().await;
        }
    }

    /// False when none came in time.
    async fn has_news(&self, id: GenerationId, watch: &mut Option<LogWatch>) -> bool {
        let news = async {
            match watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        let has_news = tokio::time::timeout(LOOK_EVERY, news).await.is_ok();
        if watch.is_none() {
            *watch = self.log.watch(id).await.ok();
        }
        has_news
    }

    /// Nobody knows while the database is away.
    async fn has_ended(&self, id: GenerationId) -> bool {
        let Ok(mut conn) = self.db.get().await else { return false };
        generations::has_ended(&mut conn, id).await.unwrap_or(false)
    }
}
