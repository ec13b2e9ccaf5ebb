//! Subscriptions, invoices and packs as Stripe has them, written down whole after each reading.

use std::collections::HashSet;

use app::types::{AccountId, Card, Interval, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::accounts::{self, Reading};
use super::ledger::{self, CreditChange};
use super::money_back::{self, MoneyBackRow};
use super::notices::{self, NewNotice};
use super::schema::{invoices, purchases, subscriptions};
use super::{Connection, StoreError, StoreResult, meter_events, stripe_events};
use crate::providers::stripe::SubscriptionStatus;
use crate::store::jobs::{self, NewJob};

/// How a subscription is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dunning {
    pub status: SubscriptionStatus,
    /// Since when a payment is due, and until when that is borne.
    pub past_due: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// The account's subscription. Whoever subscribes again has another one: what names the row is the account.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = subscriptions, primary_key(account_id), treat_none_as_null = true)]
pub struct SubscriptionRow {
    /// Stripe's id.
    pub id: String,
    pub status: String,
    /// None: of a product we do not know.
    pub plan: Option<String>,
    pub interval: String,
    pub amount_cents: i64,
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
    pub past_due_since: Option<DateTime<Utc>>,
    pub grace_ends_at: Option<DateTime<Utc>>,
    pub credit_resets_at: Option<DateTime<Utc>>,
    pub next_plan: Option<String>,
    pub next_interval: Option<String>,
    pub next_amount_cents: Option<i64>,
    pub next_at: Option<DateTime<Utc>>,
    pub unpaid_change_url: Option<String>,
    pub card_brand: Option<String>,
    pub card_last4: Option<String>,
    pub card_expires_month: Option<i32>,
    pub card_expires_year: Option<i32>,
    pub metered_item_id: Option<String>,
}

impl SubscriptionRow {
    pub fn dunning(&self) -> Option<Dunning> {
        let past_due = self.past_due_since.zip(self.grace_ends_at);
        Some(Dunning { status: self.status.parse().ok()?, past_due })
    }

    pub fn card(&self) -> Option<Card> {
        Some(Card {
            brand: self.card_brand.clone()?,
            last4: self.card_last4.clone()?,
            expires_month: self.card_expires_month?.try_into().ok()?,
            expires_year: self.card_expires_year?.try_into().ok()?,
        })
    }
}

/// From a word as stored.
pub fn to_interval(text: &str) -> Interval {
    if text == "year" { Interval::Year } else { Interval::Month }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = invoices, treat_none_as_null = true)]
pub struct InvoiceRow {
    pub id: String,
    pub subscription_id: Option<String>,
    pub number: Option<String>,
    pub status: String,
    pub billing_reason: Option<String>,
    pub total_cents: i64,
    pub refunded_cents: i64,
    pub created_at: DateTime<Utc>,
    pub paid_at: Option<DateTime<Utc>>,
    pub url: Option<String>,
    pub pdf_url: Option<String>,
}

/// A pack of credit that was paid for.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = purchases, treat_none_as_null = true)]
pub struct PurchaseRow {
    pub id: String,
    pub pack: String,
    pub credit_nanos: i64,
    pub amount_cents: i64,
    pub refunded_cents: i64,
    pub bought_at: DateTime<Utc>,
    pub receipt_url: Option<String>,
}

impl PurchaseRow {
    pub fn credit(&self) -> Nanos {
        Nanos(self.credit_nanos)
    }
}

/// What a reading of a customer comes to.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The customer was deleted at Stripe: the account has none any more.
    pub is_customer_deleted: bool,
    /// The account's plan from now on.
    pub plan: String,
    pub subscription: Option<SubscriptionRow>,
    pub invoices: Vec<InvoiceRow>,
    pub purchases: Vec<PurchaseRow>,
    pub money_back: Vec<MoneyBackRow>,
    pub credit: Vec<CreditChange>,
    /// To read again later.
    pub next_reading: Option<NewJob>,
}

/// What was written down before a reading.
#[derive(Clone, Debug, Default)]
pub struct Before {
    pub subscription: Option<SubscriptionRow>,
    /// The invoices that were paid.
    pub paid_invoices: HashSet<String>,
    /// The packs that were bought.
    pub purchases: HashSet<String>,
}

/// Writes down what a reading found, unless something newer is written, and what of it is `news` to people. In one
/// transaction under the account's lock.
pub async fn write(
    conn: &mut Connection,
    customer_id: &str,
    reading: Reading,
    findings: &Findings,
    news: impl Fn(&Before) -> Vec<NewNotice> + Send + Sync,
) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        if !accounts::claim_writing(conn, reading, &findings.plan).await? {
            return Ok(false);
        }
        let account_id = reading.account_id;
        let before = read_before(conn, account_id).await?;
        upsert_subscription(conn, account_id, findings.subscription.as_ref()).await?;
        upsert_invoices(conn, account_id, &findings.invoices).await?;
        upsert_purchases(conn, account_id, &findings.purchases).await?;
        money_back::upsert(conn, account_id, &findings.money_back).await?;
        ledger::apply(conn, account_id, &findings.credit).await?;
        if let Some(job) = &findings.next_reading {
            jobs::enqueue(conn, job).await?;
        }
        notices::insert(conn, account_id, &news(&before)).await?;
        if findings.is_customer_deleted && accounts::forget_customer(conn, account_id, customer_id).await? {
            meter_events::refuse_waiting(conn, account_id, "the customer was deleted").await?;
        }
        stripe_events::mark_processed(conn, customer_id, reading.at).await?;
        Ok(true)
    })
    .await
}

