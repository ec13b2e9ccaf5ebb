//! What all people together may spend in a day: the brake on a cost explosion.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use app::ApiError;
use app::types::Nanos;
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::task::TaskTracker;

use crate::AppResult;
use crate::store::{Connection, Db, StoreResult, spending};

/// A sum so old is read anew, beside the claims that go on with it. Until then each process knows what it admitted itself,
/// but not what others did: that much the ceiling can be overshot.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// With an older one no claim goes on, unless somebody reads it anew already: in a process that has admitted nothing for a
/// while, the others may have admitted ever so much.
const USABLE_FOR: Duration = Duration::from_secs(2);

/// Nor does one that somebody has begun to read anew, when that takes so long.
const USABLE_WHILE_READ: Duration = Duration::from_secs(5);

const LOG_EVERY: Duration = Duration::from_secs(60);

/// When only replies in progress stand in the way: they may leave something when they end.
const RETRY_AFTER_REPLIES_SECONDS: u32 = 30;

/// A day is a calendar day in UTC, by the database's clock.
#[derive(Clone)]
pub struct DailyCeiling {
    limit: Option<Nanos>,
    db: Db,
    kept: Arc<Mutex<Kept>>,
    /// Whoever has it reads the sum.
    reading: Arc<AsyncMutex<()>>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Kept {
    last: Option<Reading>,
    is_refreshing: bool,
    /// By this process, since somebody began to read.
    admitted_meanwhile: Nanos,
    logged_at: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Reading {
    taken_at: Instant,
    /// What may still be set aside, less what this process has admitted since.
    left: Nanos,
    retry_after_seconds: u32,
}

impl DailyCeiling {
    pub fn new(db: Db, limit: Option<Nanos>) -> Self {
        Self { limit, db, kept: Arc::default(), reading: Arc::default(), tasks: TaskTracker::new() }
    }

    /// What a reply may cost at most; `wanted` is what it may cost without the ceiling. None: there is no ceiling, so nothing
    /// is asked. Ask with the connection that claims the reply next: it reads the sum when what is known of it does not do.
    ///
    /// # Errors
    /// When the database cannot be asked: without knowing, nothing is admitted.
    pub(super) async fn left(&self, conn: &mut Connection, wanted: Nanos) -> AppResult<Option<Nanos>> {
        let Some(limit) = self.limit else { return Ok(None) };
        if let Some(left) = self.known(limit, wanted) {
            return Ok(Some(left));
        }
        // Everybody waits for one answer.
        let _reading = self.reading.lock().await;
        match self.known(limit, wanted) {
            Some(left) => Ok(Some(left)),
            None => Ok(Some(self.read(conn, limit).await?)),
        }
    }

    pub(super) fn is_set(&self) -> bool {
        self.limit.is_some()
    }

    /// The part of it that today's replies have used or hold, more than 1 when it was overshot. None: there is no ceiling.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub(super) async fn used_ratio(&self) -> AppResult<Option<f64>> {
        let Some(limit) = self.limit else { return Ok(None) };
        let left = self.left(&mut *self.db.get().await?, Nanos::ZERO).await?.unwrap_or(limit);
        // For a reader: money is never reckoned with such a number.
        Ok(Some((limit - left).0 as f64 / limit.0 as f64))
    }

    /// So much was set aside for a reply.
    pub(super) fn note_admitted(&self, amount: Nanos) {
        let mut kept = self.kept();
        kept.admitted_meanwhile += amount;
        if let Some(last) = &mut kept.last {
            last.left -= amount;
        }
    }

    /// What is told to people when the ceiling leaves too little. Operators are told once a minute.
    pub(super) fn refusal(&self) -> ApiError {
        let mut kept = self.kept();
        if kept.logged_at.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
            kept.logged_at = Some(Instant::now());
            let ceiling = self.limit.unwrap_or_default().to_string();
            tracing::error!(ceiling, "The daily ceiling is reached: new replies are refused to everybody");
        }
        let retry_after_seconds =
            kept.last.map_or(RETRY_AFTER_REPLIES_SECONDS, |reading| reading.retry_after_seconds);
        ApiError::Paused { retry_after_seconds }
    }

    /// What is left by the last reading. None: it is too old, or old and in the way of this reply.
    fn known(&self, limit: Nanos, wanted: Nanos) -> Option<Nanos> {
        let mut kept = self.kept();
        let last = kept.last?;
        let age = last.taken_at.elapsed();
        if age < FRESH_FOR {
            return Some(last.left);
        }
        if !is_usable(age, kept.is_refreshing) || last.left < wanted {
            return None;
        }
        if !kept.is_refreshing {
            kept.is_refreshing = true;
            self.tasks.spawn(self.clone().refresh(limit));
        }
        Some(last.left)
    }

    async fn refresh(self, limit: Nanos) {
        let refreshing = async {
            // Before its turn to read: those who wait for that have their connections.
            let mut conn = self.db.get().await?;
            let _reading = self.reading.lock().await;
            self.read(&mut conn, limit).await
        };
        if let Err(error) = refreshing.await {
            tracing::warn!(%error, "What today's replies cost could not be read; it is tried again");
        }
        self.kept().is_refreshing = false;
    }

    async fn read(&self, conn: &mut Connection, limit: Nanos) -> StoreResult<Nanos> {
        self.kept().admitted_meanwhile = Nanos::ZERO;
        let taken_at = Instant::now();
        let today = spending::read_today(conn).await?;
        let spent = today.spending();
        let retry_after_seconds = if spent.used < limit {
            RETRY_AFTER_REPLIES_SECONDS
        } else {
            u32::try_from(today.seconds_left).unwrap_or(0).max(1)
        };
        let mut kept = self.kept();
        // What was admitted meanwhile may be in the sum already, or not.
        let left = limit - spent.used - spent.held - kept.admitted_meanwhile;
        kept.last = Some(Reading { taken_at, left, retry_after_seconds });
        Ok(left)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether claims may go on with a sum of this age.
fn is_usable(age: Duration, is_refreshing: bool) -> bool {
    age < if is_refreshing { USABLE_WHILE_READ } else { USABLE_FOR }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_nobody_reads_anew_is_soon_too_old_to_go_on_with() {
        let is_usable = |seconds, is_refreshing| is_usable(Duration::from_secs_f64(seconds), is_refreshing);
        assert!(is_usable(1.9, false), "whoever comes next reads it anew");
        assert!(!is_usable(2.0, false), "nobody has begun in time");
        assert!(is_usable(4.9, true), "it was begun in time, and takes long");
        assert!(!is_usable(5.0, true));
    }
}
