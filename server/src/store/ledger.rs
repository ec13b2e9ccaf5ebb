//! Money: grants, holds and the immutable ledger. Every change happens under the account's row lock, and the
//! account's `posted_nanos` always equals the sum of its entries.

use std::time::Duration;

use app::types::{AccountId, Credit, GenerationId, Nanos};
use chrono::{DateTime, Datelike, TimeZone, Utc};
use diesel::dsl::sum;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::{accounts, grants, holds, ledger_entries};
use super::{Connection, StoreResult};

diesel::define_sql_function! {
    /// The time now, by the database's clock, also in the middle of a transaction.
    fn clock_timestamp() -> Timestamptz;
}

/// What the account can spend now. Gives the month's credit first when it is due.
pub async fn read_credit(
    conn: &mut Connection,
    account_id: AccountId,
    monthly: Nanos,
) -> StoreResult<Credit> {
    let at = time(conn).await?;
    let has_grant: bool = diesel::select(diesel::dsl::exists(
        grants::table.filter(grants::cause.eq(monthly_cause(account_id, at))),
    ))
    .get_result(conn)
    .await?;
    if has_grant {
        return Ok(credit(conn, account_id, at).await?);
    }
    let credit = conn
        .transaction::<_, diesel::result::Error, _>(async |conn| {
            let at = lock(conn, account_id).await?;
            refresh_grants(conn, account_id, monthly, at).await?;
            credit(conn, account_id, at).await
        })
        .await?;
    Ok(credit)
}

/// Locks the account's row for the rest of the transaction and returns the time since when it is locked.
pub(super) async fn lock(conn: &mut Connection, account_id: AccountId) -> QueryResult<DateTime<Utc>> {
    let _: Uuid = accounts::table.find(account_id.0).select(accounts::id).for_update().first(conn).await?;
    time(conn).await
}

async fn time(conn: &mut Connection) -> QueryResult<DateTime<Utc>> {
    diesel::select(clock_timestamp()).get_result(conn).await
}

