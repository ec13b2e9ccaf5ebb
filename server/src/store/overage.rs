//! Pay as you go: its cap, what of it is used, and posting what replies cost beyond credit.

use app::types::{AccountId, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::overages;
use super::snapshot::{self, About};
use super::{Connection, StoreError, StoreResult, ledger};
use crate::books::{Metered, Overage};
use crate::providers::stripe::SubscriptionStatus;

/// What is kept for the account.
#[derive(Clone, Copy)]
pub(super) struct OverageRow {
    pub(super) cap: Option<Nanos>,
    pub(super) period_start: Option<DateTime<Utc>>,
    pub(super) used: Nanos,
    pub(super) total: Nanos,
}

/// The period it is counted in, and whether the subscription allows it.
#[derive(Clone)]
pub(super) struct PeriodRow {
    pub(super) status: String,
    pub(super) period_start: DateTime<Utc>,
    pub(super) is_metered: bool,
}

impl PeriodRow {
    fn is_billed(&self) -> bool {
        self.is_metered && self.status.parse().is_ok_and(SubscriptionStatus::bills_usage)
    }
}

/// Of the account, now. Only what Stripe will bill may be used: of a subscription that is paid for and has the meter.
pub(super) fn to_overage(row: Option<OverageRow>, period: Option<PeriodRow>) -> Overage {
    let Some(row) = row else {
        return Overage { period_start: period.map(|period| period.period_start), ..Overage::default() };
    };
    let is_billed = period.as_ref().is_some_and(PeriodRow::is_billed);
    let period_start = period.map(|period| period.period_start).or(row.period_start);
    let used = if period_start == row.period_start { row.used } else { Nanos::ZERO };
    Overage { cap: row.cap.filter(|_| is_billed), period_start, used, total: row.total }
}

/// Posts overage, and puts it on its way to Stripe's meter. Needs the account's lock, in the transaction of the charge.
pub(super) async fn post_all(
    conn: &Connection,
    account_id: AccountId,
    metered: Vec<Metered>,
) -> QueryResult<()> {
    for metered in metered {
        post(conn, account_id, metered).await?;
    }
    Ok(())
}

async fn post(
    mut conn: &Connection,
    account_id: AccountId,
    Metered { cause, amount, units, at, limit, after }: Metered,
) -> QueryResult<()> {
    diesel::sql_query(
        "with entry as (
             insert into ledger_entries (id, account_id, cause, amount_nanos) values ($1, $2, $3, $4) returning id
         ), kept as (
             insert into overages (account_id, period_start, used_nanos, total_nanos) values ($2, $7, $9, $10)
             on conflict (account_id) do update set period_start = excluded.period_start,
                 used_nanos = excluded.used_nanos, total_nanos = excluded.total_nanos
         )
         insert into meter_events (id, account_id, amount_nanos, units, occurred_at, period_start, limit_nanos)
         select id, $2, $4, $5, $6, $7, $8 from entry",
    )
    .bind::<SqlUuid, _>(Uuid::now_v7())
    .bind::<SqlUuid, _>(account_id.0)
    .bind::<Text, _>(cause.to_string())
    .bind::<BigInt, _>(amount.0)
    .bind::<BigInt, _>(units)
    .bind::<Timestamptz, _>(at)
    .bind::<Timestamptz, _>(after.period_start.unwrap_or(at))
    .bind::<BigInt, _>(limit.0)
    .bind::<BigInt, _>(after.used.0)
    .bind::<BigInt, _>(after.total.0)
    .execute(&mut conn)
    .await?;
    Ok(())
}

/// Pay as you go as the account has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountOverage {
    pub overage: Overage,
    /// Set aside for replies in progress.
    pub held: Nanos,
}

pub async fn read(conn: &mut Connection, account_id: AccountId) -> StoreResult<AccountOverage> {
    let read = snapshot::read(conn, account_id, About::default()).await?;
    let held = read.holds.iter().map(|hold| hold.overage).sum();
    Ok(AccountOverage { overage: read.overage, held })
}

/// Sets the cap of a billing period. None: switches it off for every reply from now on.
pub async fn set_cap(conn: &mut Connection, account_id: AccountId, cap: Option<Nanos>) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        ledger::lock(conn, account_id).await?;
        let cap = overages::cap_nanos.eq(cap.map(|cap| cap.0));
        diesel::insert_into(overages::table)
            .values((overages::account_id.eq(account_id.0), cap))
            .on_conflict(overages::account_id)
            .do_update()
            .set(cap)
            .execute(conn)
            .await?;
        Ok(())
    })
    .await
}
