//! The inbox of what Stripe told us: each event once, kept whatever its shape.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::clock::{clock_timestamp, now};
use super::jobs::{self, NewJob};
use super::schema::{accounts, reconciliations, stripe_events};
use super::{Connection, StoreError, StoreResult};
use crate::providers::stripe::Event;

/// Keeps an event and enqueues the job it causes, in one transaction. One without a job is done with. False: it was here
/// before, and so was its job.
pub async fn receive(conn: &mut Connection, event: &Event, job: Option<&NewJob>) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let at = now(conn).await?;
        let added = diesel::insert_into(stripe_events::table)
            .values((
                stripe_events::id.eq(&event.id),
                stripe_events::kind.eq(&event.kind),
                stripe_events::api_version.eq(&event.api_version),
                stripe_events::is_live.eq(event.is_live.unwrap_or_default()),
                stripe_events::customer_id.eq(&event.customer_id),
                stripe_events::payload.eq(&event.payload),
                stripe_events::received_at.eq(at),
                stripe_events::processed_at.eq(job.is_none().then_some(at)),
            ))
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
        if added > 0
            && let Some(job) = job
        {
            jobs::enqueue_behind(conn, job).await?;
        }
        Ok(added > 0)
    })
    .await
}

/// Those of these events that were never received.
pub async fn list_unknown(conn: &mut Connection, events: Vec<Event>) -> StoreResult<Vec<Event>> {
    let ids: Vec<_> = events.iter().map(|event| event.id.as_str()).collect();
    let known = stripe_events::table.filter(stripe_events::id.eq_any(ids)).select(stripe_events::id);
    let known: HashSet<String> = known.load(conn).await?.into_iter().collect();
    Ok(events.into_iter().filter(|event| !known.contains(&event.id)).collect())
}

/// Says whom an event concerns that did not say so itself. None: nobody, so it is done with.
pub async fn set_customer(conn: &mut Connection, id: &str, customer_id: Option<&str>) -> StoreResult<()> {
    let event = diesel::update(stripe_events::table.find(id));
    match customer_id {
        Some(customer_id) => event.set(stripe_events::customer_id.eq(customer_id)).execute(conn).await?,
        None => event.set(stripe_events::processed_at.eq(clock_timestamp().nullable())).execute(conn).await?,
    };
    Ok(())
}

/// What was received of a customer before Stripe was read is done with.
pub(super) async fn mark_processed(
    conn: &mut Connection,
    customer_id: &str,
    read_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(waiting())
        .filter(stripe_events::customer_id.eq(customer_id))
        .filter(stripe_events::received_at.le(read_at))
        .set((
            stripe_events::processed_at.eq(clock_timestamp().nullable()),
            stripe_events::error.eq(None::<String>),
            stripe_events::attempts.eq(stripe_events::attempts + 1),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// A customer whom no account has: nothing is to be done about what was received of it. Of one whose account is erased it
/// is not kept what that was.
pub async fn dismiss(conn: &mut Connection, customer_id: &str) -> StoreResult<()> {
    let at = now(conn).await?;
    mark_processed(conn, customer_id, at).await?;
    let erased = accounts::table
        .filter(accounts::deleted_customer_id.eq(customer_id))
        .filter(accounts::erased_at.is_not_null());
    if diesel::select(exists(erased)).get_result(conn).await? {
        let of_customer = stripe_events::table.filter(stripe_events::customer_id.eq(customer_id));
        let nothing = stripe_events::payload.eq(Value::Object(Map::new()));
        diesel::update(of_customer).set(nothing).execute(conn).await?;
    }
    Ok(())
}

/// Notes why what was received of a customer could not be dealt with yet.
pub async fn note_error(conn: &mut Connection, customer_id: &str, error: &str) -> StoreResult<()> {
    diesel::update(waiting())
        .filter(stripe_events::customer_id.eq(customer_id))
        .set((stripe_events::error.eq(error), stripe_events::attempts.eq(stripe_events::attempts + 1)))
        .execute(conn)
        .await?;
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn waiting() -> _ {
    stripe_events::table.filter(stripe_events::processed_at.is_null())
}

/// What has waited for longer than `age`, oldest first.
pub async fn list_waiting(conn: &mut Connection, age: TimeDelta) -> StoreResult<Vec<Value>> {
    let before = now(conn).await? - age;
    Ok(waiting()
        .filter(stripe_events::received_at.lt(before))
        .order(stripe_events::received_at)
        .limit(1000)
        .select(stripe_events::payload)
        .load(conn)
        .await?)
}

/// All that Stripe sent. Not found: no such event was received.
pub async fn find_payload(conn: &mut Connection, id: &str) -> StoreResult<Value> {
    Ok(stripe_events::table.find(id).select(stripe_events::payload).first(conn).await?)
}

/// Forgets what was received so long ago and is done with.
pub async fn delete_processed(conn: &mut Connection, age: TimeDelta) -> StoreResult<usize> {
    let before = now(conn).await? - age;
    let old = stripe_events::table
        .filter(stripe_events::processed_at.is_not_null())
        .filter(stripe_events::received_at.lt(before));
    Ok(diesel::delete(old).execute(conn).await?)
}

/// When the last comparison with Stripe that came to its end was begun.
pub async fn last_reconciliation(conn: &mut Connection) -> StoreResult<Option<DateTime<Utc>>> {
    Ok(reconciliations::table
        .filter(reconciliations::kind.eq("billing"))
        .select(diesel::dsl::max(reconciliations::started_at))
        .first(conn)
        .await?)
}

/// Keeps that everything was compared, and what differed: how much, and a list of sentences.
pub async fn record_reconciliation(
    conn: &mut Connection,
    started_at: DateTime<Utc>,
    missed_events: usize,
    drifted_customers: usize,
    findings: &[String],
) -> StoreResult<()> {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    diesel::insert_into(reconciliations::table)
        .values((
            reconciliations::id.eq(Uuid::now_v7()),
            reconciliations::started_at.eq(started_at),
            reconciliations::missed_events.eq(count(missed_events)),
            reconciliations::drifted_customers.eq(count(drifted_customers)),
            reconciliations::findings.eq(Value::from(findings)),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
