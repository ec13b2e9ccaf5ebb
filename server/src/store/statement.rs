//! The ledger as a statement: entries with the balance after each.

use app::types::{AccountId, EntryId, GenerationId, Nanos, ReplyLabel};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::usage_reports::thread_label;
use super::{Connection, StoreResult};
use crate::books::Cause;

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
    pub about: Subject,
}

/// What the cause of an entry names.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The reply that was charged or corrected.
    pub reply: Option<ReplyLabel>,
    /// The credit that expired or was taken back.
    pub credit: Option<EntryCredit>,
}

/// Credit as it was given.
#[derive(Clone, Debug)]
pub struct EntryCredit {
    /// As in [`crate::books::Cause`].
    pub cause: String,
    pub given_at: DateTime<Utc>,
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
         from page cross join newest {SUBJECT}
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

/// What was posted for a reply's cost, oldest first.
pub(super) async fn list_for_reply(
    conn: &mut Connection,
    account_id: AccountId,
    id: GenerationId,
) -> QueryResult<Vec<Entry>> {
    let causes = [
        Cause::Generation(id),
        Cause::LateGeneration(id),
        Cause::ExpiryOfCorrection(id),
        Cause::Overage(id),
        Cause::LateOverage(id),
    ];
    let rows: Vec<EntryRow> = diesel::sql_query(format!(
        "select {COLUMNS},
             (select sum(amount_nanos) from ledger_entries
              where account_id = $1 and number <= page.number)::bigint as balance
         from ledger_entries page {SUBJECT}
         where page.account_id = $1 and page.cause = any($2)
         order by page.number"
    ))
    .bind::<SqlUuid, _>(account_id.0)
    .bind::<Array<Text>, _>(causes.map(|cause| cause.to_string()).to_vec())
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(EntryRow::into_entry).collect())
}

const COLUMNS: &str = "page.id, page.cause, page.amount_nanos, page.created_at,
    g.id as generation_id, t.id as thread_id, t.title, t.deleted_at, t.is_program,
    given.cause as credit_cause, given.created_at as credit_given_at";

/// The reply that an entry charges or corrects, and the credit that has expired or was taken back.
const SUBJECT: &str = "left join generations g on g.account_id = $1 and g.id = substring(
        page.cause from '^(?:generation|overage|expiry:generation):([0-9a-f-]{36})(?::late)?$')::uuid
    left join threads t on t.id = g.thread_id
    left join grants given on given.account_id = $1 and given.id = substring(
        page.cause from '^(?:expiry|reclaim):([0-9a-f-]{36})(?:$|:)')::uuid";

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
    #[diesel(sql_type = Nullable<Bool>)]
    is_program: Option<bool>,
    #[diesel(sql_type = Nullable<Text>)]
    credit_cause: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    credit_given_at: Option<DateTime<Utc>>,
}

impl EntryRow {
    fn into_entry(self) -> Entry {
        let is_program = self.is_program.unwrap_or(false);
        let thread = self.thread_id.zip(self.title);
        let thread = thread.map(|(id, title)| thread_label(id, title, self.deleted_at, is_program));
        let reply = self.generation_id.map(GenerationId).zip(thread);
        let credit = self.credit_cause.zip(self.credit_given_at);
        Entry {
            id: EntryId(self.id),
            cause: self.cause,
            amount: Nanos(self.amount_nanos),
            balance: Nanos(self.balance),
            created_at: self.created_at,
            about: Subject {
                reply: reply.map(|(generation_id, thread)| ReplyLabel { generation_id, thread }),
                credit: credit.map(|(cause, given_at)| EntryCredit { cause, given_at }),
            },
        }
    }
}
