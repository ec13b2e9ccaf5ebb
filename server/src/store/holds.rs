//! Holds: money set aside for a reply until it ends, or until nobody has said for a while that it goes on.

use std::time::Duration;

use app::types::GenerationId;
use diesel::dsl::{IntervalDsl, sql};
use diesel::prelude::*;
use diesel::sql_types::{Interval, Timestamptz};
use diesel_async::RunQueryDsl;

use super::Connection;
use super::clock::clock_timestamp;
use super::schema::holds;

/// How a hold ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HoldEnd {
    Posted,
    Voided,
    Expired,
}

/// Resolves a pending hold; false when it was resolved before. Needs the account's lock.
pub(super) async fn resolve(mut conn: &Connection, id: GenerationId, end: HoldEnd) -> QueryResult<bool> {
    let state = match end {
        HoldEnd::Posted => "posted",
        HoldEnd::Voided => "voided",
        HoldEnd::Expired => "expired",
    };
    let rows = holds::table.find(id.0).filter(holds::state.eq("pending"));
    let resolved = diesel::update(rows)
        .set((holds::state.eq(state), holds::resolved_at.eq(clock_timestamp().nullable())))
        .execute(&mut conn)
        .await?;
    Ok(resolved > 0)
}

/// Lets a hold count for `ttl` from now on. False: it is resolved, or has expired and counts no more, so its money may be
/// set aside for something else by now.
pub(super) async fn renew(mut conn: &Connection, id: GenerationId, ttl: Duration) -> QueryResult<bool> {
    let rows = holds::table
        .find(id.0)
        .filter(holds::state.eq("pending"))
        .filter(holds::expires_at.gt(clock_timestamp()));
    let ttl = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX).microseconds();
    let until = sql::<Timestamptz>("clock_timestamp() + ").bind::<Interval, _>(ttl);
    Ok(diesel::update(rows).set(holds::expires_at.eq(until)).execute(&mut conn).await? > 0)
}

/// The generations of pending holds past their expiry, oldest first, as a subquery.
#[diesel::dsl::auto_type]
pub(super) fn expired(limit: i64) -> _ {
    let pending = holds::state.eq("pending");
    let expired = holds::expires_at.le(clock_timestamp());
    holds::table
        .filter(pending)
        .filter(expired)
        .order(holds::expires_at)
        .limit(limit)
        .select(holds::generation_id)
}
