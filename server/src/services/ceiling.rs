//! What all people together may spend in a day: the brake on a cost explosion.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::ApiError;
use app::types::Nanos;
use tokio::sync::Mutex;

use crate::AppResult;
use crate::store::{Connection, spending};

/// The day's sum is read at most so often. Within this time each process knows what it admitted itself, but not what
/// others did: that much the ceiling can be overshot.
const CACHED_FOR: Duration = Duration::from_secs(1);

const LOG_EVERY: Duration = Duration::from_secs(60);

/// When only replies in progress stand in the way: they may leave something when they end.
const RETRY_AFTER_REPLIES_SECONDS: u32 = 30;

/// A day is a calendar day in UTC, by the database's clock.
#[derive(Clone)]
pub struct DailyCeiling {
    limit: Option<Nanos>,
    reading: Arc<Mutex<Option<Reading>>>,
    logged_at: Arc<Mutex<Option<Instant>>>,
}

struct Reading {
    taken_at: Instant,
    /// What may still be set aside, less what this process has admitted since.
    left: Nanos,
    retry_after_seconds: u32,
}

impl DailyCeiling {
    pub fn new(limit: Option<Nanos>) -> Self {
        Self { limit, reading: Arc::default(), logged_at: Arc::default() }
    }

    /// What a reply may cost at most. None: there is no ceiling, so nothing is asked. Ask with the connection that claims
    /// the reply next, so that the answer does not grow old while one is waited for.
    ///
    /// # Errors
    /// When the database cannot be asked: without knowing, nothing is admitted.
    pub(super) async fn left(&self, conn: &mut Connection) -> AppResult<Option<Nanos>> {
        let Some(limit) = self.limit else { return Ok(None) };
        // Held while the database is asked, so that everybody waits for one answer.
        let mut reading = self.reading.lock().await;
        if let Some(reading) = &*reading
            && reading.taken_at.elapsed() < CACHED_FOR
        {
            return Ok(Some(reading.left));
        }
        let taken_at = Instant::now();
        let today = spending::read_today(conn).await?;
        let spent = today.spending();
        let left = limit - spent.used - spent.held;
        let retry_after_seconds = if spent.used < limit {
            RETRY_AFTER_REPLIES_SECONDS
        } else {
            u32::try_from(today.seconds_left).unwrap_or(0).max(1)
        };
        *reading = Some(Reading { taken_at, left, retry_after_seconds });
        Ok(Some(left))
    }

    /// So much was set aside for a reply.
    pub(super) async fn note_admitted(&self, amount: Nanos) {
        if let Some(reading) = self.reading.lock().await.as_mut() {
            reading.left -= amount;
        }
    }

    /// What is told to people when the ceiling leaves too little. Operators are told once a minute.
    pub(super) async fn refusal(&self) -> ApiError {
        let mut logged_at = self.logged_at.lock().await;
        if logged_at.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
            *logged_at = Some(Instant::now());
            let ceiling = self.limit.unwrap_or_default().to_string();
            tracing::error!(ceiling, "The daily ceiling is reached: new replies are refused to everybody");
        }
        let reading = self.reading.lock().await;
        let retry_after_seconds =
            reading.as_ref().map_or(RETRY_AFTER_REPLIES_SECONDS, |reading| reading.retry_after_seconds);
        ApiError::Paused { retry_after_seconds }
    }
}
