//! Whom an account or a customer belongs to, as lists for operators name them: the first person of the account.

use std::collections::HashMap;

use app::types::{PersonLabel, UserId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Connection;
use super::schema::{accounts, users};

/// By the ids of their accounts.
pub(super) async fn of_accounts(
    conn: &mut Connection,
    ids: impl IntoIterator<Item = Uuid>,
) -> QueryResult<HashMap<Uuid, PersonLabel>> {
    let ids: Vec<_> = ids.into_iter().collect();
    let rows: Vec<(Uuid, Uuid, String)> = users::table
        .filter(users::account_id.eq_any(ids))
        // What comes later takes the place of what came before.
        .order(users::id.desc())
        .select((users::account_id, users::id, users::display_name))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(account, id, name)| (account, PersonLabel { id: UserId(id), name })).collect())
}

/// By the customers' ids at Stripe.
pub(super) async fn of_customers(
    conn: &mut Connection,
    ids: impl IntoIterator<Item = String>,
) -> QueryResult<HashMap<String, PersonLabel>> {
    let ids: Vec<_> = ids.into_iter().map(Some).collect();
    let rows: Vec<(Option<String>, Uuid)> = accounts::table
        .filter(accounts::stripe_customer_id.eq_any(ids))
        .select((accounts::stripe_customer_id, accounts::id))
        .load(conn)
        .await?;
    let people = of_accounts(conn, rows.iter().map(|(_, account)| *account)).await?;
    let named =
        rows.into_iter().filter_map(|(customer, account)| Some((customer?, people.get(&account)?.clone())));
    Ok(named.collect())
}
