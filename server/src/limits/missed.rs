//! What Redis must still be told, because it was away when it happened: what was admitted without it, and what has ended.
//! Otherwise each outage would grant its own share anew, and a reply that ended in it would count as being written until
//! its lease ends.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::windows::{Action, Rates};

/// Beyond this the oldest are given up, beginning with requests: a reply whose end is not told keeps its place until its
/// lease ends, while a request that is not told only leaves its account more.
const MOST: usize = 10_000;

/// Told in one go: a few milliseconds of Redis' time.
const BATCH: usize = 100;

pub(super) struct MissedCall {
    pub(super) action: Action,
    pub(super) key: String,
    pub(super) rates: Rates,
    /// Redis has not heard of this request yet.
    pub(super) is_news: bool,
}

#[derive(Default)]
pub(super) struct MissedCalls(Mutex<Backlog>);

/// Each in the order in which they happened. Requests are told first, so that Redis knows of a reply before it hears of its
/// end.
#[derive(Default)]
struct Backlog {
    /// To be counted, or to be forgotten.
    requests: VecDeque<MissedCall>,
    /// Replies that have ended.
    ends: VecDeque<MissedCall>,
    /// Somebody tells them, until none is left.
    is_told: bool,
}

impl Backlog {
    fn line_of(&mut self, action: Action) -> &mut VecDeque<MissedCall> {
        if matches!(action, Action::Finish(..)) { &mut self.ends } else { &mut self.requests }
    }

    fn give_up_oldest(&mut self) {
        while self.requests.len() + self.ends.len() > MOST {
            if self.requests.pop_front().is_none() {
                self.ends.pop_front();
            }
        }
    }

    fn take_batch(&mut self) -> Vec<MissedCall> {
        let requests = self.requests.len().min(BATCH);
        let ends = self.ends.len().min(BATCH - requests);
        self.requests.drain(..requests).chain(self.ends.drain(..ends)).collect()
    }
}

impl MissedCalls {
    /// True: nobody tells them yet, so whoever adds this one must begin to.
    pub(super) fn add(&self, call: MissedCall) -> bool {
        let mut backlog = self.lock();
        backlog.line_of(call.action).push_back(call);
        backlog.give_up_oldest();
        !std::mem::replace(&mut backlog.is_told, true)
    }

    /// A request that is not to be counted after all, so that refusals in an outage push out nothing of others. False: Redis
    /// may know of it already.
    pub(super) fn take_back(&self, id: Uuid) -> bool {
        let mut backlog = self.lock();
        let is_it =
            |call: &MissedCall| call.is_news && matches!(call.action, Action::Count(of, _) if of == id);
        let found = backlog.requests.iter().rposition(is_it);
        found.and_then(|index| backlog.requests.remove(index)).is_some()
    }

    /// What happens now must be told after what waits here, or is on its way.
    pub(super) fn are_waiting(&self) -> bool {
        self.lock().is_told
    }

    /// The next ones to be told. None: that was all, and nobody tells them any more.
    pub(super) fn next_batch(&self) -> Option<Vec<MissedCall>> {
        let mut backlog = self.lock();
        let batch = backlog.take_batch();
        backlog.is_told = !batch.is_empty();
        backlog.is_told.then_some(batch)
    }

    /// Redis is still away, and may have heard of some of them.
    pub(super) fn put_back(&self, batch: Vec<MissedCall>) {
        let mut backlog = self.lock();
        for call in batch.into_iter().rev() {
            backlog.line_of(call.action).push_front(MissedCall { is_news: false, ..call });
        }
        backlog.give_up_oldest();
    }

    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(action: Action) -> MissedCall {
        MissedCall { action, key: "ada".to_owned(), rates: Rates::default(), is_news: true }
    }

    fn told(missed: &MissedCalls) -> Vec<Action> {
        std::iter::from_fn(|| missed.next_batch()).flatten().map(|call| call.action).collect()
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn the_end_of_a_reply_is_told_however_many_requests_came_after_it() {
        let missed = MissedCalls::default();
        missed.add(call(Action::Finish(id(1), 7)));
        let flood = (2..).map(id).take(MOST);
        for (number, id) in flood.enumerate() {
            missed.add(call(if number % 2 == 0 { Action::Forget(id) } else { Action::Count(id, 1) }));
        }
        let told = told(&missed);
        assert_eq!((told.len(), told.last()), (MOST, Some(&Action::Finish(id(1), 7))));
        assert_eq!(told[0], Action::Count(id(3), 1), "the oldest request is given up");
    }

    #[test]
    fn a_request_is_told_before_its_end_also_when_redis_stays_away() {
        let missed = MissedCalls::default();
        missed.add(call(Action::Finish(id(1), 7)));
        missed.add(call(Action::Count(id(2), 9)));
        let batch = missed.next_batch().expect("two");
        missed.add(call(Action::Finish(id(2), 8)));
        missed.put_back(batch);
        let expected = [Action::Count(id(2), 9), Action::Finish(id(1), 7), Action::Finish(id(2), 8)];
        assert_eq!(told(&missed), expected);
        assert!(!missed.are_waiting());
    }

    #[test]
    fn a_request_that_redis_may_know_of_is_not_taken_back() {
        let missed = MissedCalls::default();
        missed.add(call(Action::Count(id(1), 1)));
        missed.add(MissedCall { is_news: false, ..call(Action::Count(id(2), 1)) });
        assert!(missed.take_back(id(1)) && !missed.take_back(id(1)) && !missed.take_back(id(2)));
        missed.add(call(Action::Count(id(3), 1)));
        let batch = missed.next_batch().expect("two");
        assert!(!missed.take_back(id(3)), "it is on its way");
        missed.put_back(batch);
        assert!(!missed.take_back(id(3)), "and may have arrived");
        assert_eq!(told(&missed), [Action::Count(id(2), 1), Action::Count(id(3), 1)]);
    }
}
