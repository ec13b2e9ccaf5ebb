//! Plans that operators put in the place of an account's own, whatever is paid for. Read with the account's plan
//! ([`super::accounts::AccountPlanRow`]), so they hold from the next request on.

use app::types::{AccountId, AuditKind, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::json;

use super::interventions::Intervention;
use super::schema::plan_overrides;
use super::{Connection, StoreError, StoreResult, ledger};
use crate::books::{Books, Cause, Grant};

/// Another plan, until a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = plan_overrides)]
pub struct PlanOverrideRow {
    /// A key.
    pub plan: String,
    pub ends_at: DateTime<Utc>,
}

/// Puts another plan in the place of the account's. `monthly`: the credit it gives for a month to this account. Where the
/// month was given less already, the difference comes now.
pub async fn begin(
    conn: &mut Connection,
    deed: Intervention<'_>,
    row: &PlanOverrideRow,
    monthly: Nanos,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        // With a new version of the books: what was admitted by the old plan is looked at again.
        let (version, mut books) = ledger::open(conn, deed.account_id).await?;
        let before = find(conn, deed.account_id).await?;
        diesel::insert_into(plan_overrides::table)
            .values((plan_overrides::account_id.eq(deed.account_id.0), row))
            .on_conflict(plan_overrides::account_id)
            .do_update()
            .set(row)
            .execute(conn)
            .await?;
        raise_month(&mut books, deed.account_id, &row.plan, monthly);
        deed.record(conn, AuditKind::PlanOverridden, json!(before), json!(row)).await?;
        ledger::write(conn, deed.account_id, version, books).await
    })
    .await
}

/// The account's own plan again. Credit that was given stays.
pub async fn end(conn: &mut Connection, deed: Intervention<'_>) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        ledger::lock(conn, deed.account_id).await?;
        let before = find(conn, deed.account_id).await?;
        diesel::delete(plan_overrides::table.find(deed.account_id.0)).execute(conn).await?;
        deed.record(conn, AuditKind::PlanOverrideEnded, json!(before), json!(null)).await?;
        Ok(())
    })
    .await
}

async fn find(conn: &mut Connection, account_id: AccountId) -> QueryResult<Option<PlanOverrideRow>> {
    let of_account = plan_overrides::table.find(account_id.0);
    of_account.select(PlanOverrideRow::as_select()).first(conn).await.optional()
}

/// Gives what of the plan's credit for a month is more than this month was given: all of it before the month's first use, lest
/// a request that is being admitted gives what the plan before had.
fn raise_month(books: &mut Books, account_id: AccountId, plan: &str, monthly: Nanos) {
    let month = Cause::monthly(account_id, books.at()).to_string();
    let cause = format!("{month}:{plan}");
    let of_month = || books.grants().iter().filter(|grant: &&Grant| grant.cause.starts_with(&month));
    let given: Nanos = of_month().map(|grant| grant.amount).sum();
    let Some(ends_at) = of_month().next().map(|grant| grant.expires_at) else {
        return books.give_monthly(monthly);
    };
    let is_new = of_month().all(|grant| grant.cause != cause);
    if is_new && monthly > given {
        books.give(Cause::Other(cause), monthly - given, ends_at);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_month_comes_to_what_its_highest_plan_gives_whatever_the_order() {
        let account_id = AccountId(Uuid::from_u128(1));
        let at = "2026-11-24T12:00:00Z".parse().expect("a time");
        let mut books = Books::open(account_id, at, Nanos::ZERO, vec![], vec![]);
        for (plan, monthly, balance) in
            [("pro", 1_500, 1_500), ("pro", 1_500, 1_500), ("max", 8_000, 8_000), ("pro", 1_500, 8_000)]
        {
            raise_month(&mut books, account_id, plan, Nanos(monthly));
            // As a request does that was let in by the plan before.
            books.give_monthly(Nanos(50));
            assert_eq!(books.balance(), Nanos(balance), "{plan}");
        }
        assert!(books.grants().iter().all(|grant| grant.expires_at == books.grants()[0].expires_at));
    }
}