/// Takes back what has expired and gives the month's credit once. Needs the lock.
pub(super) async fn refresh_grants(
    conn: &mut Connection,
    account_id: AccountId,
    monthly: Nanos,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    expire_grants(conn, account_id, at).await?;
    let cause = monthly_cause(account_id, at);
    if monthly <= Nanos::ZERO || !post(conn, account_id, &cause, monthly).await? {
        return Ok(());
    }
    let deficit = deficit(conn, account_id, monthly).await?;
    diesel::insert_into(grants::table)
        .values((
            grants::id.eq(Uuid::now_v7()),
            grants::account_id.eq(account_id.0),
            grants::cause.eq(cause),
            grants::amount_nanos.eq(monthly.0),
            grants::remaining_nanos.eq((monthly - deficit).or_zero().0),
            grants::expires_at.eq(next_month(at)),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// What was spent beyond all grants before `given` was posted: new credit covers it first.
async fn deficit(conn: &mut Connection, account_id: AccountId, given: Nanos) -> QueryResult<Nanos> {
    let posted: i64 = accounts::table.find(account_id.0).select(accounts::posted_nanos).first(conn).await?;
    let remaining = remaining(conn, account_id, None).await?;
    Ok((remaining - (Nanos(posted) - given)).or_zero())
}

async fn expire_grants(conn: &mut Connection, account_id: AccountId, at: DateTime<Utc>) -> QueryResult<()> {
    let expired: Vec<(Uuid, i64)> = grants::table
        .filter(grants::account_id.eq(account_id.0))
        .filter(grants::expires_at.le(at))
        .filter(grants::remaining_nanos.gt(0))
        .select((grants::id, grants::remaining_nanos))
        .load(conn)
        .await?;
    for (id, remaining_nanos) in expired {
        post(conn, account_id, &format!("expiry:{id}"), -Nanos(remaining_nanos)).await?;
        diesel::update(grants::table.find(id)).set(grants::remaining_nanos.eq(0)).execute(conn).await?;
    }
    Ok(())
}

/// Adds an entry unless its cause is there already; true when it was added. Needs the lock.
async fn post(conn: &mut Connection, account_id: AccountId, cause: &str, amount: Nanos) -> QueryResult<bool> {
    let added = diesel::insert_into(ledger_entries::table)
        .values((
            ledger_entries::id.eq(Uuid::now_v7()),
            ledger_entries::account_id.eq(account_id.0),
            ledger_entries::cause.eq(cause),
            ledger_entries::amount_nanos.eq(amount.0),
        ))
        .on_conflict(ledger_entries::cause)
        .do_nothing()
        .execute(conn)
        .await?;
    if added == 0 {
        return Ok(false);
    }
    diesel::update(accounts::table.find(account_id.0))
        .set(accounts::posted_nanos.eq(accounts::posted_nanos + amount.0))
        .execute(conn)
        .await?;
    Ok(true)
}

/// Posts a charge and burns it from the grants, soonest-expiring first. A negative charge gives back. Needs the lock.
pub(super) async fn post_charge(
    conn: &mut Connection,
    account_id: AccountId,
    cause: &str,
    charged: Nanos,
) -> QueryResult<()> {
    if charged == Nanos::ZERO || !post(conn, account_id, cause, -charged).await? {
        return Ok(());
    }
    let grants: Vec<(Uuid, i64, i64)> = grants::table
        .filter(grants::account_id.eq(account_id.0))
        .filter(grants::expires_at.gt(clock_timestamp()))
        .order(grants::expires_at)
        .select((grants::id, grants::amount_nanos, grants::remaining_nanos))
        .load(conn)
        .await?;
    let mut to_burn = charged.0;
    for (id, amount_nanos, remaining_nanos) in grants {
        // Never below nothing, and never above what was given.
        let burned = to_burn.clamp(remaining_nanos - amount_nanos, remaining_nanos);
        if burned != 0 {
            let remaining = grants::remaining_nanos.eq(remaining_nanos - burned);
            diesel::update(grants::table.find(id)).set(remaining).execute(conn).await?;
        }
        to_burn -= burned;
    }
    Ok(())
}

/// Sets money aside for a reply. Needs the lock.
pub(super) async fn insert_hold(
    conn: &mut Connection,
    account_id: AccountId,
    generation_id: GenerationId,
    amount: Nanos,
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(holds::table)
        .values((
            holds::generation_id.eq(generation_id.0),
            holds::account_id.eq(account_id.0),
            holds::amount_nanos.eq(amount.0),
            holds::expires_at.eq(expires_at),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// How a hold ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HoldEnd {
    Posted,
    Voided,
    Expired,
}

/// Resolves a pending hold; false when it was resolved before. Needs the lock.
pub(super) async fn resolve_hold(conn: &mut Connection, id: GenerationId, end: HoldEnd) -> QueryResult<bool> {
    let state = match end {
        HoldEnd::Posted => "posted",
        HoldEnd::Voided => "voided",
        HoldEnd::Expired => "expired",
    };
    let rows = holds::table.find(id.0).filter(holds::state.eq("pending"));
    let resolved = diesel::update(rows)
        .set((holds::state.eq(state), holds::resolved_at.eq(clock_timestamp().nullable())))
        .execute(conn)
        .await?;
    Ok(resolved > 0)
}

/// Lets a pending hold count for `ttl` from now on; false when it is pending no more.
pub(super) async fn renew_hold(conn: &mut Connection, id: GenerationId, ttl: Duration) -> QueryResult<bool> {
    let expires_at = time(conn).await? + ttl;
    let rows = holds::table.find(id.0).filter(holds::state.eq("pending"));
    Ok(diesel::update(rows).set(holds::expires_at.eq(expires_at)).execute(conn).await? > 0)
}

/// The generations of pending holds past their expiry, oldest first, as a subquery.
#[diesel::dsl::auto_type]
pub(super) fn expired_holds(limit: i64) -> _ {
    let pending = holds::state.eq("pending");
    let expired = holds::expires_at.le(clock_timestamp());
    holds::table
        .filter(pending)
        .filter(expired)
        .order(holds::expires_at)
        .limit(limit)
        .select(holds::generation_id)
}

/// What can be spent at a moment. Holds and grants past their end count for nothing, even before a sweep wrote that.
pub(super) async fn credit(
    conn: &mut Connection,
    account_id: AccountId,
    at: DateTime<Utc>,
) -> QueryResult<Credit> {
    let posted: i64 = accounts::table.find(account_id.0).select(accounts::posted_nanos).first(conn).await?;
    let expired = remaining(conn, account_id, Some(at)).await?;
    let held = amount(
        holds::table
            .filter(holds::account_id.eq(account_id.0))
            .filter(holds::state.eq("pending"))
            .filter(holds::expires_at.gt(at))
            .select(sum(holds::amount_nanos))
            .first(conn)
            .await?,
    );
    let granted: Option<i64> = grants::table
        .filter(grants::cause.eq(monthly_cause(account_id, at)))
        .select(grants::amount_nanos)
        .first(conn)
        .await
        .optional()?;
    Ok(Credit {
        granted: Nanos(granted.unwrap_or(0)),
        held,
        available: Nanos(posted) - expired - held,
        resets_at: next_month(at),
    })
}

/// What is left of all grants, or only of those expired at `expired_at`.
async fn remaining(
    conn: &mut Connection,
    account_id: AccountId,
    expired_at: Option<DateTime<Utc>>,
) -> QueryResult<Nanos> {
    let mut query = grants::table.filter(grants::account_id.eq(account_id.0)).into_boxed();
    if let Some(at) = expired_at {
        query = query.filter(grants::expires_at.le(at));
    }
    Ok(amount(query.select(sum(grants::remaining_nanos)).first(conn).await?))
}

fn amount(sum: Option<bigdecimal::BigDecimal>) -> Nanos {
    use bigdecimal::ToPrimitive;

    Nanos(sum.and_then(|sum| sum.to_i64()).unwrap_or(0))
}

fn monthly_cause(account_id: AccountId, at: DateTime<Utc>) -> String {
    format!("free:{account_id}:{}", at.format("%Y-%m"))
}

/// The first moment of the next calendar month, in UTC.
fn next_month(at: DateTime<Utc>) -> DateTime<Utc> {
    let (year, month) = if at.month() == 12 { (at.year() + 1, 1) } else { (at.year(), at.month() + 1) };
    Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).single().unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_at_the_first_of_the_next_in_utc() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        assert_eq!(next_month(at("2026-11-30T23:59:59.999Z")), at("2026-12-01T00:00:00Z"));
        assert_eq!(next_month(at("2026-12-01T00:00:00Z")), at("2027-01-01T00:00:00Z"));
        assert_eq!(next_month(at("2028-02-29T12:00:00Z")), at("2028-03-01T00:00:00Z"));
    }
}
