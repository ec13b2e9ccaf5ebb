//! The audit of the money: whether every invariant holds. It reports and never repairs.

use crate::AppResult;
use crate::store::Db;
use crate::store::invariants::{self, Finding};
use crate::telemetry::metrics;

#[derive(Clone)]
pub struct MoneyAudit {
    db: Db,
}

impl MoneyAudit {
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// What was found of each invariant, in the order of the report.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn run(&self) -> AppResult<Vec<Finding>> {
        Ok(invariants::check(&mut *self.db.get().await?).await?)
    }

    /// Runs, and logs an error for each invariant that does not hold.
    pub(crate) async fn log(&self) -> AppResult<()> {
        let findings = self.run().await?;
        for finding in &findings {
            metrics::invariant_checked(finding.invariant.name, finding.count);
        }
        for finding in findings.iter().filter(|finding| !finding.holds()) {
            tracing::error!(invariant = finding.invariant.name, count = finding.count, "{finding}");
        }
        tracing::info!("Audited the money: {} invariants checked", findings.len());
        Ok(())
    }
}
