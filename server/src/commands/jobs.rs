//! Looking after the queue of jobs.

use std::error::Error;
use std::io::Write as _;

use app::types::{AuditKind, JobId};

use crate::config::DatabaseConfig;
use crate::store::audit::NewAuditEvent;
use crate::store::{Db, jobs};

#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum JobsCommand {
    /// Let a dead job be tried again from the start, or one that waits after a failure at once
    Retry {
        /// As the log and the table say it
        id: JobId,
    },
}

pub(super) async fn run(command: JobsCommand, config: &DatabaseConfig) -> Result<(), Box<dyn Error>> {
    let JobsCommand::Retry { id } = command;
    let db = Db::new(config);
    let by = NewAuditEvent { detail: "on the command line", ..NewAuditEvent::new(AuditKind::JobRetried) };
    if !jobs::revive(&mut *db.get().await?, id, by).await? {
        return Err(format!("{id} is no job that has failed, or one that does the same waits already").into());
    }
    Ok(writeln!(std::io::stdout(), "{id} will be tried again")?)
}
