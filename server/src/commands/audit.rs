//! The audit of the money, in plain text.

use std::error::Error;
use std::io::Write;

use crate::config::DatabaseConfig;
use crate::services::money_audit::MoneyAudit;
use crate::store::Db;

/// Prints a line for each invariant. An error when one does not hold.
pub(super) async fn run(config: &DatabaseConfig) -> Result<(), Box<dyn Error>> {
    let findings = MoneyAudit::new(Db::new(config)).run().await?;
    let mut stdout = std::io::stdout();
    for finding in &findings {
        writeln!(stdout, "{finding}")?;
    }
    match findings.iter().filter(|finding| !finding.holds()).count() {
        0 => Ok(()),
        broken => {
            Err(format!("{broken} of {} invariants do not hold (see docs/operating.md)", findings.len())
                .into())
        }
    }
}
