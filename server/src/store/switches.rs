//! What operators turn off for a while.

use app::types::{Switch, SwitchState};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;

use super::audit::{self, NewAuditEvent};
use super::schema::switches;
use super::{Connection, StoreError, StoreResult};

/// Every switch there is.
pub async fn list(conn: &mut Connection) -> StoreResult<Vec<SwitchState>> {
    let rows: Vec<(String, bool, DateTime<Utc>)> = switches::table.load(conn).await?;
    let state = |switch: Switch| {
        let row = rows.iter().find(|(key, ..)| *key == switch.to_string());
        let (is_on, changed_at) = row.map_or((false, None), |(_, is_on, at)| (*is_on, Some(*at)));
        SwitchState { switch, is_on, changed_at }
    };
    Ok(Switch::ALL.map(state).into())
}

/// Turns a switch, with a row in the audit log. One that stands so already stays as it is, without a row.
pub async fn set(
    conn: &mut Connection,
    switch: Switch,
    is_on: bool,
    event: NewAuditEvent<'_>,
) -> StoreResult<()> {
    let key = switch.to_string();
    conn.transaction::<_, StoreError, _>(async |conn| {
        // One at a time, for a row that may not be there yet.
        diesel::sql_query("lock table switches in share row exclusive mode").execute(conn).await?;
        let was: Option<bool> =
            switches::table.find(&key).select(switches::is_on).first(conn).await.optional()?;
        if was.unwrap_or(false) == is_on {
            return Ok(());
        }
        let columns = (switches::is_on.eq(is_on), switches::changed_at.eq(diesel::dsl::now));
        diesel::insert_into(switches::table)
            .values((switches::key.eq(&key), columns))
            .on_conflict(switches::key)
            .do_update()
            .set(columns)
            .execute(conn)
            .await?;
        let event = NewAuditEvent {
            before: Some(json!({ "on": !is_on })),
            after: Some(json!({ "on": is_on })),
            detail: switch.title(),
            ..event
        };
        audit::insert(conn, event).await?;
        Ok(())
    })
    .await
}
