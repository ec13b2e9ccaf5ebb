//! The audit of the money: whether every invariant holds. It reports and never repairs.

use crate::AppResult;
use crate::store::Db;
use crate::store::invariants::{self, Finding};
use crate::store::money_audits;

#[derive(Clone)]
pub struct MoneyAudit {
    db: Db,
}

impl MoneyAudit {
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// What was found of each invariant, in the order of the report. It is kept for whoever watches.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn run(&self) -> AppResult<Vec<Finding>> {
        let mut conn = self.db.get().await?;
        let findings = invariants::check(&mut conn).await?;
        money_audits::record(&mut conn, &findings).await?;
        Ok(findings)
    }

    /// Runs, and logs an error for each invariant that does not hold.
    pub(crate) async fn log(&self) -> AppResult<()> {
        let findings = self.run().await?;
        for finding in findings.iter().filter(|finding| !finding.holds()) {
            tracing::error!(invariant = finding.invariant.name, count = finding.count, "{finding}");
        }
        tracing::info!("Audited the money: {} invariants checked", findings.len());
        Ok(())
    }
}
