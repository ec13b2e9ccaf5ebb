//! One at a time for each account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use app::types::AccountId;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::store::snapshot::Snapshot;

/// Lets one request of an account through at a time. The version of the books is what makes money exact; this queue keeps
/// the waiters of one busy account from holding every database connection, and remembers what was last written of the books.
#[derive(Clone, Default)]
pub(super) struct AccountQueue {
    accounts: Arc<Mutex<HashMap<AccountId, Weak<AsyncMutex<Seen>>>>>,
}

/// What this process has seen of an account's books last. None: nothing, or it is not known what has become of it.
type Seen = Option<Snapshot>;

/// An account has a place as long as somebody keeps it.
pub(super) type Place = Arc<AsyncMutex<Seen>>;

impl AccountQueue {
    /// Waits for the account's turn, which lasts until the guard is dropped.
    pub(super) async fn turn(&self, id: AccountId) -> OwnedMutexGuard<Seen> {
        self.place(id).lock_owned().await
    }

    /// For whoever has replies in progress: what was seen is remembered meanwhile.
    pub(super) fn place(&self, id: AccountId) -> Place {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = accounts.get(&id).and_then(Weak::upgrade) {
            return place;
        }
        accounts.retain(|_, place| place.strong_count() > 0);
        let place = Place::default();
        accounts.insert(id, Arc::downgrade(&place));
        place
    }
}
