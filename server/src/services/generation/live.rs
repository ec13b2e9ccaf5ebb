//! The replies being written by this process: their events so far, for everybody who follows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use app::types::{AccountId, ChatEvent, ChatEventKind, GenerationId};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, future};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Why a reply is ended before the model has ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CancelReason {
    /// By the person.
    Stopped,
    ShuttingDown,
}

/// One reply. Followers read the same list, each at its own pace, so a slow one costs no memory.
pub(super) struct LiveReply {
    account_id: AccountId,
    events: Mutex<Vec<ChatEvent>>,
    /// Wakes followers; true when no more events will come.
    is_closed: watch::Sender<bool>,
    cancelled: CancellationToken,
    cancel_reason: OnceLock<CancelReason>,
}

impl LiveReply {
    fn new(account_id: AccountId) -> Self {
        Self {
            account_id,
            events: Mutex::default(),
            is_closed: watch::Sender::new(false),
            cancelled: CancellationToken::new(),
            cancel_reason: OnceLock::new(),
        }
    }

    pub(super) fn push(&self, kind: ChatEventKind) {
        {
            let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            let seq = u32::try_from(events.len() + 1).unwrap_or(u32::MAX);
            events.push(ChatEvent { seq, kind });
        }
        self.is_closed.send_modify(|_| {});
    }

    pub(super) fn close(&self) {
        self.is_closed.send_replace(true);
    }

    /// The events after number `after_seq`, then those to come, until the reply is closed.
    pub(super) fn follow(self: &Arc<Self>, after_seq: u32) -> BoxStream<'static, ChatEvent> {
        let state = (self.clone(), self.is_closed.subscribe(), after_seq as usize);
        let batches = stream::unfold(state, |(reply, mut changes, sent)| async move {
            loop {
                // Read before the events, so that one pushed in between is not missed.
                let is_closed = *changes.borrow_and_update();
                let new = reply.after(sent);
                if !new.is_empty() {
                    let sent = sent + new.len();
                    return Some((new, (reply, changes, sent)));
                }
                if is_closed || changes.changed().await.is_err() {
                    return None;
                }
            }
        });
        batches.flat_map(stream::iter).boxed()
    }

    fn after(&self, sent: usize) -> Vec<ChatEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.get(sent..).map(<[_]>::to_vec).unwrap_or_default()
    }

    /// The first reason counts.
    pub(super) fn cancel(&self, reason: CancelReason) {
        self.cancel_reason.get_or_init(|| reason);
        self.cancelled.cancel();
    }

    /// Waits until somebody cancels.
    pub(super) async fn cancelled(&self) -> CancelReason {
        self.cancelled.cancelled().await;
        match self.cancel_reason.get() {
            Some(reason) => *reason,
            None => future::pending().await,
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct LiveReplies(Arc<Mutex<HashMap<GenerationId, Arc<LiveReply>>>>);

impl LiveReplies {
    pub(super) fn insert(&self, id: GenerationId, account_id: AccountId) -> LiveEntry {
        let reply = Arc::new(LiveReply::new(account_id));
        self.lock().insert(id, reply.clone());
        LiveEntry { replies: self.clone(), id, reply }
    }

    /// Another account's reply is like a missing one.
    pub(super) fn find(&self, id: GenerationId, account_id: AccountId) -> Option<Arc<LiveReply>> {
        self.lock().get(&id).filter(|reply| reply.account_id == account_id).cloned()
    }

    pub(super) fn cancel_all(&self, reason: CancelReason) {
        self.lock().values().for_each(|reply| reply.cancel(reason));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<GenerationId, Arc<LiveReply>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a reply among the live ones; closes it and takes it out when dropped, however its task ends.
pub(super) struct LiveEntry {
    replies: LiveReplies,
    id: GenerationId,
    reply: Arc<LiveReply>,
}

impl std::ops::Deref for LiveEntry {
    type Target = Arc<LiveReply>;

    fn deref(&self) -> &Self::Target {
        &self.reply
    }
}

impl Drop for LiveEntry {
    fn drop(&mut self) {
        self.reply.close();
        self.replies.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn text(text: &str) -> ChatEventKind {
        ChatEventKind::Text { text: text.to_owned() }
    }

    #[tokio::test]
    async fn a_late_follower_sees_the_same_events_as_an_early_one() {
        let replies = LiveReplies::default();
        let (id, account_id) = (GenerationId(Uuid::now_v7()), AccountId(Uuid::now_v7()));
        let entry = replies.insert(id, account_id);
        let early = entry.follow(0);
        entry.push(text("a"));
        entry.push(text("b"));
        let late = entry.follow(0);
        let resumed = entry.follow(1);
        entry.push(text("c"));
        drop(entry);

        let early: Vec<_> = early.collect().await;
        assert_eq!(early.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(late.collect::<Vec<_>>().await, early);
        assert_eq!(resumed.collect::<Vec<_>>().await, early[1..]);
        assert!(replies.find(id, account_id).is_none());
    }

    #[tokio::test]
    async fn another_account_finds_nothing() {
        let replies = LiveReplies::default();
        let id = GenerationId(Uuid::now_v7());
        let _entry = replies.insert(id, AccountId(Uuid::now_v7()));
        assert!(replies.find(id, AccountId(Uuid::now_v7())).is_none());
    }
}
