//! Stop, from any process: a column in PostgreSQL, and a notification so that it takes effect at once.

use std::time::Duration;

use app::types::{AccountId, GenerationId};
use futures::StreamExt;

use super::GenerationService;
use super::live::CancelReason;
use crate::AppResult;
use crate::store::generations;

/// A lost notification is no loss: the writer reads the column each time it renews its hold.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

impl GenerationService {
    /// Ends a reply, wherever it is written. What was said is kept, and billed. One that has ended stays as it is.
    ///
    /// # Errors
    /// Not found: there is no such reply, or it is another account's.
    pub async fn stop(&self, account_id: AccountId, id: GenerationId) -> AppResult<()> {
        if let Some(live) = self.live.find(id, account_id).filter(|live| live.is_written_here()) {
            live.cancel(CancelReason::Stopped);
            return Ok(());
        }
        Ok(generations::request_stop(&mut *self.db.get().await?, account_id, id).await?)
    }

    /// Ends replies written here that other processes were asked to stop. Runs until dropped.
    pub(crate) async fn listen_for_stops(&self) {
        loop {
            match self.db.listen(generations::STOP_CHANNEL).await {
                Ok(notifications) => {
                    let ids = notifications.filter_map(async |payload| payload.parse().ok());
                    ids.for_each(async |id| self.live.cancel(id, CancelReason::Stopped)).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "Cannot listen for stops; they take effect within seconds")
                }
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }
}
