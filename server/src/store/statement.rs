//! The ledger as a statement: entries with the balance after each.

use app::types::{AccountId, EntryId, GenerationId, Nanos, ThreadLabel};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::usage_reports::thread_label;
use super::{Connection, StoreResult};

/// An entry as posted.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: EntryId,
    /// As in [`crate::books::Cause`].
    pub cause: String,
    pub amount: Nanos,
    /// What the account had after it.
    pub balance: Nanos,
    pub created_at: DateTime<Utc>,
    /// The reply that was charged or corrected.
    pub reply: Option<(GenerationId, ThreadLabel)>,
}

/// The last `limit` entries before the entry `before`, newest first. Nothing comes before an entry of another account.
///
/// One statement, so what is posted meanwhile changes no balance in it. The balance after the newest entry is a sum over
/// all up to it; the others follow from that one.
pub async fn list(
    conn: &mut Connection,
    account_id: AccountId,
    before: Option<EntryId>,
    limit: i64,
) -> StoreResult<Vec<Entry>> {
    let rows: Vec<EntryRow> = diesel::sql_query(format!(
        "with page as (
             select * from ledger_entries
             where account_id = $1 and ($2 is null
                 or number < (select number from ledger_entries where account_id = $1 and id = $2))
             order by number desc limit $3
         ), newest as (
             select sum(amount_nanos) as balance from ledger_entries
             where account_id = $1 and number <= (select max(number) from page)
         )
         select {COLUMNS},
             (newest.balance - coalesce(sum(page.amount_nanos) over newer, 0))::bigint as balance
         from page cross join newest {REPLY}
         window newer as (order by page.number desc rows between unbounded preceding and 1 preceding)
         order by page.number desc"
    ))
    .bind::<SqlUuid, _>(account_id.0)
    .bind::<Nullable<SqlUuid>, _>(before.map(|id| id.0))
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(EntryRow::into_entry).collect())
}

/// What was posted for a reply, oldest first.
pub(super) async fn list_for_reply(
    conn: &mut Connection,
    account_id: AccountId,
    id: GenerationId,
) -> QueryResult<Vec<Entry>> {
    let rows: Vec<EntryRow> = diesel::sql_query(format!(
        "select {COLUMNS},
             (select sum(amount_nanos) from ledger_entries
              where account_id = $1 and number <= page.number)::bigint as balance
         from ledger_entries page {REPLY}
         where page.account_id = $1 and page.cause in ($2, $2 || ':late')
         order by page.number"
    ))
    .bind::<SqlUuid, _>(account_id.0)
    .bind::<Text, _>(format!("generation:{id}"))
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(EntryRow::into_entry).collect())
}

const COLUMNS: &str = "page.id, page.cause, page.amount_nanos, page.created_at,
    g.id as generation_id, t.id as thread_id, t.title, t.deleted_at";

/// The reply that an entry charges or corrects.
const REPLY: &str = "left join generations g on g.account_id = $1 and g.id =
        case when page.cause ~ '^generation:[0-9a-f-]{36}(:late)?$' then split_part(page.cause, ':', 2)::uuid end
    left join threads t on t.id = g.thread_id";

#[derive(QueryableByName)]
struct EntryRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    cause: String,
    #[diesel(sql_type = BigInt)]
    amount_nanos: i64,
    #[diesel(sql_type = BigInt)]
    balance: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    generation_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    thread_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    title: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    deleted_at: Option<DateTime<Utc>>,
}

impl EntryRow {
    fn into_entry(self) -> Entry {
        let thread = self.thread_id.zip(self.title);
        let thread = thread.map(|(id, title)| thread_label(id, title, self.deleted_at));
        Entry {
            id: EntryId(self.id),
            cause: self.cause,
            amount: Nanos(self.amount_nanos),
            balance: Nanos(self.balance),
            created_at: self.created_at,
            reply: self.generation_id.map(GenerationId).zip(thread),
        }
    }
}
