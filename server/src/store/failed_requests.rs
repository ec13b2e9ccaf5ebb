//! Requests that were answered with a fault of ours.

use app::types::FailedRequest;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::clock::now;
use super::schema::failed_requests;
use super::{Connection, StoreResult};

/// What is known of one when it is answered.
#[derive(Debug, Insertable)]
#[diesel(table_name = failed_requests)]
pub struct NewFailedRequest {
    pub id: Uuid,
    pub method: String,
    pub route: String,
    pub status: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = failed_requests)]
struct Row {
    failed_at: DateTime<Utc>,
    method: String,
    route: String,
    status: i32,
}

pub async fn insert(conn: &mut Connection, request: &NewFailedRequest) -> StoreResult<()> {
    let row = diesel::insert_into(failed_requests::table).values(request);
    row.on_conflict_do_nothing().execute(conn).await?;
    Ok(())
}

/// None: nothing is kept of it.
pub async fn find(conn: &mut Connection, id: Uuid) -> StoreResult<Option<FailedRequest>> {
    let row = failed_requests::table.find(id).select(Row::as_select()).first(conn).await.optional()?;
    Ok(row.map(|Row { failed_at, method, route, status }| FailedRequest {
        at: failed_at,
        method,
        route,
        status: u16::try_from(status).unwrap_or_default(),
    }))
}

/// Forgets those that failed so long ago.
pub async fn delete_old(conn: &mut Connection, age: TimeDelta) -> StoreResult<()> {
    let before = now(conn).await? - age;
    let old = failed_requests::table.filter(failed_requests::failed_at.lt(before));
    diesel::delete(old).execute(conn).await?;
    Ok(())
}
