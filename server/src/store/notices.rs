//! Notices: what people are told about their account. They are the outbox: written in the transaction of the change that
//! causes them, together with the job that tells it.

use app::types::{AccountId, AlertBasis, Card, Interval, Nanos, NoticeId, NoticeKind};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::clock::{clock_timestamp, now};
use super::jobs::{self, NewJob};
use super::schema::{invoices, notices, purchases};
use super::{Connection, StoreResult};

/// The kind of job that tells a notice.
pub const DELIVERY: &str = "deliver_notice";

/// With the pauses between them, about a day.
const DELIVERY_ATTEMPTS: i32 = 30;

/// More than this nobody reads.
const SHOWN: i64 = 20;

/// What happened, as stored: plans by their keys, since names may change. No secrets, no addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Facts {
    InvoicePaid {
        invoice_id: String,
        number: Option<String>,
        plan: Option<String>,
        amount_cents: i64,
        paid_at: DateTime<Utc>,
    },
    PackBought {
        purchase_id: String,
        credit: Nanos,
        amount_cents: i64,
        bought_at: DateTime<Utc>,
    },
    PaymentFailed {
        invoice_id: String,
        plan: Option<String>,
        amount_cents: i64,
        /// None: it is not tried again by itself.
        next_attempt_at: Option<DateTime<Utc>>,
        /// Until then everything but the budget stays as it was. None: replies are paused already.
        grace_ends_at: Option<DateTime<Utc>>,
    },
    CardExpiring {
        card: Card,
    },
    PlanChanged {
        plan: Option<String>,
        change: PlanChange,
    },
    BudgetAlert {
        basis: AlertBasis,
        percent: u8,
        limit: Nanos,
        /// The first moment of the month it is about.
        month: DateTime<Utc>,
    },
    /// The person wants the account erased.
    ErasurePlanned {
        erase_at: DateTime<Utc>,
    },
}

/// What happens to the plan somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum PlanChange {
    /// It has just begun in the place of another, or is paid at another interval.
    Begun {
        interval: Interval,
        amount_cents: i64,
        renews_at: DateTime<Utc>,
    },
    /// Another one follows it, or another interval.
    Planned {
        to: String,
        interval: Interval,
        amount_cents: i64,
        at: DateTime<Utc>,
    },
    /// What was planned is not wanted any more.
    Kept {
        renews_at: DateTime<Utc>,
    },
    Cancelled {
        ends_at: DateTime<Utc>,
    },
    /// A cancellation was taken back.
    Resumed {
        renews_at: DateTime<Utc>,
    },
    /// It is over: `was_unpaid` because nobody paid it.
    Ended {
        was_unpaid: bool,
    },
}

impl Facts {
    pub fn kind(&self) -> NoticeKind {
        match self {
            Self::InvoicePaid { .. } | Self::PackBought { .. } => NoticeKind::Receipt,
            Self::PaymentFailed { .. } => NoticeKind::PaymentFailed,
            Self::CardExpiring { .. } => NoticeKind::CardExpiring,
            Self::PlanChanged { .. } => NoticeKind::PlanChanged,
            Self::BudgetAlert { .. } => NoticeKind::BudgetAlert,
            Self::ErasurePlanned { .. } => NoticeKind::AccountErasure,
        }
    }
}

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotice {
    /// What is told once has the same cause whenever it is learned.
    pub cause: String,
    pub facts: Facts,
}

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = notices)]
pub struct NoticeRow {
    pub id: Uuid,
    pub account_id: Uuid,
    /// As [`Facts`], unless another version wrote it.
    pub facts: Value,
    pub created_at: DateTime<Utc>,
}

/// The payload of the job that tells a notice.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Delivery {
    pub notice_id: NoticeId,
}

/// Writes down what is to be told and has it told, in the caller's transaction. What was told before is left alone.
pub(super) async fn insert(
    mut conn: &Connection,
    account_id: AccountId,
    new: &[NewNotice],
) -> QueryResult<()> {
    for NewNotice { cause, facts } in new {
        let id = NoticeId(Uuid::now_v7());
        let added = diesel::insert_into(notices::table)
            .values((
                notices::id.eq(id.0),
                notices::account_id.eq(account_id.0),
                notices::kind.eq(facts.kind().to_string()),
                notices::cause.eq(cause),
                notices::facts.eq(json!(facts)),
            ))
            .on_conflict(notices::cause)
            .do_nothing()
            .execute(&mut conn)
            .await?;
        if added > 0 {
            jobs::enqueue(conn, &delivery(id)).await?;
        }
    }
    Ok(())
}

fn delivery(notice_id: NoticeId) -> NewJob {
    NewJob {
        kind: DELIVERY,
        payload: json!(Delivery { notice_id }),
        run_at: None,
        unique_key: Some(notice_id.to_string()),
        serial_key: Some(format!("notice:{notice_id}")),
        max_attempts: DELIVERY_ATTEMPTS,
    }
}

