//! What an account's books say, in plain text.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;

use app::types::UserId;
use chrono::{DateTime, Utc};

use super::table::{Align, Table};
use crate::books::Hold;
use crate::config::DatabaseConfig;
use crate::store::account_books::{self, AccountBooks, BooksEntry, BooksGrant};
use crate::store::{Db, StoreError};

#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum LedgerCommand {
    /// Print the books of a user's account: its entries, its grants and its pending holds
    Show { user_id: UserId },
}

pub(super) async fn run(command: LedgerCommand, config: &DatabaseConfig) -> Result<(), Box<dyn Error>> {
    let LedgerCommand::Show { user_id } = command;
    let db = Db::new(config);
    let books = match account_books::read(&mut *db.get().await?, user_id).await {
        Err(StoreError::NotFound) => return Err(format!("there is no user {user_id}").into()),
        read => read?,
    };
    Ok(std::io::stdout().write_all(text(&books)?.as_bytes())?)
}

fn text(books: &AccountBooks) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let AccountBooks { account_id, plan, at, posted, entries, grants, holds } = books;
    writeln!(text, "Account {account_id}, plan {plan}, balance {posted} on {}\n", time(*at))?;
    writeln!(text, "Entries\n{}", entries_table(entries))?;
    writeln!(text, "Grants that live or have something left\n{}", grants_table(grants))?;
    write!(text, "Pending holds\n{}", holds_table(holds))?;
    Ok(text)
}

fn entries_table(entries: &[BooksEntry]) -> Table<5> {
    Table::new([
        ("number", Align::Right),
        ("time (UTC)", Align::Left),
        ("cause", Align::Left),
        ("amount", Align::Right),
        ("balance", Align::Right),
    ])
    .with(entries.iter().map(|entry| {
        [
            entry.number.to_string(),
            time(entry.at),
            entry.cause.clone(),
            entry.amount.to_string(),
            entry.balance.to_string(),
        ]
    }))
}

fn grants_table(grants: &[BooksGrant]) -> Table<5> {
    Table::new([
        ("cause", Align::Left),
        ("amount", Align::Right),
        ("remaining", Align::Right),
        ("allocated", Align::Right),
        ("expires (UTC)", Align::Left),
    ])
    .with(grants.iter().map(|grant| {
        [
            grant.cause.clone(),
            grant.amount.to_string(),
            grant.remaining.to_string(),
            grant.allocated.to_string(),
            grant.expires_at.map_or_else(|| "never".to_owned(), time),
        ]
    }))
}

fn holds_table(holds: &[Hold]) -> Table<3> {
    Table::new([("generation", Align::Left), ("amount", Align::Right), ("expires (UTC)", Align::Left)])
        .with(holds.iter().map(|hold| [hold.id.to_string(), hold.amount.to_string(), time(hold.expires_at)]))
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}
