//! What Redis must still be told, because it was away when it happened: what was admitted without it, and what has ended.
//! Otherwise each outage would grant its own share anew, and a reply that ended in it would count as being written until
//! its lease ends.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::windows::{Action, Rates};

/// Beyond this the oldest are given up: they stop counting by themselves, only later.
const MOST: usize = 10_000;

/// Told in one go: a few milliseconds of Redis' time.
const BATCH: usize = 100;

pub(super) struct MissedCall {
    pub(super) action: Action,
    pub(super) key: String,
    pub(super) rates: Rates,
}

#[derive(Default)]
pub(super) struct MissedCalls(Mutex<Backlog>);

#[derive(Default)]
struct Backlog {
    /// In the order in which they happened.
    calls: VecDeque<MissedCall>,
    /// Somebody tells them, until none is left.
    is_told: bool,
}

impl Backlog {
    fn give_up_oldest(&mut self) {
        let excess = self.calls.len().saturating_sub(MOST);
        self.calls.drain(..excess);
    }
}

impl MissedCalls {
    /// True: nobody tells them yet, so whoever adds this one must begin to.
    pub(super) fn add(&self, call: MissedCall) -> bool {
        let mut backlog = self.lock();
        backlog.calls.push_back(call);
        backlog.give_up_oldest();
        !std::mem::replace(&mut backlog.is_told, true)
    }

    /// What happens now must be told after what waits here, or is on its way.
    pub(super) fn are_waiting(&self) -> bool {
        self.lock().is_told
    }

    /// The next ones to be told. None: that was all, and nobody tells them any more.
    pub(super) fn next_batch(&self) -> Option<Vec<MissedCall>> {
        let mut backlog = self.lock();
        let count = backlog.calls.len().min(BATCH);
        backlog.is_told = count > 0;
        (count > 0).then(|| backlog.calls.drain(..count).collect())
    }

    /// Redis is still away.
    pub(super) fn put_back(&self, batch: Vec<MissedCall>) {
        let mut backlog = self.lock();
        for call in batch.into_iter().rev() {
            backlog.calls.push_front(call);
        }
        backlog.give_up_oldest();
    }

    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
