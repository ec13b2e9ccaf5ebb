//! The turns of conversations.

use app::types::{AccountId, GenerationId, Message, MessageId, Nanos, Role, ThreadId, ToolCall};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::AsSelect;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::generations::parse_state;
use super::schema::{generations, messages, usage_records};
use super::{Connection, StoreResult};

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct MessageRow {
    id: Uuid,
    parent_id: Option<Uuid>,
    role: String,
    content: String,
    reasoning: String,
    created_at: DateTime<Utc>,
    tool_calls: Value,
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
        tool_calls: to_tool_calls(row.tool_calls),
        rating: None,
        versions: Vec::new(),
    }
}

/// None, where something else stands.
pub(super) fn to_tool_calls(calls: Value) -> Vec<ToolCall> {
    serde_json::from_value(calls).unwrap_or_default()
}

#[diesel::dsl::auto_type]
fn with_replies() -> _ {
    let is_written_by = messages::generation_id.eq(generations::id.nullable());
    let is_charged_for = messages::generation_id.eq(usage_records::generation_id.nullable());
    messages::table
        .left_join(generations::table.on(is_written_by))
        .left_join(usage_records::table.on(is_charged_for))
}

#[diesel::dsl::auto_type]
fn columns() -> _ {
    let message: AsSelect<MessageRow, diesel::pg::Pg> = MessageRow::as_select();
    let (state, model) = (generations::state.nullable(), generations::model.nullable());
    (message, state, model, usage_records::charged_nanos.nullable())
}

/// All messages of a thread, oldest first, whatever path they are on.
pub async fn list(conn: &mut Connection, thread_id: ThreadId) -> StoreResult<Vec<Message>> {
    let rows: Vec<MessageColumns> = with_replies()
        .filter(messages::thread_id.eq(thread_id.0))
        .order(messages::id)
        .select(columns())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(to_message).collect())
}

/// One message of a thread.
pub async fn find(conn: &mut Connection, thread_id: ThreadId, id: MessageId) -> StoreResult<Message> {
    let row: MessageColumns = with_replies()
        .filter(messages::thread_id.eq(thread_id.0))
        .filter(messages::id.eq(id.0))
        .select(columns())
        .first(conn)
        .await?;
    Ok(to_message(row))
}

/// The message a generation wrote; None while it is being written.
pub async fn find_by_generation(conn: &mut Connection, id: GenerationId) -> StoreResult<Option<Message>> {
    let row: Option<MessageColumns> = with_replies()
        .filter(messages::generation_id.eq(id.0))
        .select(columns())
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(to_message))
}

/// Erases at most `limit` of the answers to programs that are older than that, and no more than thirty times as old; returns
/// how many. Whoever sends such a request again has another answered. Receipts stay.
pub async fn erase_answers_to_programs(
    conn: &mut Connection,
    age: TimeDelta,
    limit: i64,
) -> StoreResult<usize> {
    let erase = diesel::sql_query(
        "with old as (
            select messages.id, generation_id from api_keys join messages on thread_id = api_keys.id
            where messages.id >= $1 and messages.id < $2
                and generation_id is not null and (content, reasoning, tool_calls) <> ('', '', '[]')
            limit $3
        ), message_rows as (
            update messages set content = '', reasoning = '', tool_calls = '[]' from old where messages.id = old.id
        )
        update generations set client_request_id = gen_random_uuid() from old where generations.id = generation_id",
    );
    let erase = erase.bind::<SqlUuid, _>(first_id(Utc::now() - age * 30));
    let erase = erase.bind::<SqlUuid, _>(first_id(Utc::now() - age)).bind::<BigInt, _>(limit);
    Ok(erase.execute(conn).await?)
}

/// Erases what was written in an account after all its conversations were erased, by who was in the middle of it then.
pub(super) async fn erase_late(
    conn: &mut Connection,
    account_id: AccountId,
    age: TimeDelta,
) -> StoreResult<usize> {
    let erase = diesel::sql_query(
        "update messages set content = '', reasoning = '', tool_calls = '[]' from threads
         where threads.account_id = $1 and threads.deleted_at is not null and thread_id = threads.id
             and messages.id >= $2
             and (content, reasoning, tool_calls) <> ('', '', '[]')",
    );
    let erase = erase.bind::<SqlUuid, _>(account_id.0).bind::<SqlUuid, _>(first_id(Utc::now() - age * 2));
    Ok(erase.execute(conn).await?)
}

/// Ids grow with time: none of an earlier moment is greater.
fn first_id(at: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}
