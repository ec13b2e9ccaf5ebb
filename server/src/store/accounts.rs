//! Accounts: who owns money and limits.

use app::types::AccountId;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::accounts;
use super::{Connection, StoreResult};

/// The key of the account's plan.
pub async fn find_plan(mut conn: &Connection, id: AccountId) -> StoreResult<String> {
    Ok(accounts::table.find(id.0).select(accounts::plan).first(&mut conn).await?)
}

pub(super) async fn insert(conn: &mut Connection, id: AccountId, plan: &str) -> QueryResult<()> {
    let row = (accounts::id.eq(id.0), accounts::plan.eq(plan));
    diesel::insert_into(accounts::table).values(row).execute(conn).await?;
    Ok(())
}
