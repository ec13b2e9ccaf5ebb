//! Keeps which requests failed, for operators.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio_util::task::TaskTracker;

use crate::store::Db;
use crate::store::failed_requests;
pub(crate) use crate::store::failed_requests::NewFailedRequest;

/// More than these do not wait to be written: while everything fails, the log has them.
const MOST_WAITING: usize = 100;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct FailedRequestService {
    db: Db,
    places: Arc<Semaphore>,
    /// One at a time, so that a fault of the database takes no more than one of its connections.
    turn: Arc<Mutex<()>>,
    writing: TaskTracker,
}

impl FailedRequestService {
    pub(crate) fn new(db: Db) -> Self {
        Self {
            db,
            places: Arc::new(Semaphore::new(MOST_WAITING)),
            turn: Arc::default(),
            writing: TaskTracker::new(),
        }
    }

    /// Soon, and if the database is there: nobody waits for it.
    pub(crate) fn keep(&self, request: NewFailedRequest) {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return };
        let service = self.clone();
        self.writing.spawn(async move {
            let (_place, _turn) = (place, service.turn.lock().await);
            let written = async { failed_requests::insert(&mut *service.db.get().await?, &request).await };
            if let Err(error) = written.await {
                tracing::warn!(request.id = %request.id, %error, "A failed request is in the log alone");
            }
        });
    }

    /// Waits for what is being written; what takes longer than `grace` is in the log alone.
    pub(crate) async fn finish(&self, grace: Duration) {
        self.writing.close();
        if tokio::time::timeout(grace, self.writing.wait()).await.is_err() {
            tracing::warn!(requests = self.writing.len(), "Some failed requests are in the log alone");
        }
    }
}
