//! Credit that operators give and take. Its cause names the row of the audit log, which is written with it.

use app::types::{AuditKind, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;

use super::interventions::Intervention;
use super::schema::ledger_entries;
use super::{Connection, StoreError, StoreResult, audit, ledger};
use crate::books::Cause;

/// What came of giving or taking credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditOutcome {
    /// By this, or before by the same form.
    Done,
    /// So much is free, which is less.
    Short(Nanos),
    /// The form was sent before, with something else in it.
    FormIsUsed,
}

/// Gives credit, until a moment or forever, once for the deed's form. What was spent beyond all credit is paid out of it
/// first.
pub async fn give(
    conn: &mut Connection,
    deed: Intervention<'_>,
    amount: Nanos,
    expires_at: Option<DateTime<Utc>>,
) -> StoreResult<CreditOutcome> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let (version, mut books) = ledger::open(conn, deed.account_id).await?;
        if let Some(outcome) = find_outcome(conn, deed, "grant", amount).await? {
            return Ok(outcome);
        }
        let before = json!({ "balance": books.balance().to_string() });
        let after = json!({ "balance": (books.balance() + amount).to_string(), "ends_at": expires_at });
        let id = deed.record(conn, AuditKind::CreditGiven, before, after).await?;
        books.give(Cause::Other(format!("grant:{id}")), amount, expires_at);
        ledger::write(conn, deed.account_id, version, books).await?;
        Ok(CreditOutcome::Done)
    })
    .await
}

/// Takes credit that nothing has set aside, once for the deed's form: replies in progress keep what they were promised, and
/// nobody is left with a deficit. `monthly`: the plan's credit, given first where this month had none yet, so that it
/// cannot come afterwards.
pub async fn take(
    conn: &mut Connection,
    deed: Intervention<'_>,
    amount: Nanos,
    monthly: Nanos,
) -> StoreResult<CreditOutcome> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let (version, mut books) = ledger::open(conn, deed.account_id).await?;
        if let Some(outcome) = find_outcome(conn, deed, "take", -amount).await? {
            return Ok(outcome);
        }
        books.give_monthly(monthly);
        let free = books.credit().available.or_zero();
        if amount > free {
            return Ok(CreditOutcome::Short(free));
        }
        let before = json!({ "balance": books.balance().to_string() });
        let after = json!({ "balance": (books.balance() - amount).to_string() });
        let id = deed.record(conn, AuditKind::CreditTaken, before, after).await?;
        books.take(Cause::Other(format!("take:{id}")), amount);
        ledger::write(conn, deed.account_id, version, books).await?;
        Ok(CreditOutcome::Done)
    })
    .await
}

/// What came of the deed's form when it was sent before. None: it was not. Under the account's lock, so that of two at the
/// same moment the second one finds the first.
async fn find_outcome(
    conn: &mut Connection,
    deed: Intervention<'_>,
    kind: &str,
    amount: Nanos,
) -> QueryResult<Option<CreditOutcome>> {
    let Some(form_id) = deed.form_id else { return Ok(None) };
    let Some(id) = audit::find_by_form(conn, form_id).await? else { return Ok(None) };
    let same = ledger_entries::table
        .filter(ledger_entries::cause.eq(format!("{kind}:{id}")))
        .filter(ledger_entries::account_id.eq(deed.account_id.0))
        .filter(ledger_entries::amount_nanos.eq(amount.0));
    let is_same: bool = diesel::select(diesel::dsl::exists(same)).get_result(conn).await?;
    Ok(Some(if is_same { CreditOutcome::Done } else { CreditOutcome::FormIsUsed }))
}
