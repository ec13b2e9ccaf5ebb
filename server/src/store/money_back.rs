//! Refunds and disputes as Stripe has them, for operators to read. What they do to credit is in the ledger.

use app::types::{AccountId, MoneyBack};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::money_back;
use super::{Connection, StoreResult, person_labels};

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = money_back, treat_none_as_null = true)]
pub struct MoneyBackRow {
    /// Stripe's.
    pub id: String,
    /// `refund` or `dispute`.
    pub kind: String,
    pub amount_cents: i64,
    pub status: String,
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
}

pub(super) async fn upsert(
    conn: &mut Connection,
    account_id: AccountId,
    rows: &[MoneyBackRow],
) -> QueryResult<()> {
    for row in rows {
        diesel::insert_into(money_back::table)
            .values((money_back::account_id.eq(account_id.0), row))
            .on_conflict(money_back::id)
            .do_update()
            .set(row)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Newest first, `limit` of them at most.
pub async fn list(conn: &mut Connection, limit: i64) -> StoreResult<Vec<MoneyBack>> {
    let rows: Vec<(Uuid, MoneyBackRow)> = money_back::table
        .order(money_back::created_at.desc())
        .limit(limit)
        .select((money_back::account_id, MoneyBackRow::as_select()))
        .load(conn)
        .await?;
    let people = person_labels::of_accounts(conn, rows.iter().map(|(account, _)| *account)).await?;
    let told = rows.into_iter().map(|(account, row)| MoneyBack {
        id: row.id,
        is_dispute: row.kind == "dispute",
        person: people.get(&account).cloned(),
        amount_cents: row.amount_cents,
        status: row.status,
        reason: row.reason,
        created_at: row.created_at,
    });
    Ok(told.collect())
}
