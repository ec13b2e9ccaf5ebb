//! Alerts: that this month's spending has passed a part of its cap, or this period's of its credit where there is no cap.
//! Told once. Each is kept by the first day of its period, which is the calendar month of a cap, and for credit begins when
//! the credit was given.

use app::types::{AccountId, Alert, AlertBasis, CapTerms, Credit, Nanos};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::caps::MonthCap;
use super::clock::clock_timestamp;
use super::notices::{self, Facts, NewNotice};
use super::schema::spending_alerts;
use super::{Connection, StoreResult, accounts, spending};
use crate::books::month_of;
use crate::caps::{ALERT_PERCENTS, is_passed, passed_percents};

/// A charge, or the correction of one, just posted.
pub(super) struct Charge {
    /// Of the receipt: the month it counts in.
    pub(super) charged_at: DateTime<Utc>,
    /// Below zero: given back.
    pub(super) amount: Nanos,
    /// When the credit's period began.
    pub(super) period_start: DateTime<Utc>,
    pub(super) credit_before: Credit,
    pub(super) credit_after: Credit,
    /// As before the charge. None: there is no cap, so the credit counts.
    pub(super) cap: Option<MonthCap>,
}

/// Alerts that a charge makes due.
pub(super) struct Due {
    month: DateTime<Utc>,
    /// Of the credit.
    period_start: DateTime<Utc>,
    basis: AlertBasis,
    limit: Nanos,
    percents: Vec<u8>,
}

/// None: a charge passes nothing, which is so of almost all.
pub(super) fn due(charge: &Charge) -> Option<Due> {
    let (basis, limit, before, after) = match &charge.cap {
        Some(MonthCap { terms: (CapTerms { limit, .. }, _), used }) => {
            (AlertBasis::Cap, *limit, *used, *used + charge.amount)
        }
        None => {
            let Charge { credit_before: before, credit_after: after, .. } = charge;
            (AlertBasis::Credit, after.granted, before.used(), after.used())
        }
    };
    let percents: Vec<_> = passed_percents(limit, before, after).collect();
    let is_due = charge.amount > Nanos::ZERO && !percents.is_empty();
    let (month, period_start) = (month_of(charge.charged_at), charge.period_start);
    is_due.then_some(Due { month, period_start, basis, limit, percents })
}

/// Writes alerts down, and has the highest of the new ones told. Needs the account's lock, in the transaction of the
/// charge.
pub(super) async fn raise(conn: &Connection, account_id: AccountId, due: Due) -> QueryResult<()> {
    let period = match due.basis {
        AlertBasis::Cap => due.month,
        AlertBasis::Credit => due.period_start,
    };
    let raised = insert(conn, account_id, due.basis, period.date_naive(), &due.percents).await?;
    let Some(percent) = raised.into_iter().max() else { return Ok(()) };
    notices::insert(conn, account_id, &[notice(account_id, due, percent)]).await
}

/// Its cause names the limit and the period: of a higher cap, or of new credit in the same month, the same percentage is
/// news.
fn notice(account_id: AccountId, due: Due, percent: u8) -> NewNotice {
    let Due { month, period_start, basis, limit, .. } = due;
    let period = match basis {
        AlertBasis::Cap => month.format("%Y-%m"),
        AlertBasis::Credit => period_start.format("%Y-%m-%d"),
    };
    NewNotice {
        cause: format!("budget_alert:{account_id}:{period}:{}:{percent}:{}", basis_text(basis), limit.0),
        facts: Facts::BudgetAlert { basis, percent, limit, month },
    }
}

/// Those of this month's cap and of this period's credit that are not dismissed, the highest first.
pub(super) async fn list(
    mut conn: &Connection,
    account_id: AccountId,
    period_start: DateTime<Utc>,
) -> QueryResult<Vec<Alert>> {
    let of_cap =
        spending_alerts::basis.eq(basis_text(AlertBasis::Cap)).and(spending_alerts::month.eq(this_month()));
    let of_credit = spending_alerts::basis
        .eq(basis_text(AlertBasis::Credit))
        .and(spending_alerts::month.eq(period_start.date_naive()));
    let rows: Vec<(String, i16)> = spending_alerts::table
        .filter(spending_alerts::account_id.eq(account_id.0))
        .filter(of_cap.or(of_credit))
        .filter(spending_alerts::dismissed_at.is_null())
        .order(spending_alerts::percent.desc())
        .select((spending_alerts::basis, spending_alerts::percent))
        .load(&mut conn)
        .await?;
    let alert = |(basis, percent): (String, i16)| Alert {
        basis: parse_basis(&basis),
        percent: u8::try_from(percent).unwrap_or(u8::MAX),
    };
    Ok(rows.into_iter().map(alert).collect())
}

