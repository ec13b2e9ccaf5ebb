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

pub(super) async fn insert_user(
    mut conn: &Connection,
    thread_id: ThreadId,
    message: &Message,
) -> QueryResult<()> {
    diesel::insert_into(messages::table)
        .values((
            messages::id.eq(message.id.0),
            messages::thread_id.eq(thread_id.0),
            messages::parent_id.eq(message.parent_id.map(|id| id.0)),
            messages::role.eq("user"),
            messages::content.eq(&message.content),
            messages::created_at.eq(message.created_at),
        ))
        .execute(&mut conn)
        .await?;
    Ok(())
}

/// A finished answer to the message `parent_id`.
pub(super) struct NewReply<'a> {
    pub(super) id: MessageId,
    pub(super) thread_id: ThreadId,
    pub(super) parent_id: MessageId,
    pub(super) generation_id: GenerationId,
    pub(super) content: &'a str,
    pub(super) reasoning: &'a str,
}

/// Saves an answer, or replaces the text of the one this generation has; returns its id and when it was first saved.
pub(super) async fn upsert_reply(
    mut conn: &Connection,
    reply: NewReply<'_>,
) -> QueryResult<(MessageId, DateTime<Utc>)> {
    let (id, created_at): (Uuid, DateTime<Utc>) = diesel::insert_into(messages::table)
        .values((
            messages::id.eq(reply.id.0),
            messages::thread_id.eq(reply.thread_id.0),
            messages::parent_id.eq(reply.parent_id.0),
            messages::role.eq("assistant"),
            messages::content.eq(reply.content),
            messages::reasoning.eq(reply.reasoning),
            messages::generation_id.eq(reply.generation_id.0),
        ))
        .on_conflict(messages::generation_id)
        .do_update()
        .set((messages::content.eq(reply.content), messages::reasoning.eq(reply.reasoning)))
        .returning((messages::id, messages::created_at))
        .get_result(&mut conn)
        .await?;
    Ok((MessageId(id), created_at))
}
