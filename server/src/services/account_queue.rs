//! One at a time for each account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use app::types::AccountId;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard, OwnedMutexGuard, Semaphore, TryLockError};

use crate::store::snapshot::Snapshot;

/// So many requests of an account may wait to be admitted: several times what any plan lets be answered at a time. One
/// that is refused for it is told at once, instead of after a wait that nobody has the patience for.
pub(super) const MOST_WAITING: u32 = 128;

/// Lets one request of an account through at a time. The version of the books is what makes money exact; this queue keeps
/// the waiters of one busy account from holding every database connection, and remembers what was last written of the books.
#[derive(Clone, Default)]
pub(super) struct AccountQueue {
    accounts: Arc<Mutex<HashMap<AccountId, Entry>>>,
}

/// What this process has seen of an account's books last. None: nothing, or it is not known what has become of it.
type Seen = Option<Snapshot>;

/// An account's turn, with what was seen last.
pub(super) type Turn = OwnedMutexGuard<Seen>;

struct Entry {
    seen: Weak<AsyncMutex<Seen>>,
    waiting: Arc<Semaphore>,
}

/// An account has a place as long as somebody keeps it, or has its turn.
pub(super) struct Place {
    seen: Arc<AsyncMutex<Seen>>,
    /// Who may wait besides.
    waiting: Arc<Semaphore>,
}

impl AccountQueue {
    /// Waits for the account's turn, which lasts until the guard is dropped.
    pub(super) async fn turn(&self, id: AccountId) -> Turn {
        self.place(id).seen.lock_owned().await
    }

    /// For whoever has replies in progress: what was seen is remembered meanwhile.
    pub(super) fn place(&self, id: AccountId) -> Place {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = accounts.get(&id).and_then(Entry::place);
        known.unwrap_or_else(|| {
            accounts.retain(|_, entry| entry.seen.strong_count() > 0);
            let place = Place::new();
            accounts.insert(id, place.entry());
            place
        })
    }
}

impl Place {
    fn new() -> Self {
        Self { seen: Arc::default(), waiting: Arc::new(Semaphore::new(MOST_WAITING as usize)) }
    }

    fn entry(&self) -> Entry {
        Entry { seen: Arc::downgrade(&self.seen), waiting: self.waiting.clone() }
    }

    /// Waits for the account's turn like everybody else. None, at once: too many requests wait already.
    pub(super) async fn turn_of_request(&self) -> Option<Turn> {
        let _waiting = self.waiting.try_acquire().ok()?;
        Some(self.seen.clone().lock_owned().await)
    }

    /// For whoever cannot wait.
    pub(super) fn try_lock(&self) -> Result<MutexGuard<'_, Seen>, TryLockError> {
        self.seen.try_lock()
    }
}

impl Entry {
    fn place(&self) -> Option<Place> {
        Some(Place { seen: self.seen.upgrade()?, waiting: self.waiting.clone() })
    }
}
