//! What Redis must still be told, because it was away when it happened. Otherwise a reply that ended in an outage would
//! count as being written until its lease ends.

use std::sync::{Mutex, PoisonError};

use super::windows::{Action, Rates};

/// Beyond this the oldest are given up: they stop counting by themselves, only later.
const MOST: usize = 10_000;

pub(super) struct MissedCall {
    pub(super) action: Action,
    pub(super) key: String,
    pub(super) rates: Rates,
}

#[derive(Default)]
pub(super) struct MissedCalls(Mutex<Vec<MissedCall>>);

impl MissedCalls {
    pub(super) fn add(&self, calls: impl IntoIterator<Item = MissedCall>) {
        let mut missed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        missed.extend(calls);
        let excess = missed.len().saturating_sub(MOST);
        missed.drain(..excess);
    }

    pub(super) fn take(&self) -> Vec<MissedCall> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
