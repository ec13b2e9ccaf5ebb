//! One at a time for each account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use app::types::AccountId;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Lets one request of an account through at a time. PostgreSQL's row lock is what makes money exact; this queue only
/// keeps the waiters of one busy account from holding every database connection while they wait for that lock.
#[derive(Clone, Default)]
pub(super) struct AccountQueue {
    accounts: Arc<Mutex<HashMap<AccountId, Weak<AsyncMutex<()>>>>>,
}

impl AccountQueue {
    /// Waits for the account's turn, which lasts until the guard is dropped.
    pub(super) async fn turn(&self, id: AccountId) -> OwnedMutexGuard<()> {
        self.mutex(id).lock_owned().await
    }

    fn mutex(&self, id: AccountId) -> Arc<AsyncMutex<()>> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mutex) = accounts.get(&id).and_then(Weak::upgrade) {
            return mutex;
        }
        accounts.retain(|_, mutex| mutex.strong_count() > 0);
        let mutex = Arc::new(AsyncMutex::new(()));
        accounts.insert(id, Arc::downgrade(&mutex));
        mutex
    }
}
