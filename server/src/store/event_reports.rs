//! The inbox, the meter's outbox and the comparisons with Stripe, for operators to read.

use std::collections::BTreeSet;

use app::types::{
    Comparison, CustomerLabel, EntryId, EventState, EventsQuery, Inbox, MeterExport, Nanos, RefusedUsage,
    StripeEvent, StripeEventDetail,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::{meter_events, reconciliations, stripe_events};
use super::{Connection, StoreResult, person_labels};

#[derive(Queryable, Selectable)]
#[diesel(table_name = stripe_events)]
struct EventRow {
    id: String,
    kind: String,
    customer_id: Option<String>,
    received_at: DateTime<Utc>,
    processed_at: Option<DateTime<Utc>>,
    error: Option<String>,
    attempts: i32,
}

impl From<EventRow> for StripeEvent {
    fn from(row: EventRow) -> Self {
        let EventRow { id, kind, customer_id, received_at, processed_at, error, attempts } = row;
        Self { id, kind, customer_id, received_at, processed_at, error, attempts: attempts.unsigned_abs() }
    }
}

/// Newest first, `limit` of them at most.
pub async fn list(conn: &mut Connection, query: &EventsQuery, limit: i64) -> StoreResult<Vec<StripeEvent>> {
    let mut wanted = stripe_events::table.into_boxed();
    match query.state {
        EventState::All => {}
        EventState::Waiting => wanted = wanted.filter(stripe_events::processed_at.is_null()),
        EventState::Failed => {
            wanted = wanted
                .filter(stripe_events::processed_at.is_null())
                .filter(stripe_events::error.is_not_null());
        }
    }
    if let Some(customer) = &query.customer {
        wanted = wanted.filter(stripe_events::customer_id.eq(customer));
    }
    if let Some(before) = query.before {
        wanted = wanted.filter(stripe_events::received_at.lt(before));
    }
    let rows: Vec<EventRow> = wanted
        .order(stripe_events::received_at.desc())
        .limit(limit)
        .select(EventRow::as_select())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(StripeEvent::from).collect())
}

/// Not found: no such event was received.
pub async fn read(conn: &mut Connection, id: &str) -> StoreResult<StripeEventDetail> {
    let (row, api_version, is_live, payload): (EventRow, Option<String>, bool, Value) = stripe_events::table
        .find(id)
        .select((
            EventRow::as_select(),
            stripe_events::api_version,
            stripe_events::is_live,
            stripe_events::payload,
        ))
        .first(conn)
        .await?;
    let payload = serde_json::to_string_pretty(&payload).unwrap_or_default();
    Ok(StripeEventDetail { event: row.into(), api_version, is_live, payload })
}

#[derive(QueryableByName)]
struct InboxRow {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    waiting_since: Option<DateTime<Utc>>,
}

/// What of the inbox is not dealt with.
pub async fn read_inbox(conn: &mut Connection) -> StoreResult<Inbox> {
    const READ: &str = "
        select count(*) as waiting, count(error) as failed, min(received_at) as waiting_since
        from stripe_events where processed_at is null";
    let row: InboxRow = diesel::sql_query(READ).get_result(conn).await?;
    Ok(Inbox { waiting: count(row.waiting), failed: count(row.failed), waiting_since: row.waiting_since })
}

#[derive(QueryableByName)]
struct MeterRow {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    waiting_nanos: i64,
    #[diesel(sql_type = BigInt)]
    refused: i64,
    #[diesel(sql_type = BigInt)]
    refused_nanos: i64,
}

/// What Stripe's meter has not taken.
pub async fn read_meter(conn: &mut Connection) -> StoreResult<MeterExport> {
    const READ: &str = "
        select count(*) filter (where refused_at is null) as waiting,
            coalesce(sum(amount_nanos) filter (where refused_at is null), 0)::bigint as waiting_nanos,
            count(*) filter (where refused_at is not null) as refused,
            coalesce(sum(amount_nanos) filter (where refused_at is not null), 0)::bigint as refused_nanos
        from meter_events where sent_at is null and units > 0";
    let row: MeterRow = diesel::sql_query(READ).get_result(conn).await?;
    Ok(MeterExport {
        waiting: count(row.waiting),
        waiting_amount: Nanos(row.waiting_nanos),
        refused: count(row.refused),
        refused_amount: Nanos(row.refused_nanos),
    })
}

