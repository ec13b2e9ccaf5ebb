//! The replies that somebody follows in this process: their events so far, for everybody who follows.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

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
    /// Its hold could not be renewed in time, so its money is no longer set aside.
    HoldLost,
}

/// Where a reply is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// By a task of this process.
    Here,
    /// By another process; read from the stream log.
    Elsewhere,
}

/// A follower has copies of at most so many events, however far behind it is.
const MOST_AT_ONCE: usize = 64;

/// One reply. Followers read the same list, each at its own pace, so a slow one costs next to no memory.
pub(super) struct LiveReply {
    account_id: AccountId,
    origin: Origin,
    events: Mutex<Vec<ChatEvent>>,
    /// Wakes followers; true when no more events will come.
    is_closed: watch::Sender<bool>,
    cancelled: CancellationToken,
    cancel_reason: OnceLock<CancelReason>,
    /// This process is told to end.
    is_ending: CancellationToken,
}

impl LiveReply {
    fn new(account_id: AccountId, origin: Origin, is_ending: CancellationToken) -> Self {
        Self {
            account_id,
            origin,
            events: Mutex::default(),
            is_closed: watch::Sender::new(false),
            cancelled: CancellationToken::new(),
            cancel_reason: OnceLock::new(),
            is_ending,
        }
    }

    /// Adds events, which must be numbered on from those before.
    pub(super) fn show(&self, new: Vec<ChatEvent>) {
        self.lock().extend(new);
        self.is_closed.send_modify(|_| {});
    }

    pub(super) fn close(&self) {
        self.is_closed.send_replace(true);
    }

    pub(super) fn is_written_here(&self) -> bool {
        self.origin == Origin::Here
    }

    pub(super) fn has_followers(&self) -> bool {
        self.is_closed.receiver_count() > 0
    }

    /// The events after number `after_seq`, then those to come, until the reply is closed.
    pub(super) fn follow(self: &Arc<Self>, after_seq: u32) -> BoxStream<'static, ChatEvent> {
        let follower = Follower::new(self.clone(), after_seq);
        stream::unfold(follower, Follower::next).flat_map(stream::iter).boxed()
    }

    /// All events, for the one who asked and who alone wants the reply: it is stopped when they leave.
    pub(super) fn attend(self: &Arc<Self>) -> BoxStream<'static, ChatEvent> {
        let attendance = Attendance(self.clone());
        self.follow(0)
            .map(move |event| {
                let _lasts_as_long = &attendance;
                event
            })
            .boxed()
    }

    /// All events so far.
    pub(super) fn shown(&self) -> Vec<ChatEvent> {
        self.lock().clone()
    }

    /// The next events after this number.
    fn after(&self, seen: u32) -> Vec<ChatEvent> {
        let events = self.lock();
        let new = &events[events.partition_point(|event| event.seq <= seen)..];
        new[..new.len().min(MOST_AT_ONCE)].to_vec()
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

    fn lock(&self) -> MutexGuard<'_, Vec<ChatEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops the reply when dropped. One that has ended stays as it is.
struct Attendance(Arc<LiveReply>);

impl Drop for Attendance {
    fn drop(&mut self) {
        self.0.cancel(CancelReason::Stopped);
    }
}

/// Somebody who reads, at their own pace.
struct Follower {
    reply: Arc<LiveReply>,
    changes: watch::Receiver<bool>,
    /// The number of the last event that was taken.
    seen: u32,
    /// Of this process. It is told once.
    has_heard_of_end: bool,
}

impl Follower {
    fn new(reply: Arc<LiveReply>, seen: u32) -> Self {
        let has_heard_of_end = !reply.is_written_here();
        Self { changes: reply.is_closed.subscribe(), reply, seen, has_heard_of_end }
    }

    /// What is new, as soon as something is. None: nothing will be any more.
    async fn next(mut self) -> Option<(Vec<ChatEvent>, Self)> {
        loop {
            // Read before the events, so that one shown in between is not missed.
            let is_closed = *self.changes.borrow_and_update();
            let new = self.reply.after(self.seen);
            if let Some(last) = new.last() {
                self.seen = last.seq;
                return Some((new, self));
            }
            if is_closed {
                return None;
            }
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                () = self.reply.is_ending.cancelled(), if !self.has_heard_of_end => {
                    self.has_heard_of_end = true;
                    let draining = ChatEvent { seq: self.seen, kind: ChatEventKind::Draining };
                    return Some((vec![draining], self));
                }
            }
        }
    }
}

#[derive(Clone)]
pub(super) struct LiveReplies {
    replies: Arc<Mutex<HashMap<GenerationId, Arc<LiveReply>>>>,
    is_ending: CancellationToken,
}

impl LiveReplies {
    /// When `is_ending` is cancelled, whoever follows a reply written here is told.
    pub(super) fn new(is_ending: CancellationToken) -> Self {
        Self { replies: Arc::default(), is_ending }
    }