async fn read_before(conn: &mut Connection, account_id: AccountId) -> StoreResult<Before> {
    let subscription = find(conn, account_id).await?;
    let paid = invoices::table
        .filter(invoices::account_id.eq(account_id.0))
        .filter(invoices::status.eq("paid"))
        .select(invoices::id);
    let paid: Vec<String> = paid.load(conn).await?;
    let bought = purchases::table.filter(purchases::account_id.eq(account_id.0)).select(purchases::id);
    let bought: Vec<String> = bought.load(conn).await?;
    Ok(Before {
        subscription,
        paid_invoices: paid.into_iter().collect(),
        purchases: bought.into_iter().collect(),
    })
}

async fn upsert_subscription(
    conn: &mut Connection,
    account_id: AccountId,
    row: Option<&SubscriptionRow>,
) -> QueryResult<()> {
    let Some(row) = row else {
        // It went with its customer, if there was one.
        let gone = (
            subscriptions::status.eq(SubscriptionStatus::Canceled.to_string()),
            subscriptions::past_due_since.eq(None::<DateTime<Utc>>),
            subscriptions::grace_ends_at.eq(None::<DateTime<Utc>>),
        );
        diesel::update(subscriptions::table.find(account_id.0)).set(gone).execute(conn).await?;
        return Ok(());
    };
    diesel::insert_into(subscriptions::table)
        .values((subscriptions::account_id.eq(account_id.0), row))
        .on_conflict(subscriptions::account_id)
        .do_update()
        .set(row)
        .execute(conn)
        .await?;
    Ok(())
}

async fn upsert_invoices(
    conn: &mut Connection,
    account_id: AccountId,
    rows: &[InvoiceRow],
) -> QueryResult<()> {
    for row in rows {
        diesel::insert_into(invoices::table)
            .values((invoices::account_id.eq(account_id.0), row))
            .on_conflict(invoices::id)
            .do_update()
            .set(row)
            .execute(conn)
            .await?;
    }
    Ok(())
}

async fn upsert_purchases(
    conn: &mut Connection,
    account_id: AccountId,
    rows: &[PurchaseRow],
) -> QueryResult<()> {
    for row in rows {
        diesel::insert_into(purchases::table)
            .values((purchases::account_id.eq(account_id.0), row))
            .on_conflict(purchases::id)
            .do_update()
            .set(row)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The account's subscription, also one that has ended.
pub async fn find(conn: &mut Connection, account_id: AccountId) -> StoreResult<Option<SubscriptionRow>> {
    let rows = subscriptions::table.find(account_id.0);
    Ok(rows.select(SubscriptionRow::as_select()).first(conn).await.optional()?)
}

/// The newest invoices first.
pub async fn list_invoices(conn: &mut Connection, account_id: AccountId) -> StoreResult<Vec<InvoiceRow>> {
    Ok(invoices::table
        .filter(invoices::account_id.eq(account_id.0))
        .order((invoices::created_at.desc(), invoices::id.desc()))
        .limit(100)
        .select(InvoiceRow::as_select())
        .load(conn)
        .await?)
}

/// The newest packs first.
pub async fn list_purchases(conn: &mut Connection, account_id: AccountId) -> StoreResult<Vec<PurchaseRow>> {
    Ok(purchases::table
        .filter(purchases::account_id.eq(account_id.0))
        .order((purchases::bought_at.desc(), purchases::id.desc()))
        .limit(100)
        .select(PurchaseRow::as_select())
        .load(conn)
        .await?)
}

/// A pack that was paid for on this page.
pub async fn find_purchase(
    conn: &mut Connection,
    account_id: AccountId,
    session_id: &str,
) -> StoreResult<Option<PurchaseRow>> {
    let rows = purchases::table.find(session_id).filter(purchases::account_id.eq(account_id.0));
    Ok(rows.select(PurchaseRow::as_select()).first(conn).await.optional()?)
}

/// Every subscription with its customer, as it was written down.
pub async fn list_all(conn: &mut Connection) -> StoreResult<Vec<(String, SubscriptionRow)>> {
    use super::schema::accounts;

    Ok(subscriptions::table
        .inner_join(accounts::table)
        .filter(accounts::stripe_customer_id.is_not_null())
        .select((accounts::stripe_customer_id.assume_not_null(), SubscriptionRow::as_select()))
        .load(conn)
        .await?)
}
