//! The outbox of Stripe's meter.

use app::types::AccountId;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use diesel::dsl::not;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::audit::{self, NewAuditEvent};
use super::clock::clock_timestamp;
use super::schema::meter_events;
use super::{Connection, StoreError, StoreResult};

/// Overage to be told to Stripe.
#[derive(Clone, Debug, QueryableByName)]
pub struct MeterEvent {
    /// The ledger entry's, by which Stripe knows it again for a day.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Text)]
    pub customer_id: String,
    /// Micro-dollars.
    #[diesel(sql_type = BigInt)]
    pub units: i64,
    #[diesel(sql_type = Timestamptz)]
    pub occurred_at: DateTime<Utc>,
    /// It was first tried so long ago that Stripe may not know it again.
    #[diesel(sql_type = Bool)]
    pub may_be_forgotten: bool,
}

impl MeterEvent {
    pub fn account_id(&self) -> AccountId {
        AccountId(self.account_id)
    }
}

/// The next that wait, oldest first, after the entry `after`, and notes that they are tried.
pub async fn begin_batch(conn: &mut Connection, after: Uuid, limit: i64) -> StoreResult<Vec<MeterEvent>> {
    // Stripe keeps identifiers for at least 24 hours.
    let mut batch: Vec<MeterEvent> = diesel::sql_query(
        "with batch as (
             select meter_events.id, first_tried_at, stripe_customer_id as customer_id
             from meter_events join accounts on accounts.id = meter_events.account_id
             where sent_at is null and refused_at is null and units > 0 and meter_events.id > $1
                 and stripe_customer_id is not null
             order by meter_events.id limit $2
         )
         update meter_events set attempts = attempts + 1,
             first_tried_at = coalesce(meter_events.first_tried_at, clock_timestamp())
         from batch where meter_events.id = batch.id
         returning meter_events.id, meter_events.account_id, customer_id, units,
             occurred_at, coalesce(batch.first_tried_at < clock_timestamp() - interval '23 hours', false)
                 as may_be_forgotten",
    )
    .bind::<SqlUuid, _>(after)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    batch.sort_by_key(|event| event.id);
    Ok(batch)
}

pub async fn mark_sent(mut conn: &Connection, id: Uuid) -> StoreResult<()> {
    diesel::update(meter_events::table.find(id).filter(meter_events::sent_at.is_null()))
        .set((meter_events::sent_at.eq(clock_timestamp().nullable()), meter_events::error.eq(None::<String>)))
        .execute(&mut conn)
        .await?;
    Ok(())
}

/// Notes why it is not sent. `is_final`: it never will be.
pub async fn note_failure(mut conn: &Connection, id: Uuid, error: &str, is_final: bool) -> StoreResult<()> {
    let row = diesel::update(meter_events::table.find(id).filter(meter_events::sent_at.is_null()));
    let error = meter_events::error.eq(error);
    match is_final {
        true => {
            let refused = meter_events::refused_at.eq(clock_timestamp().nullable());
            row.set((error, refused)).execute(&mut conn).await?
        }
        false => row.set(error).execute(&mut conn).await?,
    };
    Ok(())
}

/// Notes of all that wait that they never will be sent.
pub(super) async fn refuse_waiting(
    conn: &mut Connection,
    account_id: AccountId,
    error: &str,
) -> QueryResult<()> {
    let waiting = meter_events::table
        .filter(meter_events::account_id.eq(account_id.0))
        .filter(meter_events::units.gt(0))
        .filter(meter_events::sent_at.is_null())
        .filter(meter_events::refused_at.is_null());
    let refused = (meter_events::error.eq(error), meter_events::refused_at.eq(clock_timestamp().nullable()));
    diesel::update(waiting).set(refused).execute(conn).await?;
    Ok(())
}

/// Lets one that was refused be sent again, with a row in the audit log. False: there is no such one.
pub async fn revive(conn: &mut Connection, id: Uuid, by: NewAuditEvent<'_>) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let refused = meter_events::table.find(id).filter(meter_events::refused_at.is_not_null());
        let waiting =
            (meter_events::refused_at.eq(None::<DateTime<Utc>>), meter_events::error.eq(None::<String>));
        let account: Option<Uuid> = diesel::update(refused)
            .set(waiting)
            .returning(meter_events::account_id)
            .get_result(conn)
            .await
            .optional()?;
        let Some(account) = account else { return Ok(false) };
        let detail = format!("{id} {}", by.detail);
        let event = NewAuditEvent { account_id: Some(AccountId(account)), detail: detail.trim_end(), ..by };
        audit::insert(conn, event).await?;
        Ok(true)
    })
    .await
}

/// What an account's events of a time, from `start` until before `end`, come to as far as Stripe has them.
pub async fn sum_sent(
    mut conn: &Connection,
    account_id: AccountId,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
) -> StoreResult<i64> {
    let units: Vec<i64> = meter_events::table
        .filter(meter_events::account_id.eq(account_id.0))
        .filter(meter_events::occurred_at.ge(start).and(meter_events::occurred_at.lt(end)))
        .filter(meter_events::sent_at.is_not_null())
        .select(meter_events::units)
        .load(&mut conn)
        .await?;
    Ok(units.into_iter().sum())
}

/// What a customer used beyond credit in a day, in micro-dollars.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct DayOfCustomer {
    #[diesel(sql_type = Text)]
    pub customer_id: String,
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    #[diesel(sql_type = BigInt)]
    pub units: i64,
}

/// Of every customer that has ever used any, each day from `first` to `last` with overage.
pub async fn list_days(
    conn: &mut Connection,
    first: NaiveDate,
    last: NaiveDate,
) -> StoreResult<Vec<DayOfCustomer>> {
    Ok(diesel::sql_query(
        "select stripe_customer_id as customer_id, (occurred_at at time zone 'utc')::date as day,
             sum(units)::bigint as units
         from meter_events join accounts on accounts.id = meter_events.account_id
         where stripe_customer_id is not null
             and occurred_at >= $1::timestamp at time zone 'utc'
             and occurred_at < ($2 + 1)::timestamp at time zone 'utc'
         group by 1, 2 order by 1, 2",
    )
    .bind::<Date, _>(first)
    .bind::<Date, _>(last)
    .load(conn)
    .await?)
}

/// The customers whose subscription has the meter, and had not ended before this day.
pub async fn list_metered_customers(conn: &mut Connection, since: NaiveDate) -> StoreResult<Vec<String>> {
    use super::schema::{accounts, subscriptions};

    let since = since.and_time(NaiveTime::MIN).and_utc();
    let has_ended = subscriptions::status.eq("canceled").and(subscriptions::period_end.lt(since));
    Ok(subscriptions::table
        .inner_join(accounts::table)
        .filter(subscriptions::metered_item_id.is_not_null())
        .filter(not(has_ended))
        .filter(accounts::stripe_customer_id.is_not_null())
        .select(accounts::stripe_customer_id.assume_not_null())
        .order(accounts::stripe_customer_id)
        .load(conn)
        .await?)
}
