//! Receipts: what replies used and what they cost.

use app::types::{AccountId, GenerationId, Nanos, ThreadId, UsageEntry};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::{generations, threads, usage_records};
use super::{Connection, StoreResult};

#[derive(Queryable, Selectable)]
#[diesel(table_name = usage_records)]
struct UsageRow {
    generation_id: Uuid,
    model: String,
    input_tokens: i32,
    output_tokens: i32,
    is_estimated: bool,
    charged_nanos: i64,
    created_at: DateTime<Utc>,
}

/// The account's last `limit` charged replies, newest first.
pub async fn list(conn: &mut Connection, account_id: AccountId, limit: i64) -> StoreResult<Vec<UsageEntry>> {
    let rows: Vec<(UsageRow, Uuid, String)> = usage_records::table
        .inner_join(generations::table.inner_join(threads::table))
        .filter(usage_records::account_id.eq(account_id.0))
        .order(usage_records::created_at.desc())
        .limit(limit)
        .select((UsageRow::as_select(), threads::id, threads::title))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(to_entry).collect())
}

fn to_entry((row, thread_id, thread_title): (UsageRow, Uuid, String)) -> UsageEntry {
    UsageEntry {
        generation_id: GenerationId(row.generation_id),
        thread_id: ThreadId(thread_id),
        thread_title,
        model: row.model,
        input_tokens: row.input_tokens.unsigned_abs(),
        output_tokens: row.output_tokens.unsigned_abs(),
        is_estimated: row.is_estimated,
        charged: Nanos(row.charged_nanos),
        created_at: row.created_at,
    }
}