    /// A reply that will be written here.
    pub(super) fn insert(&self, id: GenerationId, account_id: AccountId) -> LiveEntry {
        let reply = Arc::new(LiveReply::new(account_id, Origin::Here, self.is_ending.clone()));
        self.lock().insert(id, reply.clone());
        LiveEntry { replies: self.clone(), id, reply }
    }

    /// A reply written elsewhere; the entry comes with the first follower, who must see that it is fed.
    pub(super) fn mirror(
        &self,
        id: GenerationId,
        account_id: AccountId,
    ) -> (Arc<LiveReply>, Option<LiveEntry>) {
        let mut replies = self.lock();
        if let Some(reply) = replies.get(&id) {
            return (reply.clone(), None);
        }
        let reply = Arc::new(LiveReply::new(account_id, Origin::Elsewhere, self.is_ending.clone()));
        replies.insert(id, reply.clone());
        (reply.clone(), Some(LiveEntry { replies: self.clone(), id, reply }))
    }

    /// Another account's reply is like a missing one.
    pub(super) fn find(&self, id: GenerationId, account_id: AccountId) -> Option<Arc<LiveReply>> {
        self.lock().get(&id).filter(|reply| reply.account_id == account_id).cloned()
    }

    /// Ends a reply if it is written here; one that is only followed here goes on.
    pub(super) fn cancel(&self, id: GenerationId, reason: CancelReason) {
        if let Some(reply) = self.lock().get(&id) {
            reply.cancel(reason);
        }
    }

    pub(super) fn cancel_all(&self, reason: CancelReason) {
        self.lock().values().for_each(|reply| reply.cancel(reason));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GenerationId, Arc<LiveReply>>> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a reply among the live ones; closes it and takes it out when dropped, however its task ends.
pub(super) struct LiveEntry {
    replies: LiveReplies,
    id: GenerationId,
    reply: Arc<LiveReply>,
}

impl LiveEntry {
    pub(super) fn id(&self) -> GenerationId {
        self.id
    }
}

impl Deref for LiveEntry {
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
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn text(seq: u32) -> ChatEvent {
        ChatEvent { seq, kind: ChatEventKind::Text { text: format!("{seq} ") } }
    }

    fn entry() -> (LiveReplies, LiveEntry, AccountId) {
        let replies = LiveReplies::new(CancellationToken::new());
        let account_id = AccountId(Uuid::now_v7());
        let entry = replies.insert(GenerationId(Uuid::now_v7()), account_id);
        (replies, entry, account_id)
    }

    #[tokio::test]
    async fn a_late_follower_sees_the_same_events_as_an_early_one() {
        let (replies, entry, account_id) = entry();
        let id = entry.id();
        let early = entry.follow(0);
        entry.show(vec![text(1), text(2)]);
        let (late, resumed) = (entry.follow(0), entry.follow(1));
        entry.show(vec![text(3)]);
        drop(entry);

        let early: Vec<_> = early.collect().await;
        assert_eq!(early, [text(1), text(2), text(3)]);
        assert_eq!(late.collect::<Vec<_>>().await, early);
        assert_eq!(resumed.collect::<Vec<_>>().await, early[1..]);
        assert!(replies.find(id, account_id).is_none());
    }

    /// (15)
    #[tokio::test]
    async fn a_follower_who_is_far_behind_has_copies_of_few_events() {
        let (_, entry, _) = entry();
        entry.show((1..=10_000).map(text).collect());
        let follower = Follower::new(entry.clone(), 0);
        let (first, follower) = follower.next().await.expect("events");
        let (second, _) = follower.next().await.expect("events");
        assert_eq!((first.len(), second.len()), (MOST_AT_ONCE, MOST_AT_ONCE));
        drop(entry);
    }

    #[tokio::test]
    async fn another_account_finds_nothing() {
        let (replies, entry, _) = entry();
        assert!(replies.find(entry.id(), AccountId(Uuid::now_v7())).is_none());
    }

    proptest! {
        /// Batches of events come in; after each, a reader takes a few and may lose the connection and come back.
        #[test]
        fn any_schedule_of_disconnects_and_reconnects_yields_exactly_the_log(
            schedule in prop::collection::vec((1u32..5, 0usize..6, any::<bool>()), 1..40),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                let (_, entry, _) = entry();
                let (mut written, mut seen) = (0, Vec::new());
                let mut reader = entry.follow(0);
                for (count, reads, reconnects) in schedule {
                    entry.show((written + 1..=written + count).map(text).collect());
                    written += count;
                    for _ in 0..reads.min(written as usize - seen.len()) {
                        seen.extend(reader.next().await);
                    }
                    if reconnects {
                        reader = entry.follow(seen.len() as u32);
                    }
                }
                drop(entry);
                seen.extend(reader.collect::<Vec<_>>().await);
                assert_eq!(seen, (1..=written).map(text).collect::<Vec<_>>());
            });
        }
    }
}