/// What Stripe's meter has refused, the newest refusal first, `limit` of them at most.
pub async fn list_refused_usage(conn: &mut Connection, limit: i64) -> StoreResult<Vec<RefusedUsage>> {
    type Row = (Uuid, Uuid, i64, DateTime<Utc>, DateTime<Utc>, Option<String>);
    let rows: Vec<Row> = meter_events::table
        .filter(meter_events::refused_at.is_not_null())
        .order(meter_events::refused_at.desc())
        .limit(limit)
        .select((
            meter_events::id,
            meter_events::account_id,
            meter_events::amount_nanos,
            meter_events::occurred_at,
            meter_events::refused_at.assume_not_null(),
            meter_events::error,
        ))
        .load(conn)
        .await?;
    let people = person_labels::of_accounts(conn, rows.iter().map(|(_, account, ..)| *account)).await?;
    let told = rows.into_iter().map(|(id, account, amount, occurred_at, refused_at, error)| RefusedUsage {
        id: EntryId(id),
        person: people.get(&account).cloned(),
        amount: Nanos(amount),
        occurred_at,
        refused_at,
        error,
    });
    Ok(told.collect())
}

fn count(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The last comparisons, newest first, `limit` of them at most.
pub async fn list_comparisons(conn: &mut Connection, limit: i64) -> StoreResult<Vec<Comparison>> {
    type Row = (String, DateTime<Utc>, i32, i32, Value);
    let rows: Vec<Row> = reconciliations::table
        .order(reconciliations::started_at.desc())
        .limit(limit)
        .select((
            reconciliations::kind,
            reconciliations::started_at,
            reconciliations::missed_events,
            reconciliations::drifted_customers,
            reconciliations::findings,
        ))
        .load(conn)
        .await?;
    let comparisons = rows.into_iter().map(|(kind, at, missed, drifted, findings)| Comparison {
        title: title(&kind).to_owned(),
        at,
        findings: repaired(missed, drifted).into_iter().chain(sentences(findings)).collect(),
        customers: Vec::new(),
    });
    let mut comparisons: Vec<_> = comparisons.collect();
    let named = comparisons.iter().flat_map(|comparison| &comparison.findings);
    let named: Vec<_> = named.filter_map(|finding| customer_of(finding)).map(str::to_owned).collect();
    let people = person_labels::of_customers(conn, named).await?;
    for comparison in &mut comparisons {
        let named: BTreeSet<_> =
            comparison.findings.iter().filter_map(|finding| customer_of(finding)).collect();
        let label = |id: &str| Some(CustomerLabel { id: id.to_owned(), person: people.get(id)?.clone() });
        comparison.customers = named.into_iter().filter_map(label).collect();
    }
    Ok(comparisons)
}

/// Whom a finding is about, whose id is a word of it.
fn customer_of(finding: &str) -> Option<&str> {
    finding.split([' ', ':']).find(|word| word.starts_with("cus_"))
}

fn title(kind: &str) -> &str {
    match kind {
        "billing" => "Subscriptions and events",
        // As earlier versions have written it.
        "meter" => "Overage and Stripe’s meter",
        "four_way" => "Holds, ledger, meter and providers",
        other => other,
    }
}

/// What no webhook had brought, and is repaired.
fn repaired(missed: i32, drifted: i32) -> Vec<String> {
    let missed = (missed > 0).then(|| format!("{missed} events had not arrived"));
    let drifted = (drifted > 0).then(|| format!("{drifted} customers were not as Stripe has them"));
    missed.into_iter().chain(drifted).collect()
}

fn sentences(findings: Value) -> Vec<String> {
    serde_json::from_value(findings).unwrap_or_default()
}
