//! Signed-in browsers. Only the hash of a session's token is kept.

use std::time::Duration;

use app::types::{AccountId, SessionId, SignedIn, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::{sessions, users};
use super::{Connection, StoreResult};

/// `last_seen_at` is written no more often than this, so that reading pages does not write rows.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(5);

pub struct NewSession<'a> {
    pub token_hash: &'a [u8],
    pub user_id: UserId,
    pub user_agent: &'a str,
    pub lifetime: Duration,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    pub id: Uuid,
    pub user_agent: String,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
}

pub async fn insert(conn: &mut Connection, session: NewSession<'_>) -> StoreResult<SessionId> {
    let id = SessionId(Uuid::now_v7());
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(id.0),
            sessions::token_hash.eq(session.token_hash),
            sessions::user_id.eq(session.user_id.0),
            sessions::user_agent.eq(session.user_agent),
            sessions::expires_at.eq(Utc::now() + session.lifetime),
        ))
        .execute(conn)
        .await?;
    Ok(id)
}

/// Who a token belongs to; None when its session has ended or was not used for `idle`.
pub async fn authenticate(
    conn: &mut Connection,
    token_hash: &[u8],
    idle: Duration,
) -> StoreResult<Option<SignedIn>> {
    let at = Utc::now();
    let row: Option<(Uuid, Uuid, Uuid, bool, DateTime<Utc>)> = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at.gt(at))
        .filter(sessions::last_seen_at.gt(at - idle))
        .select((sessions::id, users::id, users::account_id, users::is_operator, sessions::last_seen_at))
        .first(conn)
        .await
        .optional()?;
    let Some((session_id, user_id, account_id, is_operator, last_seen_at)) = row else { return Ok(None) };
    if last_seen_at < at - SEEN_EVERY {
        diesel::update(sessions::table.find(session_id))
            .set(sessions::last_seen_at.eq(now))
            .execute(conn)
            .await?;
    }
    Ok(Some(SignedIn {
        user_id: UserId(user_id),
        account_id: AccountId(account_id),
        session_id: SessionId(session_id),
        is_operator,
        impersonator: None,
    }))
}

/// A person's live sessions, the last seen first.
pub async fn list(conn: &mut Connection, user_id: UserId, idle: Duration) -> StoreResult<Vec<SessionRow>> {
    let at = Utc::now();
    Ok(sessions::table
        .filter(sessions::user_id.eq(user_id.0))
        .filter(sessions::expires_at.gt(at))
        .filter(sessions::last_seen_at.gt(at - idle))
        .order(sessions::last_seen_at.desc())
        .select(SessionRow::as_select())
        .load(conn)
        .await?)
}

/// False: there is no such session of this person.
pub async fn delete(conn: &mut Connection, user_id: UserId, id: SessionId) -> StoreResult<bool> {
    let rows = sessions::table.find(id.0).filter(sessions::user_id.eq(user_id.0));
    Ok(diesel::delete(rows).execute(conn).await? > 0)
}

pub async fn delete_by_token(conn: &mut Connection, token_hash: &[u8]) -> StoreResult<()> {
    diesel::delete(sessions::table.filter(sessions::token_hash.eq(token_hash))).execute(conn).await?;
    Ok(())
}

pub async fn delete_all(conn: &mut Connection, user_id: UserId) -> StoreResult<()> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id.0))).execute(conn).await?;
    Ok(())
}
