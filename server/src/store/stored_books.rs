//! The books of an account as they are stored: what the ledger opens, and what operators read.

use std::collections::BTreeMap;

use app::types::{AccountId, GenerationId, Nanos};
use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Connection;
use super::clock::clock_timestamp;
use super::overage::{OverageRow, PeriodRow, to_overage};
use super::schema::{accounts, grants, hold_allocations, holds, overages, subscriptions};
use crate::books::{Allocation, Grant, Hold, Overage};

/// An account's books at a moment.
pub(super) struct StoredBooks {
    /// By the database's clock.
    pub(super) at: DateTime<Utc>,
    /// The balance as it is kept.
    pub(super) posted: Nanos,
    /// Those that live or have something left.
    pub(super) grants: Vec<Grant>,
    /// The pending ones.
    pub(super) holds: Vec<Hold>,
    /// Pay as you go.
    pub(super) overage: Overage,
}

/// In one round trip. Needs a transaction with the account's lock, or with a snapshot.
pub(super) async fn read(conn: &Connection, account_id: AccountId) -> QueryResult<StoredBooks> {
    let (mut of_account, mut of_grants, mut of_holds) = (conn, conn, conn);
    let account = accounts::table
        .left_join(overages::table)
        .left_join(subscriptions::table)
        .filter(accounts::id.eq(account_id.0))
        .select((
            clock_timestamp(),
            accounts::posted_nanos,
            Option::<OverageRow>::as_select(),
            Option::<PeriodRow>::as_select(),
        ))
        .first::<(DateTime<Utc>, i64, Option<OverageRow>, Option<PeriodRow>)>(&mut of_account);
    // A grant that is spent still says that it was given, and may get something back, for as long as it lives at `at`.
    // Read by when the transaction began, which is before that: a clock read here would be after it, and miss what ends
    // in between.
    let may_live = grants::expires_at.is_null().or(grants::expires_at.gt(now));
    let grants = grants::table
        .filter(grants::account_id.eq(account_id.0))
        .filter(grants::remaining_nanos.gt(0).or(may_live))
        .select(GrantRow::as_select())
        .load(&mut of_grants);
    let holds = holds::table
        .left_join(hold_allocations::table)
        .filter(holds::account_id.eq(account_id.0))
        .filter(holds::state.eq("pending"))
        .select((HoldRow::as_select(), Option::<AllocationRow>::as_select()))
        .load(&mut of_holds);
    let ((at, posted, overage, period), grants, holds) = futures::try_join!(account, grants, holds)?;
    let counts = |grant: &Grant| grant.is_live(at) || grant.remaining > Nanos::ZERO;
    let grants = grants.into_iter().map(GrantRow::into_grant).filter(counts).collect();
    let overage = to_overage(overage, period);
    Ok(StoredBooks { at, posted: Nanos(posted), grants, holds: to_holds(holds), overage })
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = grants)]
pub(super) struct GrantRow {
    id: Uuid,
    cause: String,
    amount_nanos: i64,
    remaining_nanos: i64,
    reclaim_nanos: i64,
    taken_back_nanos: i64,
    expires_at: Option<DateTime<Utc>>,
}

impl GrantRow {
    fn into_grant(self) -> Grant {
        Grant {
            id: self.id,
            cause: self.cause,
            amount: Nanos(self.amount_nanos),
            remaining: Nanos(self.remaining_nanos),
            reclaim: Nanos(self.reclaim_nanos),
            taken_back: Nanos(self.taken_back_nanos),
            expires_at: self.expires_at,
        }
    }
}

impl From<Grant> for GrantRow {
    fn from(grant: Grant) -> Self {
        Self {
            id: grant.id,
            cause: grant.cause,
            amount_nanos: grant.amount.0,
            remaining_nanos: grant.remaining.0,
            reclaim_nanos: grant.reclaim.0,
            taken_back_nanos: grant.taken_back.0,
            expires_at: grant.expires_at,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = holds)]
struct HoldRow {
    generation_id: Uuid,
    amount_nanos: i64,
    overage_nanos: i64,
    expires_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = hold_allocations)]
pub(super) struct AllocationRow {
    pub(super) generation_id: Uuid,
    pub(super) grant_id: Uuid,
    pub(super) amount_nanos: i64,
}

/// A row for each allocation, to a hold with its allocations.
fn to_holds(rows: Vec<(HoldRow, Option<AllocationRow>)>) -> Vec<Hold> {
    let mut holds = BTreeMap::new();
    for (row, allocation) in rows {
        let hold = holds.entry(row.generation_id).or_insert_with(|| Hold {
            id: GenerationId(row.generation_id),
            amount: Nanos(row.amount_nanos),
            overage: Nanos(row.overage_nanos),
            expires_at: row.expires_at,
            allocations: Vec::new(),
        });
        hold.allocations.extend(
            allocation.map(|row| Allocation { grant_id: row.grant_id, amount: Nanos(row.amount_nanos) }),
        );
    }
    holds.into_values().collect()
}
