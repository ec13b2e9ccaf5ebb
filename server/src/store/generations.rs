//! Generations: one attempt of the model to answer, and its life from the claim to its end.

use app::types::{AccountId, GenerationId, Message, MessageId, ReplyState, Thread, ThreadId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::clock::clock_timestamp;
use super::pool::notify;
use super::schema::generations;
use super::{Connection, StoreError, StoreResult, messages, threads};

/// Told of each generation that somebody wants to end.
pub const STOP_CHANNEL: &str = "plumbline_stop";

/// Asks whoever writes this reply to end it. Not found: it is not there, or another account's.
pub async fn request_stop(conn: &mut Connection, account_id: AccountId, id: GenerationId) -> StoreResult<()> {
    let rows = generations::table.find(id.0).filter(generations::account_id.eq(account_id.0));
    let found = diesel::update(rows)
        .set(generations::stop_requested_at.eq(clock_timestamp().nullable()))
        .execute(conn)
        .await?;
    if found == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(notify(conn, STOP_CHANNEL, &id.to_string()).await?)
}

/// A generation with what its first event tells.
#[derive(Clone, Debug)]
pub struct Generation {
    pub thread: Thread,
    /// The message that is answered, or the answer that is continued.
    pub parent: Message,
}

/// A generation of this account.
pub async fn find(conn: &mut Connection, account_id: AccountId, id: GenerationId) -> StoreResult<Generation> {
    let (thread_id, parent_id): (Uuid, Uuid) = generations::table
        .find(id.0)
        .filter(generations::account_id.eq(account_id.0))
        .select((generations::thread_id, generations::parent_message_id))
        .first(conn)
        .await?;
    let thread = threads::find_with_deleted(conn, account_id, ThreadId(thread_id)).await?;
    let parent = messages::find(conn, thread.id, MessageId(parent_id)).await?;
    Ok(Generation { thread, parent })
}

/// False while it is being written.
pub async fn has_ended(conn: &mut Connection, id: GenerationId) -> StoreResult<bool> {
    let state: String = generations::table.find(id.0).select(generations::state).first(conn).await?;
    Ok(parse_state(&state) != ReplyState::Streaming)
}

/// The thread's replies being written now, newest first, each with the message it will hang on.
pub async fn list_live(
    conn: &mut Connection,
    thread_id: ThreadId,
) -> StoreResult<Vec<(GenerationId, MessageId)>> {
    let rows: Vec<(Uuid, Uuid)> = generations::table
        .filter(generations::thread_id.eq(thread_id.0))
        .filter(generations::state.eq("streaming"))
        .order(generations::id.desc())
        .select((generations::id, generations::parent_message_id))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(id, parent_id)| (GenerationId(id), MessageId(parent_id))).collect())
}

/// A text the database constraint does not allow reads as failed.
pub(super) fn parse_state(text: &str) -> ReplyState {
    ReplyState::parse(text).unwrap_or(ReplyState::Failed)
}
