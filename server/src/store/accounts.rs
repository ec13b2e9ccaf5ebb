//! Accounts: who owns money, limits and the customer at Stripe.

use std::collections::HashSet;
use std::time::Duration;

use app::types::{AccountId, LimitOverride};
use chrono::{DateTime, Months, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::clock::{clock_timestamp, now};
use super::plan_overrides::PlanOverrideRow;
use super::schema::{accounts, limit_overrides, plan_overrides, subscriptions, users};
use super::subscriptions::Dunning;
use super::{Connection, StoreResult};
use crate::books::month_of;

/// What an account may use, as far as the database knows.
#[derive(Clone, Debug)]
pub struct AccountPlanRow {
    /// The plan's key.
    pub plan: String,
    /// None: there is no subscription.
    pub dunning: Option<Dunning>,
    /// When the subscription gives credit again.
    pub credit_resets_at: Option<DateTime<Utc>>,
    /// Since when an operator lets it have no replies.
    pub suspended_at: Option<DateTime<Utc>>,
    /// Until when an operator bears that it is not paid.
    pub grace_until: Option<DateTime<Utc>>,
    /// Other limits than the plan's, also when they have ended.
    pub limit_override: Option<LimitOverride>,
    /// Another plan in the place of this one, also when it has ended.
    pub plan_override: Option<PlanOverrideRow>,
    /// When this was so.
    pub at: DateTime<Utc>,
}

/// The account's plan and how its subscription stands.
pub async fn find_plan(mut conn: &Connection, id: AccountId) -> StoreResult<AccountPlanRow> {
    type Row = (DecidedRow, DateTime<Utc>, Option<DunningRow>, Option<OverrideRow>, Option<PlanOverrideRow>);
    let (decided, at, row, limits, plan): Row = accounts::table
        .left_join(subscriptions::table)
        .left_join(limit_overrides::table)
        .left_join(plan_overrides::table)
        .filter(accounts::id.eq(id.0))
        .select((
            DecidedRow::as_select(),
            clock_timestamp(),
            Option::<DunningRow>::as_select(),
            Option::<OverrideRow>::as_select(),
            Option::<PlanOverrideRow>::as_select(),
        ))
        .first(&mut conn)
        .await?;
    Ok(AccountPlanRow::new(decided, row, limits, plan, at))
}

impl AccountPlanRow {
    pub(super) fn new(
        decided: DecidedRow,
        row: Option<DunningRow>,
        limits: Option<OverrideRow>,
        plan_override: Option<PlanOverrideRow>,
        at: DateTime<Utc>,
    ) -> Self {
        let DecidedRow { plan, suspended_at, grace_until } = decided;
        let credit_resets_at = row.as_ref().and_then(|row| row.credit_resets_at);
        let dunning = row.and_then(DunningRow::into_dunning);
        let limit_override = limits.map(OverrideRow::into_override);
        Self { plan, dunning, credit_resets_at, suspended_at, grace_until, limit_override, plan_override, at }
    }

    /// When the period began whose credit is told at that time: the month before a subscription gives credit again, else the
    /// calendar month.
    pub fn period_start(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        // One that has ended keeps its time, which means nothing any more.
        let gives_credit = self.dunning.as_ref().is_some_and(|dunning| dunning.status.gives_credit());
        let of_subscription = self.credit_resets_at.filter(|resets_at| gives_credit && *resets_at > at);
        let began = of_subscription.and_then(|resets_at| resets_at.checked_sub_months(Months::new(1)));
        began.filter(|began| *began <= at).unwrap_or_else(|| month_of(at))
    }
}

/// What was decided about the account, by its payments or by an operator.
#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(super) struct DecidedRow {
    plan: String,
    suspended_at: Option<DateTime<Utc>>,
    grace_until: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = limit_overrides, treat_none_as_null = true)]
pub(super) struct OverrideRow {
    requests_per_minute: Option<i32>,
    requests_per_day: Option<i32>,
    tokens_per_minute: Option<i32>,
    concurrent_replies: Option<i32>,
    ends_at: DateTime<Utc>,
}

impl OverrideRow {
    pub(super) fn into_override(self) -> LimitOverride {
        let limit = |number: Option<i32>| number.and_then(|number| number.try_into().ok());
        LimitOverride {
            requests_per_minute: limit(self.requests_per_minute),
            requests_per_day: limit(self.requests_per_day),
            tokens_per_minute: limit(self.tokens_per_minute),
            concurrent_replies: limit(self.concurrent_replies),
            ends_at: self.ends_at,
        }
    }
}

