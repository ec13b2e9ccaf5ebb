//! Signed-in browsers. Only the hash of a session's token is kept. Each begins and is ended with its row of the audit log; one
//! that runs out has none: when it does is known from its beginning.

use std::time::Duration;

use app::types::{AccountId, Impersonator, SessionId, SignedIn, UserId, Viewing};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::audit::{self, NewAuditEvent};
use super::schema::{sessions, users};
use super::visits::{self, Visits};
use super::{Connection, StoreError, StoreResult, users as people};

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

/// Begins a session, in the place of the one with this hash of its token, with a row in the audit log.
pub async fn begin(
    conn: &mut Connection,
    session: NewSession<'_>,
    replaced: Option<&[u8]>,
    event: NewAuditEvent<'_>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        if let Some(hash) = replaced {
            let ended = NewAuditEvent { detail: "somebody signed in with this browser", ..event.clone() };
            visits::end(conn, Visits::InSessionOfToken(hash), ended).await?;
            diesel::delete(sessions::table.filter(sessions::token_hash.eq(hash))).execute(conn).await?;
        }
        insert(conn, session).await?;
        audit::insert(conn, event).await?;
        Ok(())
    })
    .await
}

async fn insert(conn: &mut Connection, session: NewSession<'_>) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(Uuid::now_v7()),
            sessions::token_hash.eq(session.token_hash),
            sessions::user_id.eq(session.user_id.0),
            sessions::user_agent.eq(session.user_agent),
            sessions::expires_at.eq(Utc::now() + session.lifetime),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Who a token belongs to; None when its session has ended or was not used for `idle`.
pub async fn authenticate(
    conn: &mut Connection,
    token_hash: &[u8],
    idle: Duration,
) -> StoreResult<Option<SignedIn>> {
    let at = Utc::now();
    let row: Option<OwnerRow> = sessions::table
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at.gt(at))
        .filter(sessions::last_seen_at.gt(at - idle))
        .select(OwnerRow::as_select())
        .first(conn)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    if row.last_seen_at < at - SEEN_EVERY {
        diesel::update(sessions::table.find(row.session_id))
            .set(sessions::last_seen_at.eq(now))
            .execute(conn)
            .await?;
    }
    match row.viewing(at) {
        Some(viewing) => visit(conn, row, viewing).await,
        None => Ok(Some(row.into())),
    }
}

/// Who is signed in, and as whom they look at the product.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct OwnerRow {
    #[diesel(select_expression = sessions::id)]
    session_id: Uuid,
    last_seen_at: DateTime<Utc>,
    viewed_user_id: Option<Uuid>,
    viewing_until: Option<DateTime<Utc>>,
    #[diesel(select_expression = users::id)]
    user_id: Uuid,
    #[diesel(select_expression = users::account_id)]
    account_id: Uuid,
    #[diesel(select_expression = users::is_operator)]
    is_operator: bool,
}

impl OwnerRow {
    /// The visit that goes on. It ends with the role, too.
    fn viewing(&self, at: DateTime<Utc>) -> Option<Viewing> {
        let (person, until) = self.viewed_user_id.zip(self.viewing_until)?;
        (self.is_operator && until > at).then_some(Viewing { person: UserId(person), until })
    }
}

impl From<OwnerRow> for SignedIn {
    fn from(row: OwnerRow) -> Self {
        Self {
            user_id: UserId(row.user_id),
            account_id: AccountId(row.account_id),
            session_id: SessionId(row.session_id),
            is_operator: row.is_operator,
            impersonator: None,
        }
    }
}

/// The person an operator looks at, with the operator.
async fn visit(conn: &mut Connection, row: OwnerRow, viewing: Viewing) -> StoreResult<Option<SignedIn>> {
    Ok(Some(SignedIn {
        user_id: viewing.person,
        account_id: people::find_account(conn, viewing.person).await?,
        session_id: SessionId(row.session_id),
        is_operator: false,
        impersonator: Some(Impersonator { user_id: UserId(row.user_id), viewing }),
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

/// Ends a session, with a row in the audit log. False: there is no such session of this person.
pub async fn end(
    conn: &mut Connection,
    user_id: UserId,
    id: SessionId,
    event: NewAuditEvent<'_>,
) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let owned = sessions::table.find(id.0).filter(sessions::user_id.eq(user_id.0));
        let owned: Option<Uuid> = owned.select(sessions::id).for_update().first(conn).await.optional()?;
        if owned.is_none() {
            return Ok(false);
        }
        visits::end(conn, Visits::InSession(id), with_session(&event)).await?;
        diesel::delete(sessions::table.find(id.0)).execute(conn).await?;
        audit::insert(conn, event).await?;
        Ok(true)
    })
    .await
}

/// Ends every session of a person, with a row in the audit log.
pub async fn end_all(conn: &mut Connection, user_id: UserId, event: NewAuditEvent<'_>) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        visits::end(conn, Visits::Of(user_id), with_session(&event)).await?;
        diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id.0))).execute(conn).await?;
        audit::insert(conn, event).await?;
        Ok(())
    })
    .await
}

/// Forgets those that have run out. One with a visit waits until the end of that is in the audit log.
pub async fn delete_expired(conn: &mut Connection) -> StoreResult<()> {
    let expired = sessions::table.filter(sessions::expires_at.le(now));
    diesel::delete(expired.filter(sessions::viewed_user_id.is_null())).execute(conn).await?;
    Ok(())
}

/// Why a visit ends with its session, by the same request.
fn with_session<'a>(event: &NewAuditEvent<'a>) -> NewAuditEvent<'a> {
    NewAuditEvent { detail: "its session was ended", ..event.clone() }
}
