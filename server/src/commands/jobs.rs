//! Looking after the queue of jobs.

use std::error::Error;
use std::io::Write as _;

use uuid::Uuid;

use crate::config::DatabaseConfig;
use crate::store::{Db, jobs};

#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum JobsCommand {
    /// Let a dead job be tried again from the start
    Retry {
        /// As the log and the table say it
        id: Uuid,
    },
}

pub(super) async fn run(command: JobsCommand, config: &DatabaseConfig) -> Result<(), Box<dyn Error>> {
    let JobsCommand::Retry { id } = command;
    let db = Db::new(config);
    if !jobs::revive(&mut *db.get().await?, id).await? {
        return Err(format!("{id} is no dead job, or one that does the same waits already").into());
    }
    Ok(writeln!(std::io::stdout(), "{id} will be tried again")?)
}