/// One that was not told yet.
pub async fn find_untold(conn: &mut Connection, id: NoticeId) -> StoreResult<Option<NoticeRow>> {
    let untold =
        notices::table.find(id.0).filter(notices::mailed_at.is_null()).filter(notices::kept_at.is_null());
    Ok(untold.select(NoticeRow::as_select()).first(conn).await.optional()?)
}

/// A mail server has taken it.
pub async fn mark_mailed(conn: &mut Connection, id: NoticeId) -> StoreResult<()> {
    let row = notices::table.find(id.0).filter(notices::kept_at.is_null());
    diesel::update(row).set(notices::mailed_at.eq(clock_timestamp().nullable())).execute(conn).await?;
    Ok(())
}

/// Leaves it to the app to tell.
pub async fn keep(conn: &mut Connection, id: NoticeId) -> StoreResult<()> {
    let row = notices::table.find(id.0).filter(notices::mailed_at.is_null());
    diesel::update(row).set(notices::kept_at.eq(clock_timestamp().nullable())).execute(conn).await?;
    Ok(())
}

/// Leaves it to the app to tell what this was to deliver.
pub(super) async fn keep_undelivered(conn: &mut Connection, delivery: &Value) -> StoreResult<()> {
    match serde_json::from_value(delivery.clone()) {
        Ok(Delivery { notice_id }) => keep(conn, notice_id).await,
        Err(_) => Ok(()),
    }
}

/// Those that the app tells and nobody has dismissed, newest first.
pub async fn list_kept(
    conn: &mut Connection,
    account_id: AccountId,
    kinds: &[NoticeKind],
) -> StoreResult<Vec<NoticeRow>> {
    let kinds: Vec<_> = kinds.iter().map(ToString::to_string).collect();
    Ok(notices::table
        .filter(notices::account_id.eq(account_id.0))
        .filter(notices::kept_at.is_not_null())
        .filter(notices::dismissed_at.is_null())
        .filter(notices::kind.eq_any(kinds))
        .order((notices::created_at.desc(), notices::id.desc()))
        .limit(SHOWN)
        .select(NoticeRow::as_select())
        .load(conn)
        .await?)
}

/// The newest, however they were told.
pub async fn list(conn: &mut Connection, account_id: AccountId) -> StoreResult<Vec<ToldRow>> {
    Ok(notices::table
        .filter(notices::account_id.eq(account_id.0))
        .order((notices::created_at.desc(), notices::id.desc()))
        .limit(SHOWN)
        .select(ToldRow::as_select())
        .load(conn)
        .await?)
}

/// How something was told.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = notices)]
pub struct ToldRow {
    pub kind: String,
    /// As [`Facts`], unless another version wrote it.
    pub facts: Value,
    pub created_at: DateTime<Utc>,
    pub mailed_at: Option<DateTime<Utc>>,
    pub kept_at: Option<DateTime<Utc>>,
}

/// Dismissing what is not there is fine.
pub async fn dismiss(conn: &mut Connection, account_id: AccountId, id: NoticeId) -> StoreResult<()> {
    let row = notices::table
        .find(id.0)
        .filter(notices::account_id.eq(account_id.0))
        .filter(notices::dismissed_at.is_null());
    diesel::update(row).set(notices::dismissed_at.eq(clock_timestamp().nullable())).execute(conn).await?;
    Ok(())
}

/// Forgets what was mailed, or dismissed in the app, and is so old; what nobody has seen stays.
pub async fn delete_told(conn: &mut Connection, age: TimeDelta) -> StoreResult<usize> {
    let before = now(conn).await? - age;
    let told = notices::mailed_at.is_not_null().or(notices::dismissed_at.is_not_null());
    Ok(diesel::delete(notices::table.filter(notices::created_at.lt(before)).filter(told))
        .execute(conn)
        .await?)
}

/// Where an invoice is paid or shown, and whether it still waits to be paid. None: there is no such invoice.
pub async fn find_invoice(conn: &mut Connection, id: &str) -> StoreResult<Option<(Option<String>, bool)>> {
    let row: Option<(Option<String>, String)> =
        invoices::table.find(id).select((invoices::url, invoices::status)).first(conn).await.optional()?;
    Ok(row.map(|(url, status)| (url, matches!(status.as_str(), "draft" | "open"))))
}

/// Where the receipt of a pack is shown.
pub async fn find_pack_receipt(conn: &mut Connection, id: &str) -> StoreResult<Option<String>> {
    let url: Option<Option<String>> =
        purchases::table.find(id).select(purchases::receipt_url).first(conn).await.optional()?;
    Ok(url.flatten())
}
