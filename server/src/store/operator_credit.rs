//! Credit that operators give and take. Its cause names the row of the audit log, which is written with it.

use app::types::{AuditKind, Nanos};
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde_json::json;

use super::interventions::Intervention;
use super::{Connection, StoreError, StoreResult, ledger};
use crate::books::Cause;

/// Gives credit, until a moment or forever. What was spent beyond all credit is paid out of it first.
pub async fn give(
    conn: &mut Connection,
    deed: Intervention<'_>,
    amount: Nanos,
    expires_at: Option<DateTime<Utc>>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let (version, mut books) = ledger::open(conn, deed.account_id).await?;
        let before = json!({ "balance": books.balance().to_string() });
        let after = json!({ "balance": (books.balance() + amount).to_string(), "ends_at": expires_at });
        let id = deed.record(conn, AuditKind::CreditGiven, before, after).await?;
        books.give(Cause::Other(format!("grant:{id}")), amount, expires_at);
        ledger::write(conn, deed.account_id, version, books).await
    })
    .await
}

/// What came of taking credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    Taken,
    /// So much is free, which is less.
    Short(Nanos),
}

/// Takes credit that nothing has set aside: replies in progress keep what they were promised, and nobody is left with a
/// deficit. `monthly`: the plan's credit, given first where this month had none yet, so that it cannot come afterwards.
pub async fn take(
    conn: &mut Connection,
    deed: Intervention<'_>,
    amount: Nanos,
    monthly: Nanos,
) -> StoreResult<Taking> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let (version, mut books) = ledger::open(conn, deed.account_id).await?;
        books.give_monthly(monthly);
        let free = books.credit().available.or_zero();
        if amount > free {
            return Ok(Taking::Short(free));
        }
        let before = json!({ "balance": books.balance().to_string() });
        let after = json!({ "balance": (books.balance() - amount).to_string() });
        let id = deed.record(conn, AuditKind::CreditTaken, before, after).await?;
        books.take(Cause::Other(format!("take:{id}")), amount);
        ledger::write(conn, deed.account_id, version, books).await?;
        Ok(Taking::Taken)
    })
    .await
}
