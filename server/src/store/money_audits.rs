//! What the last audit of the money found, for every process to tell.

use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Text};
use diesel::upsert::excluded;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::invariants::Finding;
use super::schema::money_audits;
use super::{Connection, StoreError, StoreResult};

/// The last audit.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditResult {
    /// By the database's clock.
    pub age_seconds: f64,
    /// How many break each invariant, by its name.
    pub violations: Vec<(String, i64)>,
}

/// In place of what the audit before it found, also of invariants that there are no more.
pub async fn record(conn: &mut Connection, findings: &[Finding]) -> StoreResult<()> {
    let names = findings.iter().map(|finding| finding.invariant.name);
    let row = |finding: &Finding| {
        (money_audits::invariant.eq(finding.invariant.name), money_audits::violations.eq(finding.count))
    };
    let rows: Vec<_> = findings.iter().map(row).collect();
    conn.transaction::<_, StoreError, _>(async |conn| {
        diesel::delete(money_audits::table.filter(money_audits::invariant.ne_all(names)))
            .execute(conn)
            .await?;
        diesel::insert_into(money_audits::table)
            .values(rows)
            .on_conflict(money_audits::invariant)
            .do_update()
            .set((
                money_audits::violations.eq(excluded(money_audits::violations)),
                money_audits::checked_at.eq(now),
            ))
            .execute(conn)
            .await?;
        Ok(())
    })
    .await
}

/// None: there was none.
pub async fn read(conn: &mut Connection) -> StoreResult<Option<AuditResult>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        invariant: String,
        #[diesel(sql_type = BigInt)]
        violations: i64,
        #[diesel(sql_type = Double)]
        age_seconds: f64,
    }
    const READ: &str = "
        select invariant, violations, extract(epoch from clock_timestamp() - checked_at)::float8 as age_seconds
        from money_audits order by invariant";
    let rows: Vec<Row> = diesel::sql_query(READ).load(conn).await?;
    let [Row { age_seconds, .. }, ..] = rows[..] else { return Ok(None) };
    let violations = rows.into_iter().map(|row| (row.invariant, row.violations)).collect();
    Ok(Some(AuditResult { age_seconds, violations }))
}
