//! What people think of replies, and telling it to Langfuse, where it stands beside the reply's trace.

use std::collections::HashMap;

use app::types::{AccountId, MessageId, Rating, ThreadId};

use crate::AppResult;
use crate::providers::langfuse::{Langfuse, LangfuseError, Score};
use crate::store::ratings::{self, Telling};
use crate::store::{Connection, Db, StoreResult};
use crate::telemetry::traces;

#[derive(Clone)]
pub struct RatingService {
    db: Db,
    /// None: nobody is told.
    langfuse: Option<Langfuse>,
}

impl RatingService {
    pub fn new(db: Db, langfuse: Option<Langfuse>) -> Self {
        Self { db, langfuse }
    }

    /// Of the replies in a conversation.
    pub(super) async fn list(
        &self,
        conn: &mut Connection,
        account_id: AccountId,
        thread_id: ThreadId,
    ) -> StoreResult<HashMap<MessageId, Rating>> {
        ratings::list(conn, account_id, thread_id).await
    }

    /// None takes it back.
    ///
    /// # Errors
    /// Not found: it is no reply, or another account's.
    pub async fn rate(&self, account_id: AccountId, id: MessageId, rating: Option<Rating>) -> AppResult<()> {
        let is_told = self.langfuse.is_some();
        Ok(ratings::rate(&mut *self.db.get().await?, account_id, id, rating, is_told).await?)
    }

    /// Tells what holds now, however often it was changed.
    ///
    /// # Errors
    /// When the database is away; beside it, what Langfuse said.
    pub(crate) async fn tell(&self, job: Telling) -> AppResult<Result<(), LangfuseError>> {
        let Some(langfuse) = &self.langfuse else { return Ok(Ok(())) };
        let traced = ratings::find_traced(&mut *self.db.get().await?, job).await?;
        let Some(traced) = traced else { return Ok(Ok(())) };
        let id = job.message_id.to_string();
        let trace_id = traces::trace_id_of(&traced.traceparent);
        Ok(match (traced.rating, trace_id) {
            (Some(rating), Some(trace_id)) => {
                langfuse.put_score(&Score { id, trace_id, is_good: rating.is_good() }).await
            }
            _ => langfuse.delete_score(&id).await,
        })
    }
}
