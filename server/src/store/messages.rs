//! The turns of conversations.

use app::types::{GenerationId, Message, MessageId, Nanos, Role, ThreadId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::generations::parse_state;
use super::schema::{generations, messages, usage_records};
use super::{Connection, StoreError, StoreResult};

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct MessageRow {
    id: Uuid,
    parent_id: Option<Uuid>,
    role: String,
    content: String,
    reasoning: String,
    created_at: DateTime<Utc>,
}

/// A message with the state and the model of its generation, and what that cost.
type MessageColumns = (MessageRow, Option<String>, Option<String>, Option<i64>);

fn to_message((row, state, model, charged_nanos): MessageColumns) -> Message {
    Message {
        id: MessageId(row.id),
        parent_id: row.parent_id.map(MessageId),
        role: if row.role == "user" { Role::User } else { Role::Assistant },
        content: row.content,
        created_at: row.created_at,
        state: state.as_deref().map(parse_state),
        charged: charged_nanos.map(Nanos),
        model,
        reasoning: row.reasoning,
        rating: None,
        versions: Vec::new(),
    }
}

/// All messages of a thread, oldest first, whatever path they are on.
pub async fn list(conn: &mut Connection, thread_id: ThreadId) -> StoreResult<Vec<Message>> {
    let rows: Vec<MessageColumns> = messages::table
        .left_join(generations::table.on(messages::generation_id.eq(generations::id.nullable())))
        .left_join(
            usage_records::table.on(messages::generation_id.eq(usage_records::generation_id.nullable())),
        )
        .filter(messages::thread_id.eq(thread_id.0))
        .order(messages::id)
        .select((
            MessageRow::as_select(),
            generations::state.nullable(),
            generations::model.nullable(),
            usage_records::charged_nanos.nullable(),
        ))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(to_message).collect())
}

/// One message of a thread.
pub async fn find(conn: &mut Connection, thread_id: ThreadId, id: MessageId) -> StoreResult<Message> {
    list(conn, thread_id).await?.into_iter().find(|message| message.id == id).ok_or(StoreError::NotFound)
}

/// The message a generation wrote; None while it is being written.
pub async fn find_by_generation(conn: &mut Connection, id: GenerationId) -> StoreResult<Option<Message>> {
    let row: Option<MessageColumns> = messages::table
        .inner_join(generations::table.on(messages::generation_id.eq(generations::id.nullable())))
        .left_join(
            usage_records::table.on(messages::generation_id.eq(usage_records::generation_id.nullable())),
        )
        .filter(messages::generation_id.eq(id.0))
        .select((
            MessageRow::as_select(),
            generations::state.nullable(),
            generations::model.nullable(),
            usage_records::charged_nanos.nullable(),
        ))
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(to_message))
}
