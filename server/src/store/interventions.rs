//! What operators change of somebody's account: each with its row of the audit log, in one transaction. Credit is in
//! [`super::operator_credit`], looking at the product as somebody else in [`super::visits`].

use app::types::{AccountId, AuditId, AuditKind, FormId, LimitOverride, Operator, Reason, UserId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::{Value, json};

use super::accounts::OverrideRow;
use super::audit::{self, NewAuditEvent};
use super::clock::clock_timestamp;
use super::jobs::{self, NewJob};
use super::schema::{accounts, limit_overrides, sessions};
use super::visits::{self, Visits};
use super::{Connection, StoreError, StoreResult, ledger};

/// Who does something to whom, and why.
#[derive(Clone, Copy, Debug)]
pub struct Intervention<'a> {
    pub operator: &'a Operator,
    pub user_id: UserId,
    pub account_id: AccountId,
    pub reason: &'a Reason,
    /// The form that says so, where sending it twice must not do it twice.
    pub form_id: Option<FormId>,
}

impl Intervention<'_> {
    /// Writes down what was changed, in the caller's transaction.
    pub(super) async fn record(
        &self,
        conn: &mut Connection,
        kind: AuditKind,
        before: Value,
        after: Value,
    ) -> StoreResult<AuditId> {
        let event = NewAuditEvent { before: Some(before), after: Some(after), ..self.event(kind) };
        audit::insert(conn, event).await
    }

    /// As it is written down by what does it.
    pub fn event(&self, kind: AuditKind) -> NewAuditEvent<'_> {
        NewAuditEvent {
            user_id: Some(self.user_id),
            account_id: Some(self.account_id),
            reason: self.reason.as_str(),
            form_id: self.form_id,
            ..NewAuditEvent::by(self.operator, kind)
        }
    }
}

/// Lets the account have no replies, or again. False: so it was before.
pub async fn suspend(conn: &mut Connection, deed: Intervention<'_>, is_suspended: bool) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        // With a new version of the books: what was admitted by the old one is looked at again.
        ledger::lock(conn, deed.account_id).await?;
        let account = accounts::table.find(deed.account_id.0);
        let since: Option<DateTime<Utc>> = account.select(accounts::suspended_at).first(conn).await?;
        if since.is_some() == is_suspended {
            return Ok(false);
        }
        match is_suspended {
            true => {
                let now = accounts::suspended_at.eq(clock_timestamp().nullable());
                diesel::update(account).set(now).execute(conn).await?
            }
            false => {
                let none = accounts::suspended_at.eq(None::<DateTime<Utc>>);
                diesel::update(account).set(none).execute(conn).await?
            }
        };
        let kind = if is_suspended { AuditKind::Suspended } else { AuditKind::Unsuspended };
        let (before, after) = (json!({ "suspended": !is_suspended }), json!({ "suspended": is_suspended }));
        deed.record(conn, kind, before, after).await?;
        Ok(true)
    })
    .await
}

/// Ends every session of the person.
pub async fn sign_out(conn: &mut Connection, deed: Intervention<'_>) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let ended = NewAuditEvent {
            detail: "they were signed out by an operator",
            ..NewAuditEvent::of_request(deed.operator.actor(), AuditKind::VisitEnded)
        };
        visits::end(conn, Visits::Of(deed.user_id), ended).await?;
        let of_person = sessions::table.filter(sessions::user_id.eq(deed.user_id.0));
        let ended = diesel::delete(of_person).execute(conn).await?;
        let (before, after) = (json!({ "sessions": ended }), json!({ "sessions": 0 }));
        deed.record(conn, AuditKind::SignedOutByOperator, before, after).await?;
        Ok(())
    })
    .await
}

/// Puts other limits in the place of the plan's. None: the plan's again.
pub async fn override_limits(
    conn: &mut Connection,
    deed: Intervention<'_>,
    limits: Option<LimitOverride>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let of_account = limit_overrides::table.find(deed.account_id.0);
        let before: Option<OverrideRow> =
            of_account.select(OverrideRow::as_select()).for_update().first(conn).await.optional()?;
        let kind = match limits {
            Some(limits) => {
                let row = OverrideRow::from(limits);
                diesel::insert_into(limit_overrides::table)
                    .values((limit_overrides::account_id.eq(deed.account_id.0), &row))
                    .on_conflict(limit_overrides::account_id)
                    .do_update()
                    .set(&row)
                    .execute(conn)
                    .await?;
                AuditKind::LimitsOverridden
            }
            None => {
                diesel::delete(of_account).execute(conn).await?;
                AuditKind::LimitOverrideEnded
            }
        };
        let before = json!(before.map(OverrideRow::into_override));
        deed.record(conn, kind, before, json!(limits)).await?;
        Ok(())
    })
    .await
}

/// Bears that the account is not paid until a moment. False: it is borne for as long already.
pub async fn extend_grace(
    conn: &mut Connection,
    deed: Intervention<'_>,
    until: DateTime<Utc>,
) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let account = accounts::table.find(deed.account_id.0);
        let before: Option<DateTime<Utc>> =
            account.select(accounts::grace_until).for_update().first(conn).await?;
        if before.is_some_and(|before| before >= until) {
            return Ok(false);
        }
        diesel::update(account).set(accounts::grace_until.eq(until)).execute(conn).await?;
        let (before, after) = (json!({ "grace_until": before }), json!({ "grace_until": until }));
        deed.record(conn, AuditKind::GraceExtended, before, after).await?;
        Ok(true)
    })
    .await
}

/// Has something done about the account, at once.
pub async fn enqueue(
    conn: &mut Connection,
    deed: Intervention<'_>,
    kind: AuditKind,
    job: &NewJob,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        jobs::enqueue_behind(conn, job).await?;
        deed.record(conn, kind, Value::Null, Value::Null).await?;
        Ok(())
    })
    .await
}