impl From<LimitOverride> for OverrideRow {
    fn from(limits: LimitOverride) -> Self {
        let limit = |number: Option<u32>| number.map(|number| i32::try_from(number).unwrap_or(i32::MAX));
        Self {
            requests_per_minute: limit(limits.requests_per_minute),
            requests_per_day: limit(limits.requests_per_day),
            tokens_per_minute: limit(limits.tokens_per_minute),
            concurrent_replies: limit(limits.concurrent_replies),
            ends_at: limits.ends_at,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = subscriptions)]
pub(super) struct DunningRow {
    pub(super) status: String,
    past_due_since: Option<DateTime<Utc>>,
    grace_ends_at: Option<DateTime<Utc>>,
    credit_resets_at: Option<DateTime<Utc>>,
}

impl DunningRow {
    fn into_dunning(self) -> Option<Dunning> {
        Some(Dunning {
            status: self.status.parse().ok()?,
            past_due: self.past_due_since.zip(self.grace_ends_at),
        })
    }
}

pub(super) async fn insert(conn: &mut Connection, id: AccountId, plan: &str) -> QueryResult<()> {
    let row = (accounts::id.eq(id.0), accounts::plan.eq(plan));
    diesel::insert_into(accounts::table).values(row).execute(conn).await?;
    Ok(())
}

/// The account's customer at Stripe, from its first checkout on.
pub async fn find_customer(conn: &mut Connection, id: AccountId) -> StoreResult<Option<String>> {
    Ok(accounts::table.find(id.0).select(accounts::stripe_customer_id).first(conn).await?)
}

/// Keeps the account's customer, unless it has one. The one it has; none, when it was erased.
pub async fn keep_customer(
    conn: &mut Connection,
    id: AccountId,
    customer_id: &str,
) -> StoreResult<Option<String>> {
    let without_customer = accounts::stripe_customer_id.is_null().and(accounts::erased_at.is_null());
    diesel::update(accounts::table.find(id.0).filter(without_customer))
        .set(accounts::stripe_customer_id.eq(customer_id))
        .execute(conn)
        .await?;
    find_customer(conn, id).await
}

/// Lets the account have another customer than this one, which was deleted at Stripe. False: it has already.
pub(super) async fn forget_customer(
    conn: &mut Connection,
    id: AccountId,
    customer_id: &str,
) -> QueryResult<bool> {
    let account = accounts::table.find(id.0).filter(accounts::stripe_customer_id.eq(customer_id));
    let deleted = accounts::deleted_customer_id.eq(customer_id);
    let none = (accounts::stripe_customer_id.eq(None::<String>), deleted);
    Ok(diesel::update(account).set(none).execute(conn).await? > 0)
}

/// How often a customer of the account was read so far. While it has none, this stays the same.
pub async fn count_readings(conn: &mut Connection, id: AccountId) -> StoreResult<i64> {
    Ok(accounts::table.find(id.0).select(accounts::billing_fence).first(conn).await?)
}

/// Those of some customers that accounts have.
pub async fn list_customers(conn: &mut Connection, among: &[&str]) -> StoreResult<HashSet<String>> {
    let ours = accounts::table.filter(accounts::stripe_customer_id.eq_any(among));
    let ours: Vec<String> = ours.select(accounts::stripe_customer_id.assume_not_null()).load(conn).await?;
    Ok(ours.into_iter().collect())
}

/// A verified address of somebody the account belongs to.
pub async fn find_email(conn: &mut Connection, id: AccountId) -> StoreResult<Option<String>> {
    let email: Option<Option<String>> = users::table
        .filter(users::account_id.eq(id.0))
        .filter(users::email_verified)
        .select(users::email)
        .order(users::created_at)
        .first(conn)
        .await
        .optional()?;
    Ok(email.flatten())
}

/// The page to pay for a subscription that may be open.
pub async fn find_checkout(conn: &mut Connection, id: AccountId) -> StoreResult<Option<String>> {
    Ok(accounts::table.find(id.0).select(accounts::checkout_session_id).first(conn).await?)
}

/// Puts a page to pay in the place of another. False: a third one is there meanwhile.
pub async fn replace_checkout(
    conn: &mut Connection,
    id: AccountId,
    known: Option<&str>,
    new: &str,
) -> StoreResult<bool> {
    let unchanged =
        accounts::table.find(id.0).filter(accounts::checkout_session_id.is_not_distinct_from(known));
    let set = accounts::checkout_session_id.eq(new);
    Ok(diesel::update(unchanged).set(set).execute(conn).await? > 0)
}

/// Leases the account to whoever wants to change its subscription, for `length` at the most. What the lease is ended with;
/// None: somebody else has it.
pub async fn lease_change(
    conn: &mut Connection,
    id: AccountId,
    length: Duration,
) -> StoreResult<Option<DateTime<Utc>>> {
    let at = now(conn).await?;
    let until = accounts::change_leased_until;
    let free = accounts::table.find(id.0).filter(until.is_null().or(until.le(at)));
    let leased = diesel::update(free).set(until.eq(at + length)).execute(conn).await?;
    Ok((leased > 0).then_some(at + length))
}

/// Ends a lease, unless it has run out and somebody else has one.
pub async fn end_change(conn: &mut Connection, id: AccountId, lease: DateTime<Utc>) -> StoreResult<()> {
    let leased = accounts::table.find(id.0).filter(accounts::change_leased_until.eq(lease));
    let ended = accounts::change_leased_until.eq(None::<DateTime<Utc>>);
    diesel::update(leased).set(ended).execute(conn).await?;
    Ok(())
}

/// A reading of a customer at Stripe.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub account_id: AccountId,
    /// Grows with each reading of the customer.
    pub number: i64,
    /// When it began, by the database's clock.
    pub at: DateTime<Utc>,
}

/// Begins to read a customer at Stripe. None: no account has it.
pub async fn begin_reading(conn: &mut Connection, customer_id: &str) -> StoreResult<Option<Reading>> {
    let row: Option<(Uuid, i64, DateTime<Utc>)> = diesel::update(accounts::table)
        .filter(accounts::stripe_customer_id.eq(customer_id))
        .set(accounts::billing_fence.eq(accounts::billing_fence + 1))
        .returning((accounts::id, accounts::billing_fence, clock_timestamp()))
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(|(id, number, at)| Reading { account_id: AccountId(id), number, at }))
}

/// Locks the account to write what was read. False: something newer is written already.
pub(super) async fn claim_writing(
    conn: &mut Connection,
    Reading { account_id, number, .. }: Reading,
    plan: &str,
) -> QueryResult<bool> {
    let older = accounts::table.find(account_id.0).filter(accounts::billing_written.lt(number));
    let set = (accounts::billing_written.eq(number), accounts::plan.eq(plan));
    Ok(diesel::update(older).set(set).execute(conn).await? > 0)
}
