//! Importing what providers of models say we used.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

use crate::config::DatabaseConfig;
use crate::services::provider_usage::parse;
use crate::store::{Db, provider_usage};

#[derive(Clone, Debug, clap::Subcommand)]
pub enum UsageCommand {
    /// Import a provider's sums by day and model, from CSV or JSON: the columns are in docs/operating.md
    Import { file: PathBuf },
}

pub(super) async fn run(command: UsageCommand, config: &DatabaseConfig) -> Result<(), Box<dyn Error>> {
    let UsageCommand::Import { file } = command;
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let rows = parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    provider_usage::import(&mut *Db::new(config).get().await?, &rows).await?;
    writeln!(std::io::stdout(), "Imported {} days of models", rows.len())?;
    Ok(())
}