/// Dismisses the alerts of a kind in its period, up to one. Dismissing what is not there is fine.
pub async fn dismiss(conn: &mut Connection, account_id: AccountId, up_to: Alert) -> StoreResult<()> {
    let period = period_of(conn, account_id, up_to.basis).await?;
    let rows = spending_alerts::table
        .filter(spending_alerts::account_id.eq(account_id.0))
        .filter(spending_alerts::month.eq(period))
        .filter(spending_alerts::basis.eq(basis_text(up_to.basis)))
        .filter(spending_alerts::percent.le(i16::from(up_to.percent)))
        .filter(spending_alerts::dismissed_at.is_null());
    diesel::update(rows)
        .set(spending_alerts::dismissed_at.eq(clock_timestamp().nullable()))
        .execute(conn)
        .await?;
    Ok(())
}

/// When the month's cap has changed: takes back the alerts that are not true of the new one, and raises those that are.
/// They are not told by mail: whoever changes a cap sees them. Needs the account's lock.
pub(super) async fn follow_cap(
    conn: &mut Connection,
    account_id: AccountId,
    limit: Option<Nanos>,
) -> QueryResult<()> {
    let now: DateTime<Utc> = diesel::select(clock_timestamp()).get_result(conn).await?;
    let month = month_of(now).date_naive();
    let used = spending::charged_in_month(conn, account_id, now).await?;
    let is_true = |percent: &u8| limit.is_some_and(|limit| is_passed(limit, used, *percent));
    let (of_now, untrue): (Vec<u8>, Vec<u8>) = ALERT_PERCENTS.into_iter().partition(is_true);
    withdraw(conn, account_id, AlertBasis::Cap, month, untrue).await?;
    insert(conn, account_id, AlertBasis::Cap, month, &of_now).await?;
    Ok(())
}

/// When credit was given: takes back the alerts that are not true of what there is now, so that they can be told again.
/// Needs the account's lock.
pub(super) async fn follow_credit(
    conn: &Connection,
    account_id: AccountId,
    credit: &Credit,
) -> StoreResult<()> {
    let is_untrue = |percent: &u8| !is_passed(credit.granted, credit.used(), *percent);
    let untrue = ALERT_PERCENTS.into_iter().filter(is_untrue);
    let period = period_of(conn, account_id, AlertBasis::Credit).await?;
    Ok(withdraw(conn, account_id, AlertBasis::Credit, period, untrue).await?)
}

async fn withdraw(
    mut conn: &Connection,
    account_id: AccountId,
    basis: AlertBasis,
    period: NaiveDate,
    percents: impl IntoIterator<Item = u8>,
) -> QueryResult<()> {
    let percents: Vec<_> = percents.into_iter().map(i16::from).collect();
    let rows = spending_alerts::table
        .filter(spending_alerts::account_id.eq(account_id.0))
        .filter(spending_alerts::month.eq(period))
        .filter(spending_alerts::basis.eq(basis_text(basis)))
        .filter(spending_alerts::percent.eq_any(percents));
    diesel::delete(rows).execute(&mut conn).await?;
    Ok(())
}

/// Those that are there already stay as they are, dismissed or not. The percentages that were not.
async fn insert(
    mut conn: &Connection,
    account_id: AccountId,
    basis: AlertBasis,
    period: NaiveDate,
    percents: &[u8],
) -> QueryResult<Vec<u8>> {
    let row = |percent: &u8| {
        (
            spending_alerts::account_id.eq(account_id.0),
            spending_alerts::month.eq(period),
            spending_alerts::basis.eq(basis_text(basis)),
            spending_alerts::percent.eq(i16::from(*percent)),
        )
    };
    let rows: Vec<_> = percents.iter().map(row).collect();
    if rows.is_empty() {
        return Ok(vec![]);
    }
    let added: Vec<i16> = diesel::insert_into(spending_alerts::table)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(spending_alerts::percent)
        .get_results(&mut conn)
        .await?;
    Ok(added.into_iter().filter_map(|percent| percent.try_into().ok()).collect())
}

/// The first day of the period that goes on now.
async fn period_of(conn: &Connection, account_id: AccountId, basis: AlertBasis) -> StoreResult<NaiveDate> {
    let plan = accounts::find_plan(conn, account_id).await?;
    let start = match basis {
        AlertBasis::Cap => month_of(plan.at),
        AlertBasis::Credit => plan.period_start(plan.at),
    };
    Ok(start.date_naive())
}

/// The first day of the month, by the database's clock.
fn this_month() -> diesel::expression::SqlLiteral<diesel::sql_types::Date> {
    diesel::dsl::sql("date_trunc('month', clock_timestamp() at time zone 'UTC')::date")
}

fn basis_text(basis: AlertBasis) -> &'static str {
    match basis {
        AlertBasis::Cap => "cap",
        AlertBasis::Credit => "credit",
    }
}

/// The database allows no other text.
fn parse_basis(text: &str) -> AlertBasis {
    if text == "cap" { AlertBasis::Cap } else { AlertBasis::Credit }
}
