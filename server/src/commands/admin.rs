//! Deciding who may open the admin panel.

use std::error::Error;
use std::io::Write as _;

use app::types::UserId;

use crate::config::DatabaseConfig;
use crate::store::{Db, StoreError, operators};

#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum AdminCommand {
    /// Make somebody an operator, who may open the admin panel
    Grant { user_id: UserId },
    /// End that: from the next request on
    Revoke { user_id: UserId },
}

pub(super) async fn run(command: AdminCommand, config: &DatabaseConfig) -> Result<(), Box<dyn Error>> {
    let (AdminCommand::Grant { user_id } | AdminCommand::Revoke { user_id }) = command;
    let is_operator = matches!(command, AdminCommand::Grant { .. });
    let db = Db::new(config);
    let changed =
        operators::set(&mut *db.get().await?, user_id, is_operator, "on the command line", "").await;
    let sentence = match (changed, is_operator) {
        (Err(StoreError::NotFound), _) => return Err(format!("there is no user {user_id}").into()),
        (Err(error), _) => return Err(error.into()),
        (Ok(true), true) => "is an operator now",
        (Ok(false), true) => "was an operator before",
        (Ok(true), false) => "is no operator any more",
        (Ok(false), false) => "was no operator before",
    };
    Ok(writeln!(std::io::stdout(), "{user_id} {sentence}")?)
}
