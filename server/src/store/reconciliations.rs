//! Comparisons of what different books say about the same thing, and what they found.

use app::types::Days;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::reconciliations;
use super::{Connection, StoreResult};

/// Each night so many complete days are compared: what providers and Stripe count late is seen the next time.
pub const COMPARED_DAYS: u64 = 7;

/// Keeps that holds, ledger, Stripe's meter and what providers say we used were compared, and what differed: a list of
/// sentences.
pub async fn record(
    conn: &mut Connection,
    started_at: DateTime<Utc>,
    findings: &[String],
) -> StoreResult<Uuid> {
    let id = Uuid::now_v7();
    diesel::insert_into(reconciliations::table)
        .values((
            reconciliations::id.eq(id),
            reconciliations::started_at.eq(started_at),
            reconciliations::missed_events.eq(0),
            reconciliations::drifted_customers.eq(0),
            reconciliations::kind.eq("four_way"),
            reconciliations::findings.eq(Value::from(findings)),
        ))
        .execute(conn)
        .await?;
    Ok(id)
}

/// Keeps what was found once more was compared.
pub async fn set_findings(conn: &mut Connection, id: Uuid, findings: &[String]) -> StoreResult<()> {
    diesel::update(reconciliations::table.find(id))
        .set(reconciliations::findings.eq(Value::from(findings)))
        .execute(conn)
        .await?;
    Ok(())
}

/// The same money in two places, in nano-dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct TwoSums {
    #[diesel(sql_type = BigInt)]
    pub one: i64,
    #[diesel(sql_type = BigInt)]
    pub other: i64,
}

/// What open holds have set aside in all, and the parts of it: of grants, and beyond credit.
pub async fn sum_open_holds(conn: &mut Connection) -> StoreResult<TwoSums> {
    Ok(diesel::sql_query(
        "select coalesce(sum(amount_nanos), 0)::bigint as one,
             coalesce(sum(overage_nanos + coalesce(allocated, 0)), 0)::bigint as other
         from holds left join (
             select generation_id, sum(amount_nanos) as allocated from hold_allocations group by 1
         ) allocations using (generation_id)
         where state = 'pending' and expires_at > now()",
    )
    .get_result(conn)
    .await?)
}

/// The overage that was posted in the ledger in these days, and what of it is meant for the meter.
pub async fn sum_overage(conn: &mut Connection, days: Days) -> StoreResult<TwoSums> {
    Ok(diesel::sql_query(
        "select coalesce(sum(ledger_entries.amount_nanos), 0)::bigint as one,
             coalesce(sum(meter_events.amount_nanos), 0)::bigint as other
         from ledger_entries left join meter_events using (id)
         where cause like 'overage:%'
             and ledger_entries.created_at >= $1::timestamp at time zone 'utc'
             and ledger_entries.created_at < ($2 + 1)::timestamp at time zone 'utc'",
    )
    .bind::<Date, _>(days.first)
    .bind::<Date, _>(days.last)
    .get_result(conn)
    .await?)
}
